/** What Python makes and reads (`scripts/web_cases.py`): random streams, arrays of every type, files of every kind. */

import { describe, expect, test } from "vitest";

import { readNpz } from "../src/bundle/npz.js";
import { decode, info, type Region } from "../src/index.js";
import { RangeDecoder } from "../src/entropy/rangecoder.js";
import { modelOf } from "../src/entropy/tables.js";
import { FormatError } from "../src/errors.js";
import { MADE, apart, bundleIn, bytesOf, jsonOf, symbolHash, unhex } from "./making.js";

interface Case {
  name: string;
  bundle: string;
  width: number;
  height: number;
  mode: string;
  symbols: string;
  icc_profile: number;
  exif: number;
  xmp: number;
}

describe.skipIf(MADE === null)("as Python has it", () => {
  const folder = MADE ?? "";
  const pictures: Case[] = MADE === null ? [] : jsonOf(folder, "pictures.json");

  test("the symbols of random streams, and where they are refused", () => {
    let [count, refusals] = [0, 0];
    for (const { bytes, runs } of jsonOf(folder, "streams.json")) {
      const decoder = new RangeDecoder(unhex(bytes));
      for (const { table, symbols, refused } of runs) {
        const model = modelOf(table, table.length);
        expect([...decoder.decode(model, symbols.length)]).toEqual(symbols);
        count += symbols.length;
        if (refused) {
          expect(() => decoder.decode(model, 1)).toThrow(FormatError);
          refusals++;
        }
      }
    }
    expect(count).toBeGreaterThan(100_000);
    expect(refusals).toBeGreaterThan(10);
  });

  test.each(["arrays.npz", "stored.npz"])("arrays of every type in %s", async (file) => {
    const found = await readNpz(bytesOf(folder, file));
    const due: Record<string, { shape: number[]; values: number[] }> = jsonOf(folder, "arrays.json");
    expect([...found.keys()].sort()).toEqual(Object.keys(due).sort());
    for (const [name, { shape, values }] of Object.entries(due)) {
      expect(found.get(name)?.shape, name).toEqual(shape);
      expect([...(found.get(name)?.data ?? [])], name).toEqual(values);
    }
  });

  test.each(pictures)("the symbols, pixels and metadata of $name", async (about) => {
    const data = bytesOf(folder, `${about.name}.skosh`);
    const bundle = await bundleIn(about.bundle);
    expect(info(data)).toMatchObject({ width: about.width, height: about.height, mode: about.mode });
    expect(await symbolHash(data, bundle)).toBe(about.symbols);
    const picture = await decode(data, { bundle, realism: 0 });
    const { most, share } = apart(picture.data, bytesOf(folder, `${about.name}.rgba`));
    expect(most).toBeLessThanOrEqual(1);
    expect(share).toBeLessThan(1e-3);
    expect(picture.mode + (picture.hasAlpha ? "A" : "")).toBe(about.mode);
    const { icc, exif, xmp } = picture.metadata;
    const sizes = [icc, exif, xmp].map((part) => part?.length ?? 0);
    expect(sizes).toEqual([about.icc_profile, Math.max(about.exif - 6, 0), about.xmp]); // without Exif\0\0
  });

  const regions: Region[] = [
    [0, 0, 1, 1],
    [999, 649, 1, 1],
    [250, 240, 20, 30],
    [760, 0, 16, 650],
  ];
  test.each(regions)("the region %i,%i,%i,%i is a part of the picture", async (...region) => {
    const about = pictures.find(({ name }) => name === "windows") as Case;
    const data = bytesOf(folder, "windows.skosh");
    const picture = await decode(data, { bundle: await bundleIn(about.bundle), region });
    const [x, y, width, height] = region;
    const due = bytesOf(folder, "windows.rgba");
    const rows = Array.from({ length: height }, (_, row) => {
      const start = 4 * ((y + row) * about.width + x);
      return [...due.subarray(start, start + 4 * width)];
    });
    expect([picture.width, picture.height]).toEqual([width, height]);
    expect(apart(picture.data, rows.flat()).most).toBeLessThanOrEqual(1);
  });
});
