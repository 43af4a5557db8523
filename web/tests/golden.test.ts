/** Golden files decode to their symbols, and to their pixels but for one grey level. */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { PNG } from "pngjs";
import { expect, test } from "vitest";

import { decode, info } from "../src/index.js";
import { GOLDEN, apart, bundleIn, bytesOf, installed, jsonOf, symbolHash } from "./making.js";

const FOLDERS = readdirSync(GOLDEN);
const FILES = FOLDERS.flatMap((folder) =>
  Object.entries(jsonOf(GOLDEN, folder, "golden.json") as Record<string, string>).map(([name, symbols]) => ({
    file: join(folder, name),
    symbols,
  })),
);

test("every installed bundle has golden files", () => {
  const made = new Set(FOLDERS.map((folder) => folder.replace(/.*-/, "")));
  expect([...installed().keys()].filter((id) => !made.has(id))).toEqual([]);
  expect(FILES.length).toBe(5 * FOLDERS.length);
});

test.each(FILES)("$file", async ({ file, symbols }) => {
  const data = bytesOf(GOLDEN, `${file}.skosh`);
  const bundle = await bundleIn(installed().get(info(data).modelId) as string);
  expect(await symbolHash(data, bundle)).toBe(symbols);
  const picture = await decode(data, { bundle, realism: 0 });
  const due = PNG.sync.read(Buffer.from(bytesOf(GOLDEN, `${file}.png`)));
  expect([picture.width, picture.height]).toEqual([due.width, due.height]);
  const { most, share } = apart(picture.data, due.data);
  expect(most).toBeLessThanOrEqual(1);
  expect(share).toBeLessThan(1e-3);
});
