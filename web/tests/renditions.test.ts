/** Other renditions: those of Python (`scripts/web_renditions.py`), and what is refused. */

import { describe, expect, test } from "vitest";

import { load, type Bundle } from "../src/bundle/bundle.js";
import { defaultRealism } from "../src/bundle/heads.js";
import type { Source } from "../src/bundle/source.js";
import { Box } from "../src/codec/boxes.js";
import { decode, type Request } from "../src/codec/decoder.js";
import { noise } from "../src/codec/noise.js";
import { BundleError, LimitError } from "../src/errors.js";
import { MADE, ROOT, apart, bundleIn, bytesOf, folderSource, jsonOf, vectorFile } from "./making.js";

interface Case {
  name: string;
  file: string;
  bundle: string;
  options: Request;
  width: number;
  height: number;
  mode: string;
}

const FOLDER = `${ROOT}/tests/bundles/filtered`;
const file = vectorFile("tiles.skosh");
const small = (): Promise<Bundle> => bundleIn(FOLDER);

/** The small bundle with other heads in its manifest, and the paths that were asked for. */
function withHeads(change: (heads: any, files: any) => void): { source: Source; asked: string[] } {
  const asked: string[] = [];
  const source: Source = async (path) => {
    asked.push(path);
    const found = bytesOf(FOLDER, path);
    if (path !== "manifest.json") {
      return found;
    }
    const manifest = JSON.parse(new TextDecoder().decode(found));
    change(manifest.heads, manifest.files);
    return new TextEncoder().encode(JSON.stringify(manifest));
  };
  return { source, asked };
}

describe.skipIf(MADE === null)("as Python has it", () => {
  const folder = MADE ?? "";
  const cases: Case[] = MADE === null ? [] : jsonOf(folder, "renditions.json");

  test("there are renditions of every kind", () => {
    expect(cases.length).toBeGreaterThan(30);
  });

  test.each(cases)("$name: $options", async (about) => {
    const bundle = await bundleIn(about.bundle);
    const picture = await decode(bytesOf(folder, about.file), { bundle, ...about.options });
    expect([picture.width, picture.height]).toEqual([about.width, about.height]);
    expect(picture.mode + (picture.hasAlpha ? "A" : "")).toBe(about.mode);
    const { most, share } = apart(picture.data, bytesOf(folder, `${about.name}.rgba`));
    expect(most).toBeLessThanOrEqual(1);
    expect(share).toBeLessThan(5e-3); // after a reduction, roundings of several pixels count
  });

  test("detail changes the picture, and more of it changes more", async () => {
    const data = bytesOf(folder, "tiled.skosh");
    const bundle = await small();
    const [none, half, all, asked] = await Promise.all(
      [0, 0.5, 1, undefined].map((realism) => decode(data, { bundle, realism })),
    );
    const changed = [half, all, asked].map((picture) => apart(picture.data, none.data).share);
    expect(changed[0]).toBeGreaterThan(0.01);
    expect(changed[1]).toBeGreaterThan(changed[0]);
    expect(changed[2]).toBeGreaterThan(changed[0]); // the file asks for 0.7
    expect(changed[2]).toBeLessThan(changed[1]);
    expect([none, half, all, asked].map(({ realism }) => realism.toFixed(1))).toEqual(["0.0", "0.5", "1.0", "0.7"]);
    expect((await decode(data, { bundle, scale: 1 / 2 })).realism).toBe(0);
  });
});

test("noise is that of docs/format.md", () => {
  const due: [seed: number, channel: number, row: number, column: number, value: number][] = [
    [0, 0, 0, 0, 5557578],
    [0, 3, 0, 0, 2130313],
    [1, 0, 0, 1, 4113984],
    [0xdeadbeef, 2, 700, 1999, 8397148],
    [0xffffffff, 3, 16383, 16383, 6158925],
  ];
  for (const [seed, channel, row, column, value] of due) {
    expect(noise(seed, new Box(row, column, row + 1, column + 1)).data[channel]).toBe(value / 2 ** 23 - 1);
  }
});

test("a head is only fetched when it is needed", async () => {
  const { source, asked } = withHeads(() => undefined);
  const bundle = await load(source);
  await decode(file, { bundle });
  expect(asked.filter((path) => path.startsWith("heads/"))).toEqual([]);
  await decode(file, { bundle, scale: 1 / 8 });
  await decode(file, { bundle, scale: 1 / 8 });
  await decode(file, { bundle, realism: 0.5 });
  expect(asked.filter((path) => path.startsWith("heads/"))).toEqual(["heads/small_8.onnx", "heads/detail.onnx"]);
  expect(asked.filter((path) => path.startsWith("encoder/"))).toEqual([]);
});

test("a default realism is one number, or one for each of some qualities", async () => {
  const at = async (realism: unknown): Promise<number[]> => {
    const bundle = await load(withHeads((heads) => (heads.realism = realism)).source);
    return [0, 12.5, 25, 50, 87.5, 100].map((quality) => defaultRealism(bundle, quality));
  };
  expect(await at(0.25)).toEqual([0.25, 0.25, 0.25, 0.25, 0.25, 0.25]);
  expect(await at([0.5])).toEqual([0.5, 0.5, 0.5, 0.5, 0.5, 0.5]);
  expect(await at([1, 0.5, 0])).toEqual([1, 0.875, 0.75, 0.5, 0.125, 0]);
  for (const wrong of [-0.1, 1.5, "1", [], [0.5, 2], null]) {
    await expect(at(wrong)).rejects.toThrow(/the realism of heads/);
  }
});

test("a bundle without a head says so, and makes small pictures of whole ones", async () => {
  const { source } = withHeads((_, files) => {
    for (const path of Object.keys(files)) {
      if (path.startsWith("heads/")) {
        delete files[path];
      }
    }
  });
  const bundle = await load(source);
  await expect(decode(file, { bundle, realism: 0.5 })).rejects.toThrow(/draws no detail: it lacks heads\/detail.onnx/);
  await expect(decode(file, { bundle, scale: 2 })).rejects.toThrow(BundleError);
  const picture = await decode(file, { bundle, scale: 1 / 4 });
  expect([picture.width, picture.height]).toEqual([19, 14]);
});

test("a head of another decoder is refused, the faithful picture is not", async () => {
  const bundle = await load(withHeads((heads) => (heads.made_for = { detail: "0123456789abcdef" })).source);
  await expect(decode(file, { bundle, realism: 1 })).rejects.toThrow(/was made for the decoder 0123456789abcdef/);
  await expect(decode(file, { bundle, scale: 1 / 2 })).rejects.toThrow(/for the decoder of no name/);
  expect(apart((await decode(file, { bundle })).data, (await decode(file, { bundle: await small() })).data).most).toBe(
    0,
  );
});

test("a damaged head is refused", async () => {
  const source = folderSource(FOLDER);
  const bundle = await load(async (path) => (path.startsWith("heads/") ? new Uint8Array(9) : source(path)));
  await expect(decode(file, { bundle, realism: 1 })).rejects.toThrow(/heads\/detail.onnx of the bundle is damaged/);
});

test("realism and scale are refused where they make no sense", async () => {
  const bundle = await small();
  await expect(decode(file, { bundle, realism: 1.1 })).rejects.toThrow(RangeError);
  await expect(decode(file, { bundle, realism: NaN })).rejects.toThrow(RangeError);
  await expect(decode(file, { bundle, realism: "1" as never })).rejects.toThrow(TypeError);
  await expect(decode(file, { bundle, scale: 3 })).rejects.toThrow(RangeError);
  await expect(decode(file, { bundle, scale: true as never })).rejects.toThrow(TypeError);
  await expect(decode(file, { bundle, scale: 2, realism: 0.5 })).rejects.toThrow(RangeError);
  await expect(decode(file, { bundle, scale: 2, maxPixels: 75 * 53 })).rejects.toThrow(LimitError);
});
