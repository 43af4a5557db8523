/** What several test files share: files of the repository, bundles, comparisons. */

import { readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { inject } from "vitest";

import { load, type Bundle } from "../src/bundle/bundle.js";
import { configure } from "../src/settings.js";
import type { Source } from "../src/bundle/source.js";
import { crc32 } from "../src/container/crc32.js";

export { apart, planesOf, symbolHash, unhex } from "./comparing.js";

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

const ATTACKS = join(ROOT, "tests", "attacks");
const WORD = "attacked"; // in the place of a model id

/** The files that were made to hurt: those that have to be refused, and those that may be read. */
export function attacks(kind: "refused" | "either"): string[] {
  return readdirSync(join(ATTACKS, kind)).map((name) => join(kind, name));
}

/** A file that was made to hurt, with a bundle's id in the place of the word. */
export function attack(path: string, modelId: string): Uint8Array {
  const data = Buffer.from(bytesOf(ATTACKS, path));
  const start = data.indexOf(WORD, 4);
  if (start < 0 || start > 40) {
    return new Uint8Array(data);
  }
  Buffer.from(modelId, "hex").copy(data, start);
  const end = start + WORD.length;
  return repaired(new Uint8Array(data), { at: 4, start: 6, end });
}
