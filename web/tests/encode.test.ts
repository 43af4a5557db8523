/** The encoder: its streams are Python's, its files are read by Python and here alike, and are as small as Python's. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";

import { decode, encode, info } from "../src/index.js";
import { load } from "../src/bundle/bundle.js";
import { symbolsOf } from "../src/codec/encoder.js";
import { Decoder } from "../src/codec/decoder.js";
import type { Pixels } from "../src/codec/planes.js";
import { packAlpha } from "../src/container/alpha_packing.js";
import { unpack } from "../src/container/alpha.js";
import { read } from "../src/container/chunks.js";
import { Planes } from "../src/arrays.js";
import { Reader, Writer } from "../src/entropy/coder.js";
import { RangeEncoder } from "../src/entropy/rangecoder.js";
import { modelOf } from "../src/entropy/tables.js";
import { BundleError, LimitError } from "../src/errors.js";
import { MADE, ROOT, apart, bundleIn, folderSource, installed, jsonOf, random, symbolHash } from "./making.js";
import { cut, greyed, photograph, withHoles } from "./photographs.js";

const TINY = `${ROOT}/tests/bundles/tiny`;
const FILTERED = `${ROOT}/tests/bundles/filtered`;
const [SHIPPED] = installed().values();

interface Case {
  name: string;
  bundle: string;
  quality: number;
  tile: number;
  image: Pixels;
}

const cat = photograph();
const CASES: Case[] = [
  { name: "one-pixel", bundle: SHIPPED, quality: 50, tile: 1024, image: cut(cat, 70, 60, 1, 1) },
  { name: "odd", bundle: SHIPPED, quality: 62.125, tile: 1024, image: cut(cat, 20, 8, 131, 97) },
  { name: "tiles", bundle: SHIPPED, quality: 30, tile: 128, image: cut(cat, 0, 0, 193, 130) },
  { name: "best", bundle: SHIPPED, quality: 100, tile: 0, image: cut(cat, 30, 30, 65, 63) },
  { name: "clear", bundle: TINY, quality: 40, tile: 64, image: withHoles(cut(cat, 5, 5, 113, 83)) },
  { name: "grey", bundle: TINY, quality: 75, tile: 64, image: greyed(cut(cat, 5, 5, 64, 128)) },
  { name: "row", bundle: TINY, quality: 0, tile: 1024, image: cut(cat, 0, 50, 193, 1) },
  { name: "windows", bundle: TINY, quality: 55, tile: 256, image: enlarged(cat, 5) },
  { name: "filtered", bundle: FILTERED, quality: 50, tile: 64, image: cut(cat, 0, 0, 150, 130) },
  { name: "one-rate", bundle: join(MADE ?? "", "one-rate"), quality: 0, tile: 64, image: cut(cat, 0, 0, 150, 130) },
];

/** Repeats every pixel, so that there is more than one window. */
function enlarged(image: Pixels, by: number): Pixels {
  const [width, height] = [by * image.width, by * image.height];
  const from = new Uint32Array(image.data.buffer);
  const data = Uint32Array.from({ length: width * height }, (_, i) => {
    return from[Math.floor(Math.floor(i / width) / by) * image.width + Math.floor((i % width) / by)];
  });
  return { data: new Uint8ClampedArray(data.buffer), width, height };
}

describe.skipIf(MADE === null)("as Python has it", () => {
  let folder: string;
  let found: any[];
  const files = new Map<string, Uint8Array>();

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "skosh-encoded-"));
    const listed = CASES.map(({ image, ...about }) => ({ ...about, width: image.width, height: image.height }));
    writeFileSync(join(folder, "cases.json"), JSON.stringify(listed));
    for (const { name, image, bundle, quality, tile } of CASES) {
      const file = await encode(image, { bundle: await bundleIn(bundle), quality, tile });
      files.set(name, file);
      writeFileSync(join(folder, `${name}.rgba`), image.data);
      writeFileSync(join(folder, `${name}.skosh`), file);
    }
    const env = { ...process.env, PYTHONPATH: join(ROOT, "src"), OMP_NUM_THREADS: "1" };
    execFileSync(inject("python") as string, [join(ROOT, "scripts", "web_encoding.py"), folder], { env });
    found = jsonOf(folder, "read.json");
  }, 600_000);

  afterAll(() => rmSync(folder, { recursive: true }));

  test("random streams are the same bytes", () => {
    const written = jsonOf(MADE ?? "", "streams.json").filter((one: { written: boolean }) => one.written);
    expect(written.length).toBeGreaterThan(20);
    for (const { bytes, runs } of written) {
      const encoder = new RangeEncoder();
      runs.forEach(({ table, symbols }: any) => encoder.encode(modelOf(table, table.length), symbols));
      expect(Buffer.from(encoder.stream()).toString("hex")).toBe(bytes);
    }
  });

  test.each(CASES)("Python reads the same symbols and pixels of $name", async ({ name, image, bundle: path }) => {
    const due = found[CASES.findIndex((one) => one.name === name)];
    const file = files.get(name) as Uint8Array;
    const bundle = await bundleIn(path);
    expect(await symbolHash(file, bundle)).toBe(due.symbols);
    expect([due.mode, ...due.size]).toEqual([info(file).mode, image.width, image.height]);
    expect(due.alpha).toBe(true);
    const picture = await decode(file, { bundle, realism: 0 });
    const shown = readFileSync(join(folder, `${name}.shown.rgba`));
    expect(apart(picture.data, shown).most).toBeLessThanOrEqual(1);
  });

  test.each(CASES)("$name is as small and as good as Python's by plain rounding", ({ name }) => {
    const due = found[CASES.findIndex((one) => one.name === name)];
    const { length } = files.get(name) as Uint8Array;
    expect(Math.abs(length - due.own_bytes)).toBeLessThanOrEqual(Math.max(0.03 * due.own_bytes, 3));
    console.info(`${name}: ${length} bytes, Python's ${due.own_bytes}`);
    expect(Math.abs(due.psnr - due.own_psnr)).toBeLessThan(name === "filtered" ? 1 : 0.1);
  });
});

test("modes, tiles and qualities are those that were asked for", async () => {
  const bundle = await bundleIn(TINY);
  const image = cut(cat, 0, 0, 150, 70);
  expect(info(await encode(image, { bundle }))).toMatchObject({ mode: "RGB", tiles: 1, quality: 50 });
  expect(info(await encode(image, { bundle, tile: 64 }))).toMatchObject({ tiles: 6, tile: 64 });
  expect(info(await encode(greyed(image), { bundle, quality: 33.4 }))).toMatchObject({ mode: "L", quality: 33.375 });
  expect(info(await encode(withHoles(image), { bundle })).mode).toBe("RGBA");
});

test("the file holds the symbols that were found", async () => {
  const bundle = await bundleIn(SHIPPED);
  const image = cut(cat, 10, 10, 140, 75);
  const { z, residual } = await symbolsOf(bundle.at(70), image, {});
  const file = await encode(image, { bundle, quality: 70, tile: 64 });
  const decoder = new Decoder(bundle, read(file));
  const symbols = await decoder.symbols(decoder.tiles);
  expect(apart(symbols.z.data, z.data).most).toBe(0);
  expect(apart(symbols.q?.data ?? [], residual?.q.data ?? []).most).toBe(0);
  expect(new Set(symbols.q?.data).size).toBeGreaterThan(5);
});

test("escaped symbols come back", async () => {
  const { models } = (await bundleIn(SHIPPED)).at(50);
  const draw = random(3);
  const size = 4000;
  const index = new Planes(
    Uint8Array.from({ length: size }, () => Math.floor(64 * draw())),
    4,
    25,
    40,
  );
  const wild = Int16Array.from({ length: size }, (_, i) =>
    index.data[i] ? Math.round((draw() - 0.5) * 2 * 32767 ** draw()) : 0,
  );
  wild[size - 1] = index.data[size - 1] ? -32767 : 0;
  const writer = new Writer(models);
  writer.putQ(new Planes(wild, 4, 25, 40), index);
  const found = new Reader(models, writer.stream()).takeQ(index);
  expect(apart(found.data, wild).most).toBe(0);
  expect(Math.max(...wild)).toBeGreaterThan(10_000);
});

test("transparency comes back", async () => {
  const draw = random(4);
  for (const [height, width] of [
    [1, 1],
    [7, 300],
    [64, 3],
  ] as const) {
    const plane = Uint8Array.from({ length: height * width }, (_, i) => (i % 3 ? 255 : Math.floor(256 * draw())));
    expect(apart(await unpack(await packAlpha(plane, height, width), height, width), plane).most).toBe(0);
  }
});

test("progress goes from the analysis to the symbols, and a call that is given up says why", async () => {
  const bundle = await bundleIn(TINY);
  const seen: [string, number][] = [];
  await encode(cat, { bundle, progress: (stage, share) => seen.push([stage, share]) });
  expect(seen[0]).toEqual(["analysis", 1]);
  expect(seen.at(-1)).toEqual(["symbols", 1]);
  const control = new AbortController();
  const reason = new Error("another picture");
  const progress = (): void => control.abort(reason);
  await expect(encode(cat, { bundle, signal: control.signal, progress })).rejects.toThrow(reason);
});

test("what can't be encoded is refused", async () => {
  const bundle = await bundleIn(TINY);
  await expect(encode(cat, { bundle, quality: 101 })).rejects.toThrow(RangeError);
  await expect(encode(cat, { bundle, quality: NaN })).rejects.toThrow(RangeError);
  await expect(encode(cat, { bundle, tile: 100 })).rejects.toThrow(RangeError);
  await expect(encode(cat, { bundle, tile: 32 })).rejects.toThrow(RangeError);
  await expect(encode(cat, { bundle, maxPixels: 99 })).rejects.toThrow(LimitError);
  await expect(encode({ ...cat, width: 3 }, { bundle })).rejects.toThrow(TypeError);
  await expect(encode({ ...cat, width: 0 }, { bundle })).rejects.toThrow(LimitError);
});

test("a bundle that only decodes, or lacks its levels, is refused", async () => {
  const lacking = async (gone: string): Promise<unknown> => {
    const source = folderSource(TINY);
    const changed = await load(async (path) => {
      const found = await source(path);
      if (path !== "manifest.json") {
        return found;
      }
      const manifest = JSON.parse(new TextDecoder().decode(found));
      delete manifest.files[gone];
      return new TextEncoder().encode(JSON.stringify(manifest));
    });
    return encode(cat, { bundle: changed });
  };
  await expect(lacking("encoder/analysis.onnx")).rejects.toThrow(/only decodes/);
  await expect(lacking("encoder/tables.npz")).rejects.toThrow(BundleError);
});
