/**
 * A picture becomes a file: analysis, hyper analysis, scale index, means, symbols, bytes.
 *
 * Latents are rounded to the nearest symbols. Python's encoder also chooses symbols by rate and distortion, and fits
 * Wiener filters: its files are smaller, and both are read in the same way.
 */

import { Planes, type Tensor } from "../arrays.js";
import type { Bundle } from "../bundle/bundle.js";
import type { Point } from "../bundle/point.js";
import { packAlpha } from "../container/alpha_packing.js";
import { ALPHA, TILE_MIN, type Header, type Mode } from "../container/chunks.js";
import { write } from "../container/writing.js";
import { Writer } from "../entropy/coder.js";
import { BundleError } from "../errors.js";
import { MAX_PIXELS, checkJustified, checkSize } from "../limits.js";
import { analyse, hyperSymbols, toHyperSymbols } from "./analysis.js";
import { each, split, whole, type Box, type Watch } from "./boxes.js";
import { bundleOf } from "./loaded.js";
import type { Pixels } from "./planes.js";
import { quantise, type Residual } from "./quantise.js";

export const DEFAULT_QUALITY = 50;
const DEFAULT_TILE = 1024; // pixels

/** How to encode a picture. */
export interface EncodeRequest {
  readonly quality?: number; // 0 (smallest) to 100 (best), in eighths; 50 by default
  readonly tile?: number; // side in pixels of what can be decoded by itself: 64 times a power of two; 0: the whole
  readonly maxPixels?: number; // a larger picture is refused
}

export interface EncodeOptions extends EncodeRequest, Watch {
  readonly bundle: Bundle | string | URL; // a loaded one, or the address of its folder
}

/** The symbols of a picture. */
export interface Coded {
  readonly z: Planes<Int32Array>; // (N, h, w); without a hyperprior the latent itself
  readonly residual: Residual | null;
}

/**
 * Encodes a picture, RGBA in sRGB, as the bytes of a `.skosh` file, on this thread.
 *
 * A picture of equal red, green and blue becomes a grey one; transparency is kept exactly.
 *
 * Throws BundleError where the bundle is missing or only decodes, LimitError for too large a picture, RangeError for a
 * quality or a tile out of range, TypeError where the pixels are not 4 bytes for each, and the signal's reason once it
 * is aborted.
 */
export async function encode(image: Pixels, options: EncodeOptions): Promise<Uint8Array> {
  const { quality = DEFAULT_QUALITY, tile = DEFAULT_TILE, maxPixels = MAX_PIXELS, signal } = options;
  signal?.throwIfAborted();
  checkQuality(quality);
  checkTile(tile);
  checkSize(image.width, image.height, maxPixels);
  if (image.data.length !== 4 * image.width * image.height) {
    throw new TypeError(`${image.data.length} bytes are no RGBA pixels of ${image.width}x${image.height}`);
  }
  const bundle = await bundleOf(options.bundle, options);
  if (!bundle.hasGraph("analysis")) {
    throw new BundleError(`the model ${bundle.manifest.name} only decodes: it has no encoder/, name another`);
  }
  const at = bundle.at(bundle.quality(quality));
  const coded = await symbolsOf(at, image, options);
  const header: Header = {
    width: image.width,
    height: image.height,
    quality: bundle.quality(quality),
    modelId: bundle.manifest.modelId,
    mode: modeOf(image),
    tile: tile < Math.max(image.width, image.height) ? tile : 0,
  };
  const plane = alphaOf(image);
  const extras = new Map(plane ? [[ALPHA, await packAlpha(plane, image.height, image.width)]] : []);
  const file = write(header, extras, await streams(at, coded, header.tile / bundle.manifest.multiple, options));
  checkJustified(image.width, image.height, file.length); // as the decoder does
  return file;
}

/** Returns the symbols of a picture at one quality. */
export async function symbolsOf(at: Point, image: Pixels, watch: Watch): Promise<Coded> {
  const y: Tensor = await analyse(at, image, watch);
  if (at.bundle.manifest.hyper === 0) {
    return { z: toHyperSymbols(y), residual: null };
  }
  const z = await hyperSymbols(at, y, { signal: watch.signal });
  return { z, residual: await quantise(at, y, z, watch) };
}

/** Returns the entropy-coded stream of every tile. `side`: of a tile, in samples of z. */
async function streams(at: Point, coded: Coded, side: number, { signal }: Watch): Promise<Uint8Array[]> {
  const found: Uint8Array[] = [];
  const code = (box: Box): void => void found.push(tileStream(at, coded, box));
  await each(split(whole(coded.z.height, coded.z.width), side), code, { signal }, "symbols");
  return found;
}

/** Returns the stream of one tile, a box on the grid of z. */
function tileStream(at: Point, { z, residual }: Coded, box: Box): Uint8Array {
  const writer = new Writer(at.models);
  writer.putZ(box.of(z));
  if (residual) {
    const latents = box.times(at.bundle.reduction);
    writer.putQ(latents.of(residual.q), latents.of(residual.scaleIndex));
  }
  writer.putNoCoefficients();
  return writer.stream();
}

/** Returns whether a picture is grey. */
function modeOf({ data }: Pixels): Mode {
  for (let i = 0; i < data.length; i += 4) {
    if (data[i] !== data[i + 1] || data[i] !== data[i + 2]) {
      return "RGB";
    }
  }
  return "L";
}

/** Returns the transparency (H, W); null where all pixels are opaque. */
function alphaOf({ data, width, height }: Pixels): Uint8Array | null {
  const plane = new Uint8Array(width * height);
  let least = 255;
  for (let i = 0; i < plane.length; i++) {
    plane[i] = data[4 * i + 3];
    least = Math.min(least, plane[i]);
  }
  return least < 255 ? plane : null;
}

/** Throws RangeError unless a quality is 0 to 100. */
export function checkQuality(quality: number): void {
  if (!(quality >= 0 && quality <= 100)) {
    throw new RangeError(`quality is 0 to 100, not ${quality}`);
  }
}

/** Throws RangeError unless this is a side that a file's tiles may have. */
export function checkTile(tile: number): void {
  const exponent = Math.log2(tile / TILE_MIN);
  if (tile !== 0 && !(Number.isInteger(exponent) && exponent >= 0 && exponent <= 14)) {
    throw new RangeError(`a tile's side is 0 or a power of two from ${TILE_MIN} on, not ${tile}`);
  }
}
