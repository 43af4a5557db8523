/** What several test files share: files of the repository, bundles, comparisons. */

import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { inject } from "vitest";

import { Planes, type Numbers } from "../src/arrays.js";
import { load, type Bundle } from "../src/bundle/bundle.js";
import { configure } from "../src/bundle/onnx.js";
import type { Source } from "../src/bundle/source.js";
import { Decoder } from "../src/codec/decoder.js";
import { read } from "../src/container/chunks.js";
import { crc32 } from "../src/container/crc32.js";

export const ROOT = resolve(import.meta.dirname, "..", "..");
export const GOLDEN = join(ROOT, "tests", "golden");
const MODELS = join(ROOT, "src", "skosh", "models");
const VECTORS = join(ROOT, "spec", "vectors");

/** The folder of what Python made for these tests, or null. */
export const MADE = inject("made");

configure({ threads: 1 });

export function bytesOf(...path: string[]): Uint8Array {
  return new Uint8Array(readFileSync(join(...path)));
}

/** JSON of a file whose fields are known. */
export function jsonOf(...path: string[]): any {
  return JSON.parse(readFileSync(join(...path), "utf8"));
}

export function vectors(stage: string): any {
  return jsonOf(VECTORS, `${stage}.json`);
}

export function vectorFile(name: string): Uint8Array {
  return bytesOf(VECTORS, name);
}

export function unhex(digits: string): Uint8Array {
  return new Uint8Array(Buffer.from(digits, "hex"));
}

/** The files of a bundle's folder. */
export function folderSource(folder: string): Source {
  return async (path) => bytesOf(folder, path);
}

const loaded = new Map<string, Promise<Bundle>>();

/** A bundle by its folder, loaded once. */
export function bundleIn(...path: string[]): Promise<Bundle> {
  const folder = resolve(ROOT, ...path);
  const found = loaded.get(folder) ?? load(folderSource(folder));
  loaded.set(folder, found);
  return found;
}

/** The folders of installed bundles by their model ids. */
export function installed(): Map<string, string> {
  const folders = readdirSync(MODELS, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return new Map(
    folders.map(({ name }) => [jsonOf(MODELS, name, "manifest.json").model_id as string, join(MODELS, name)]),
  );
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
  const hash = createHash("sha256");
  for (const part of parts) {
    hash.update(new Uint8Array(Int32Array.from(part).buffer));
  }
  return hash.digest("hex");
}

export interface Place {
  readonly at: number; // where a chunk begins
  readonly start: number; // where its payload begins
  readonly end: number; // where its payload ends
}

/** The chunks of a whole file. */
export function placesOf(data: Uint8Array): Place[] {
  const places: Place[] = [];
  for (let at = 4; at < data.length;) {
    let [start, length, shift] = [at + 1, 0, 0];
    for (let more = true; more; start++, shift += 7) {
      length += (data[start] & 127) * 2 ** shift;
      more = data[start] > 127;
    }
    places.push({ at, start, end: start + length });
    at = start + length + 4;
  }
  return places;
}

/** The same file with a checksum that fits a chunk. */
export function repaired(data: Uint8Array, { at, start, end }: Place): Uint8Array {
  const out = data.slice();
  const check = crc32(out.subarray(start, end), crc32(out.subarray(at, at + 1)));
  new DataView(out.buffer).setUint32(end, check, true);
  return out;
}

/** Numbers in [0, 1) that are the same in each run (mulberry32). */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
