/**
 * Smaller pictures by the mean of squares of pixels, and larger planes of transparency.
 *
 * Both give the bytes of Pillow's `reduce` and of its bicubic `resize`, which Python's decoder uses.
 */

import { blank, type Pixels } from "./planes.js";
import type { Box } from "./boxes.js";

const REACH = 3; // pixels around one that decide its neighbourhood when it is enlarged
const SHARPNESS = -0.5; // of the bicubic kernel (Keys 1981)
const FIXED = 2 ** 22; // one, for the weights of samples

/**
 * Returns the picture with the means of `by` x `by` pixels; sides round up.
 *
 * Squares that reach over the edge count as far as they lie inside. Pixels count by their opacity.
 */
export function reduced(pixels: Pixels, by: number): Pixels {
  const out = blank(Math.ceil(pixels.height / by), Math.ceil(pixels.width / by));
  for (let y = 0; y < out.height; y++) {
    for (let x = 0; x < out.width; x++) {
      out.data.set(mean(pixels, by * x, by * y, by), 4 * (y * out.width + x));
    }
  }
  return out;
}

/** Returns the mean of a square of pixels, RGBA. */
function mean({ data, width, height }: Pixels, left: number, top: number, by: number): number[] {
  const [right, bottom] = [Math.min(left + by, width), Math.min(top + by, height)];
  const sums = [0, 0, 0, 0];
  for (let y = top; y < bottom; y++) {
    for (let i = 4 * (y * width + left); i < 4 * (y * width + right); i += 4) {
      const opacity = data[i + 3];
      for (let channel = 0; channel < 3; channel++) {
        sums[channel] += opacity === 255 ? data[i + channel] : over255(data[i + channel] * opacity);
      }
      sums[3] += opacity;
    }
  }
  const count = (right - left) * (bottom - top);
  const reciprocal = Math.floor(2 ** 24 / count);
  const [red, green, blue, alpha] = sums.map((sum) => Math.floor(((sum + (count >> 1)) * reciprocal) / 2 ** 24));
  const whole = (value: number): number =>
    alpha === 0 || alpha === 255 ? value : Math.min(Math.floor((255 * value) / alpha), 255);
  return [whole(red), whole(green), whole(blue), alpha];
}

/** Returns a product of two bytes over 255, rounded. */
function over255(product: number): number {
  return ((product + 128) * 257) >> 16;
}

/**
 * Returns a part of a plane with `by` times its sides, bicubic: the same part of the whole plane enlarged.
 *
 * `plane`: (height, width) bytes of the whole.
 */
export function enlarged(plane: Uint8Array, height: number, width: number, box: Box, by: number): Uint8Array {
  const [upper, first] = [Math.max(box.top - REACH, 0), Math.max(box.left - REACH, 0)];
  const [lower, last] = [Math.min(box.bottom + REACH, height), Math.min(box.right + REACH, width)];
  const [rows, columns] = [lower - upper, last - first];
  const seen = new Uint8Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    seen.set(plane.subarray((upper + row) * width + first, (upper + row) * width + last), row * columns);
  }
  const across = turned(seen, rows, columns, weights(columns, by)); // (columns by, rows)
  const large = turned(across, columns * by, rows, weights(rows, by)); // (rows by, columns by)
  const out = new Uint8Array(box.height * by * box.width * by);
  for (let row = 0; row < box.height * by; row++) {
    const start = ((box.top - upper) * by + row) * columns * by + (box.left - first) * by;
    out.set(large.subarray(start, start + box.width * by), row * box.width * by);
  }
  return out;
}

/** Weights of the samples around a place: `start` and those behind it. */
interface Weights {
  readonly start: number;
  readonly values: readonly number[]; // in 1/FIXED
}

/** Returns the weights for each of `size * by` samples of a row of `size`. */
function weights(size: number, by: number): Weights[] {
  return Array.from({ length: size * by }, (_, place) => {
    const centre = (place + 0.5) / by;
    const start = Math.max(Math.floor(centre - 1.5), 0);
    const end = Math.min(Math.floor(centre + 2.5), size);
    const found = Array.from({ length: end - start }, (__, i) => kernel(start + i - centre + 0.5));
    const total = found.reduce((one, other) => one + other);
    return { start, values: found.map((value) => Math.round((value / total) * FIXED)) };
  });
}

/** Returns the bicubic kernel at a distance. */
function kernel(distance: number): number {
  const x = Math.abs(distance);
  if (x < 1) {
    return ((SHARPNESS + 2) * x - (SHARPNESS + 3)) * x * x + 1;
  }
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * SHARPNESS : 0;
}

/** Returns the weighted rows of a plane (height, width), turned: a column of the result for each of its rows. */
function turned(plane: Uint8Array, height: number, width: number, samples: readonly Weights[]): Uint8Array {
  const out = new Uint8ClampedArray(samples.length * height);
  samples.forEach(({ start, values }, place) => {
    for (let row = 0; row < height; row++) {
      let total = FIXED / 2;
      values.forEach((value, i) => (total += value * plane[row * width + start + i]));
      out[place * height + row] = Math.floor(total / FIXED);
    }
  });
  return new Uint8Array(out.buffer);
}
