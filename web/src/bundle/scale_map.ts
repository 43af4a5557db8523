/**
 * The scale map: from z to the scale index, in integers, so that every machine finds the same.
 *
 * One linear map per position of z. Weights, biases and z are so small that every partial sum stays under 2^24.
 */

import { Planes } from "../arrays.js";
import { HYPER_LIMIT, SCALES } from "../entropy/tables.js";
import { BundleError } from "../errors.js";

const EXACT_MAX = 2 ** 24;
const MAP_MAX = 255; // the map's output is clamped to 0..MAP_MAX

/** Weights and biases of the map. */
export interface ScaleMap {
  readonly columns: readonly Int32Array[]; // of each channel of z, (outputs,)
  readonly bias: Int32Array; // (outputs,), with 2^(bits - 1) added
  readonly bits: number;
  readonly reduction: number; // samples of y a side for one of z
}

/** Returns the map of a bundle's arrays. `weight`: (outputs, inputs). Throws BundleError where sums can be too large. */
export function scaleMapOf(weight: Int32Array, bias: Int32Array, bits: number, reduction: number): ScaleMap {
  const outputs = bias.length;
  const inputs = weight.length / outputs;
  if (!(bits >= 0 && bits < 24)) {
    throw new BundleError(`the scale map has ${bits} bits`);
  }
  const half = (1 << bits) >> 1;
  for (let output = 0; output < outputs; output++) {
    let reach = Math.abs(bias[output]) + half;
    for (let input = 0; input < inputs; input++) {
      reach += Math.abs(weight[output * inputs + input]) * HYPER_LIMIT;
    }
    if (reach >= EXACT_MAX) {
      throw new BundleError(`output ${output} of the scale map can reach ${reach}, over the limit of 2^24`);
    }
  }
  const columns = Array.from({ length: inputs }, (_, input) =>
    Int32Array.from({ length: outputs }, (_, output) => weight[output * inputs + input]),
  );
  return { columns, bias: bias.map((value) => value + half), bits, reduction };
}

/**
 * Maps z (N, h, w) to (M, reduction h, reduction w), 0..255.
 *
 * Computes `clip(floor((W z + b + 2^(bits - 1)) / 2^bits), 0, 255)`. Output `m * reduction^2 + r * reduction + s` belongs
 * to channel m at row r and column s under a z.
 */
export function scaleMap(map: ScaleMap, z: Planes<Int32Array>): Planes<Uint8Array> {
  const { columns, bias, bits, reduction } = map;
  const channels = bias.length / reduction ** 2;
  const height = reduction * z.height;
  const width = reduction * z.width;
  const out = new Uint8Array(channels * height * width);
  const sums = new Int32Array(bias.length);
  for (let place = 0; place < z.height * z.width; place++) {
    sums.set(bias);
    addProducts(sums, columns, z.data, place, z.height * z.width);
    const top = reduction * Math.floor(place / z.width);
    const left = reduction * (place % z.width);
    for (let output = 0; output < sums.length; output++) {
      const channel = Math.floor(output / reduction ** 2);
      const row = top + (Math.floor(output / reduction) % reduction);
      const found = Math.min(Math.max(sums[output] >> bits, 0), MAP_MAX);
      out[(channel * height + row) * width + left + (output % reduction)] = found;
    }
  }
  return new Planes(out, channels, height, width);
}

/** Adds W z at one place, for each z that is not 0. */
function addProducts(
  sums: Int32Array,
  columns: readonly Int32Array[],
  z: Int32Array,
  place: number,
  size: number,
): void {
  for (let input = 0; input < columns.length; input++) {
    const value = z[input * size + place];
    const column = columns[input];
    if (value !== 0) {
      for (let output = 0; output < sums.length; output++) {
        sums[output] += Math.imul(column[output], value);
      }
    }
  }
}

/** Returns the scale index of every latent: the map's output (M, H, W) plus the shift (M,), clamped to the grid. */
export function shifted(index: Planes<Uint8Array>, shift: Int32Array): Planes<Uint8Array> {
  const size = index.height * index.width;
  const out = index.data.map((value, i) => Math.min(Math.max(value + shift[Math.floor(i / size)], 0), SCALES - 1));
  return new Planes(out, index.channels, index.height, index.width);
}
