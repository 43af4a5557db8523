/** Comparisons, in Node and in a page. */

import { Planes, type Numbers } from "../src/arrays.js";
import type { Bundle } from "../src/bundle/bundle.js";
import { sha256 } from "../src/bundle/source.js";
import { Decoder } from "../src/codec/decoder.js";
import { read } from "../src/container/chunks.js";
import { joined } from "../src/container/inflate.js";

export function unhex(digits: string): Uint8Array {
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** The three dimensions of an array of the vectors, (C, H, W) or (1, C, H, W), and its values. */
export function planesOf<T extends Numbers>(
  found: { shape: number[]; values: number[] },
  Kind: { from(values: number[]): T },
): Planes<T> {
  const [channels, height, width] = found.shape.slice(-3);
  return new Planes(Kind.from(found.values), channels, height, width);
}

/** The largest difference of two arrays, and the share of values that differ. */
export function apart(found: ArrayLike<number>, due: ArrayLike<number>): { most: number; share: number } {
  let [most, count] = [found.length === due.length ? 0 : Infinity, 0];
  for (let i = 0; i < due.length; i++) {
    const distance = Math.abs(found[i] - due[i]);
    most = Math.max(most, Number.isNaN(distance) ? Infinity : distance);
    count += distance === 0 ? 0 : 1;
  }
  return { most, share: count / due.length };
}

/** SHA-256 over z, q and the Wiener filters of a whole file, as `scripts/golden.py` has it. */
export async function symbolHash(data: Uint8Array, bundle: Bundle): Promise<string> {
  const decoder = new Decoder(bundle, read(data));
  const { z, q, filters } = await decoder.symbols(decoder.tiles);
  const places = [...filters.found].map(([place, found]) => [...place.split(",").map(Number), found] as const);
  places.sort((a, b) => Number(a[0]) - Number(b[0]) || Number(a[1]) - Number(b[1]));
  const parts = [z.data, ...(q ? [q.data] : []), ...places.map((place) => place[2] as Int32Array)];
  return sha256(joined(parts.map((part) => new Uint8Array(Int32Array.from(part).buffer))));
}
