/**
 * Noise for realism: a hash of seed, channel, row and column in 32-bit integers, the same on every machine.
 *
 * A value depends on its place in the picture alone. The hash is SplitMix (Steele, Lea and Flood 2014) with the
 * finaliser of MurmurHash3 (Appleby), one step for each coordinate.
 */

import { zeros, type Tensor } from "../arrays.js";
import { crc32 } from "../container/crc32.js";
import type { Box } from "./boxes.js";

const CHANNELS = 4;
const GAMMA = 0x9e3779b9; // 2^32 over the golden ratio
const BITS = 24; // of a value: as many as float32 holds

/** Returns the seed of a file: the CRC-32 of its first tile's stream. */
export function seedOf(stream: Uint8Array): number {
  return crc32(stream);
}

/** Returns noise (1, 4, H, W) for a box on the grid of a quarter of the picture's sides, uniform in [-1, 1). */
export function noise(seed: number, box: Box): Tensor {
  const out = zeros(CHANNELS, box.height, box.width);
  let place = 0;
  for (let channel = 0; channel < CHANNELS; channel++) {
    const ofChannel = step(seed, channel);
    for (let row = box.top; row < box.bottom; row++) {
      const ofRow = step(ofChannel, row);
      for (let column = box.left; column < box.right; column++) {
        out.data[place++] = (step(ofRow, column) >>> (32 - BITS)) * 2 ** (1 - BITS) - 1;
      }
    }
  }
  return out;
}

/** Returns `mix(state + (coordinate + 1) GAMMA)`, modulo 2^32. */
function step(state: number, coordinate: number): number {
  return mix((state + Math.imul(coordinate + 1, GAMMA)) | 0);
}

/** Returns a bijection of 32-bit words of which every bit depends on every bit. */
function mix(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
