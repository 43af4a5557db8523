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
const BOTH = 2 ** 26; // what the second of two sums is multiplied by
const GROUP = 4; // channels of z that are multiplied in one pass over the outputs

/** Weights and biases of the map. Integers, kept as float64. */
export interface ScaleMap {
  readonly columns: readonly Float64Array[]; // of each channel of z, (outputs,); filled up to a multiple of GROUP
  readonly bias: Float64Array; // (outputs,), with 2^(bits - 1) added
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
  const columns = Array.from({ length: GROUP * Math.ceil(inputs / GROUP) }, (_, input) => {
    const column = new Float64Array(outputs);
    for (let output = 0; input < inputs && output < outputs; output++) {
      column[output] = weight[output * inputs + input];
    }
    return column;
  });
  return { columns, bias: Float64Array.from(bias, (value) => value + half), bits, reduction };
}

/**
 * Maps z (N, h, w) to (M, reduction h, reduction w), 0..255.
 *
 * Computes `clip(floor((W z + b + 2^(bits - 1)) / 2^bits), 0, 255)`. Output `m * reduction^2 + r * reduction + s` belongs
 * to channel m at row r and column s under a z.
 *
 * Two places are computed at once, as `first + second * 2^26`: sums under 2^24 leave both apart, and all of it exact.
 */
export function scaleMap(map: ScaleMap, z: Planes<Int32Array>): Planes<Uint8Array> {
  const { columns, bias, bits, reduction } = map;
  const places = z.height * z.width;
  const out = new Planes(
    new Uint8Array(bias.length * places),
    bias.length / reduction ** 2,
    reduction * z.height,
    reduction * z.width,
  );
  const sums = new Float64Array(bias.length);
  const first = new Int32Array(bias.length);
  const second = new Int32Array(bias.length);
  for (let place = 0; place < places; place += 2) {
    const pair = place + 1 < places;
    const value = (input: number): number => {
      const at = input * places + place;
      return (z.data[at] ?? 0) + (pair ? (z.data[at + 1] ?? 0) * BOTH : 0); // no z for what fills up a group
    };
    sums.fill(0);
    for (let input = 0; input < columns.length; input += GROUP) {
      addProducts(sums, columns, input, [value(input), value(input + 1), value(input + 2), value(input + 3)]);
    }
    for (let output = 0; output < sums.length; output++) {
      const high = Math.round(sums[output] / BOTH);
      first[output] = (sums[output] - high * BOTH + bias[output]) >> bits;
      second[output] = (high + bias[output]) >> bits;
    }
    spread(first, out, place, z.width, reduction);
    if (pair) {
      spread(second, out, place + 1, z.width, reduction);
    }
  }
  return out;
}

/** Adds the products of four columns with numbers. */
function addProducts(
  sums: Float64Array,
  columns: readonly Float64Array[],
  start: number,
  [a, b, c, d]: readonly [number, number, number, number],
): void {
  const [first, second, third, fourth] = columns.slice(start, start + GROUP);
  if (a !== 0 || b !== 0 || c !== 0 || d !== 0) {
    for (let output = 0; output < sums.length; output++) {
      sums[output] += first[output] * a + second[output] * b + third[output] * c + fourth[output] * d;
    }
  }
}

/** Writes the outputs of one place of z, limited to 0..255, where they belong. */
function spread(values: Int32Array, out: Planes<Uint8Array>, place: number, width: number, reduction: number): void {
  const top = reduction * Math.floor(place / width);
  const left = reduction * (place % width);
  let from = 0;
  for (let channel = 0; channel < out.channels; channel++) {
    for (let row = 0; row < reduction; row++) {
      const start = (channel * out.height + top + row) * out.width + left;
      for (let column = 0; column < reduction; column++) {
        out.data[start + column] = Math.min(Math.max(values[from++], 0), MAP_MAX);
      }
    }
  }
}

/** Returns the scale index of every latent: the map's output (M, H, W) plus the shift (M,), clamped to the grid. */
export function shifted(index: Planes<Uint8Array>, shift: Int32Array): Planes<Uint8Array> {
  const size = index.height * index.width;
  const out = new Uint8Array(index.data.length);
  for (let channel = 0; channel < index.channels; channel++) {
    for (let i = channel * size; i < (channel + 1) * size; i++) {
      out[i] = Math.min(Math.max(index.data[i] + shift[channel], 0), SCALES - 1);
    }
  }
  return new Planes(out, index.channels, index.height, index.width);
}
