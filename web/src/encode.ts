/** Encoding as a page calls it: in a worker where there are some, else in place. */

import type { EncodeOptions } from "./codec/encoder.js";
import type { Pixels } from "./codec/planes.js";
import { client } from "./worker/client.js";
import { absolute, inWorker } from "./worker/place.js";
import type { EncodeArgument } from "./worker/worker.js";

/**
 * Encodes a picture, an ImageData of sRGB, as the bytes of a `.skosh` file: in a worker where there are some and the
 * bundle is an address, else on this thread.
 *
 * Throws BundleError where the bundle is missing or only decodes, LimitError for too large a picture, RangeError for a
 * quality or a tile out of range, TypeError where the pixels are not 4 bytes for each, SkoshError where the worker
 * fails, and the signal's reason once it is aborted.
 */
export async function encode(image: Pixels, options: EncodeOptions): Promise<Uint8Array> {
  const { bundle, signal, progress, ...request } = options;
  if (!inWorker(bundle)) {
    const { encode: inPlace } = await import("./codec/encoder.js");
    return inPlace(image, options);
  }
  const { data, width, height } = image; // an ImageData of its own kind could not be copied to every worker
  const argument: EncodeArgument = {
    image: { data, width, height },
    options: { ...request, bundle: absolute(bundle) },
  };
  return client.run<Uint8Array>("encode", argument, { signal, progress });
}
