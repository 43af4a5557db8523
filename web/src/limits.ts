/** Limits, checked before anything is allocated. They are those of Python's `limits.py`. */

import { LimitError } from "./errors.js";

export const MAX_SIDE = 65_535; // pixels
export const MAX_PIXELS = 128 * 2 ** 20; // width x height
export const FREE_PIXELS = 2 ** 20; // pixels that a file of any length may claim
export const PIXELS_PER_BYTE = 1024; // and this many more for each byte
export const PADDING = 64; // pixels: padded sides are multiples of this
export const MAX_CHUNK = 256 * 2 ** 20; // bytes of one chunk's payload
export const MAX_FILE = 512 * 2 ** 20; // bytes of a file
export const MAX_UNKNOWN = 4096; // chunks of unknown types
export const MAX_MANIFEST = 2 ** 20; // bytes
export const MAX_BUNDLE_FILE = 256 * 2 ** 20; // bytes of one file of a bundle
export const MAX_METADATA = 16 * 2 ** 20; // bytes of an ICC profile, of EXIF or of XMP

/** Throws LimitError unless a file may be this long. */
export function checkFile(bytes: number): void {
  if (bytes > MAX_FILE) {
    throw new LimitError(`a file of ${bytes} bytes is over the limit of ${MAX_FILE}`);
  }
}

/** Throws LimitError unless a picture of this size may be held in memory. */
export function checkSize(width: number, height: number, maxPixels = MAX_PIXELS): void {
  if (width < 1 || height < 1) {
    throw new LimitError(`a picture of ${width}x${height} has no pixels`);
  }
  if (Math.max(width, height) > MAX_SIDE) {
    throw new LimitError(`${width}x${height} is over the limit of ${MAX_SIDE} pixels a side`);
  }
  if (width * height > maxPixels) {
    throw new LimitError(
      `${width}x${height} is ${width * height} pixels, over the limit of ${maxPixels} (maxPixels raises it)`,
    );
  }
}

/**
 * Throws LimitError if a file of `size` bytes claims an implausibly large picture.
 *
 * Sides count as padded to a multiple of 64, as the networks work on them.
 */
export function checkJustified(width: number, height: number, size: number): void {
  const padded = Math.ceil(width / PADDING) * Math.ceil(height / PADDING) * PADDING ** 2;
  if (padded > FREE_PIXELS + PIXELS_PER_BYTE * size) {
    throw new LimitError(`a file of ${size} bytes claims a picture of ${width}x${height}: refused`);
  }
}
