/** Conversion between the planes of networks and bytes of pixels. */

import { Planes, type Tensor } from "../arrays.js";
import type { Box } from "./boxes.js";

/** Bytes of pixels, RGBA, row by row. */
export interface Pixels {
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/** Returns opaque black. */
export function blank(height: number, width: number): Pixels {
  const data = new Uint8ClampedArray(4 * height * width);
  for (let i = 3; i < data.length; i += 4) {
    data[i] = 255;
  }
  return { data, width, height };
}

/** Returns the least multiple that is at least `size`. */
export function padded(size: number, multiple: number): number {
  return Math.ceil(size / multiple) * multiple;
}

/**
 * Returns a box of pixels as planes (1, 3, H, W) in [0, 1].
 *
 * Beyond the right and bottom edges, the last pixels are repeated.
 */
export function toNetwork({ data, width, height }: Pixels, box: Box): Tensor {
  const size = box.height * box.width;
  const planes = new Float32Array(3 * size);
  let place = 0;
  for (let y = box.top; y < box.bottom; y++) {
    const row = Math.min(y, height - 1) * width;
    for (let x = box.left; x < box.right; x++, place++) {
      const at = 4 * (row + Math.min(x, width - 1));
      for (let channel = 0; channel < 3; channel++) {
        planes[channel * size + place] = data[at + channel] / 255;
      }
    }
  }
  return new Planes(planes, 3, box.height, box.width);
}

/**
 * Writes planes (1, 3, H, W) in [0, 1] into a box of pixels.
 *
 * Storing in a clamped array limits to 0..255, rounds halves to even, and turns NaN, which a hostile file can cause,
 * into 0.
 */
export function fromNetwork(x: Tensor, pixels: Pixels, box: Box): void {
  const size = x.height * x.width;
  for (let channel = 0; channel < 3; channel++) {
    for (let row = 0; row < x.height; row++) {
      let source = channel * size + row * x.width;
      let target = 4 * ((box.top + row) * pixels.width + box.left) + channel;
      for (const end = source + x.width; source < end; source++, target += 4) {
        pixels.data[target] = Math.fround(x.data[source] * 255);
      }
    }
  }
}

/** Makes pixels grey: their luma by ITU-R 601, in integers. */
export function toLuma({ data }: Pixels): void {
  for (let i = 0; i < data.length; i += 4) {
    const luma = (19595 * data[i] + 38470 * data[i + 1] + 7471 * data[i + 2] + 32768) >> 16;
    data[i] = data[i + 1] = data[i + 2] = luma;
  }
}

/** Writes transparency, the plane of a whole picture of this width, into the pixels of a box of it. */
export function putAlpha(pixels: Pixels, plane: Uint8Array, width: number, box: Box): void {
  for (let row = 0; row < box.height; row++) {
    for (let column = 0; column < box.width; column++) {
      pixels.data[4 * (row * pixels.width + column) + 3] = plane[(box.top + row) * width + box.left + column];
    }
  }
}
