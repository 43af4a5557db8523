/** Decoding as a page calls it: in a worker where there are some, else in place. */

import type { Bundle, LoadOptions } from "./bundle/bundle.js";
import type { Source } from "./bundle/source.js";
import { readSize } from "./container/chunks.js";
import type { DecodeOptions, Picture } from "./codec/decoder.js";
import { BundleError } from "./errors.js";
import { settings } from "./settings.js";
import { client } from "./worker/client.js";
import { absolute, inWorker } from "./worker/place.js";
import type { DecodeArgument } from "./worker/worker.js";

/** What to decode, and how. */
export interface Options extends Omit<DecodeOptions, "bundle"> {
  readonly bundle?: Bundle | string | URL; // a loaded one, or the address of its folder; by default below `models`
}

/**
 * Decodes a `.skosh` file, in a worker where there are some and the bundle is an address, else on this thread.
 *
 * Throws FormatError for foreign or damaged bytes, BundleError where the bundle or its head for realism or double size is
 * missing, or is another one's, LimitError for too large a picture or a region outside of it, TypeError for a region
 * that is not four whole numbers and for other kinds of realism or scale, RangeError for realism or a scale out of range,
 * SkoshError where the worker fails, and the signal's reason once it is aborted.
 */
export async function decode(data: ArrayBuffer | Uint8Array, options: Options = {}): Promise<Picture> {
  const bytes = data instanceof Uint8Array ? data : new Uint8Array(data);
  const { bundle = bundleFor(bytes, options.maxPixels), signal, progress, preview, ...request } = options;
  if (!inWorker(bundle)) {
    const { decode: inPlace } = await import("./codec/decoder.js");
    return inPlace(bytes, { ...options, bundle });
  }
  const address = absolute(bundle);
  const argument: DecodeArgument = { bytes, options: { ...request, bundle: address, preview: preview !== undefined } };
  return client.run<Picture, Picture>("decode", argument, { signal, progress }, preview);
}

/** Loads the decoder's half of a bundle, to decode with on this thread. Throws as `decode` does. */
export async function load(source: Source, options: LoadOptions = {}): Promise<Bundle> {
  const { load: loaded } = await import("./bundle/bundle.js");
  return loaded(source, options);
}

/** Ends the worker and frees its memory, which never shrinks by itself. The next picture starts another one. */
export function release(): void {
  client.end();
}

/** Returns the address of the bundle that a file asks for. */
function bundleFor(bytes: Uint8Array, maxPixels?: number): string {
  const { models } = settings();
  const { modelId } = readSize(bytes, maxPixels);
  if (models === undefined) {
    throw new BundleError(`where is the bundle ${modelId}? Name its address (bundle), or configure({ models })`);
  }
  return `${absolute(models).replace(/\/*$/, "/")}${modelId}/`;
}
