/** Numbers of the entropy coder's tables. A table is a row of positive integers that sum to TOTAL. */

import { BundleError } from "../errors.js";

export const SCALES = 64; // number of scale indices; elements at index 0 are not coded
const PRECISION = 24; // bits of a frequency
export const TOTAL = 2 ** PRECISION;
export const HYPER_LIMIT = 63; // z, and the latent of a bundle without a hyperprior, lie in -63..63
export const HYPER_SYMBOLS = 2 * HYPER_LIMIT + 1;

/** A table in the range decoder's form: cumulative frequencies from 0 to TOTAL. */
export type Model = Int32Array;

/** Returns the model of a table of `symbols` entries. Throws BundleError unless it is a whole table of that length. */
export function modelOf(table: ArrayLike<number>, symbols: number): Model {
  if (table.length !== symbols) {
    throw new BundleError(`a table of ${table.length} symbols where ${symbols} are due`);
  }
  const model = new Int32Array(symbols + 1);
  let sum = 0;
  for (let i = 0; i < symbols; i++) {
    if (table[i] < 1) {
      throw new BundleError("a table with a frequency below 1");
    }
    sum += table[i];
    model[i + 1] = Math.min(sum, TOTAL);
  }
  if (symbols < 1 || sum !== TOTAL) {
    throw new BundleError(`a table needs positive frequencies that sum to ${TOTAL}`);
  }
  return model;
}

/** Returns the model of `size` equal frequencies, a power of two. */
export function uniform(size: number): Model {
  return Int32Array.from({ length: size + 1 }, (_, i) => i * (TOTAL / size));
}
