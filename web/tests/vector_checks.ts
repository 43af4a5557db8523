/** What the test vectors of spec/vectors hold a decoder to, stage by stage: the same in Node and in a page. */

import type { Bundle } from "../src/bundle/bundle.js";
import { Box } from "../src/codec/boxes.js";
import { firstHalf, latent } from "../src/codec/context.js";
import { decode, takeSymbols } from "../src/codec/decoder.js";
import { hex, read, tilesOf } from "../src/container/chunks.js";
import { RangeDecoder } from "../src/entropy/rangecoder.js";
import { modelOf, uniform } from "../src/entropy/tables.js";
import { BundleError, FormatError, LimitError } from "../src/errors.js";
import { apart, planesOf, unhex } from "./comparing.js";

const ERRORS = { FormatError, LimitError, BundleError };

/** The part of Vitest's assertions that is used here. */
export type Expect = (
  found: unknown,
  about?: string,
) => {
  toBe(due: unknown): void;
  toEqual(due: unknown): void;
  toThrow(kind: new (message: string) => Error): void;
  toBeGreaterThan(least: number): void;
  toBeLessThan(most: number): void;
  toBeLessThanOrEqual(most: number): void;
};

export interface Place {
  readonly expect: Expect;
  vectors(stage: string): Promise<any>; // the JSON of a stage
  vectorFile(name: string): Promise<Uint8Array>;
  bundleOf(stage: { bundle: string; model_id: string }): Promise<Bundle>; // its folder, below the repository's
}

export const CHECKS: Record<string, (place: Place) => Promise<void>> = {
  "the chunks of a file": async ({ expect, vectors }) => {
    const { cases } = await vectors("chunks");
    expect(cases.length).toBeGreaterThan(5);
    for (const { name, bytes, header, extras, tiles } of cases) {
      const found = read(unhex(bytes));
      const { model_id, tiles: count, ...rest } = header;
      expect(found.header, name).toEqual({ ...rest, modelId: model_id });
      expect(tilesOf(found.header)).toBe(count);
      expect(Object.fromEntries([...found.extras].map(([kind, payload]) => [kind, hex(payload)]))).toEqual(extras);
      expect(found.tiles.map(hex)).toEqual(tiles);
    }
  },

  "files that are refused, by the kind of error": async ({ expect, vectors }) => {
    const { refused } = await vectors("chunks");
    expect(refused.length).toBeGreaterThan(30);
    for (const { name, bytes, error } of refused) {
      expect(() => read(unhex(bytes)), name).toThrow(ERRORS[error as keyof typeof ERRORS]);
    }
  },

  "the symbols of words": async ({ expect, vectors }) => {
    const { tables, cases, refused } = await vectors("range_coder");
    const models = Object.fromEntries(
      Object.entries(tables as Record<string, number[] | { uniform: number }>).map(([name, table]) => [
        name,
        Array.isArray(table) ? modelOf(table, table.length) : uniform(table.uniform),
      ]),
    );
    expect(cases.length).toBeGreaterThan(5);
    for (const { name, bytes, runs } of cases) {
      const decoder = new RangeDecoder(unhex(bytes));
      for (const { table, symbols } of runs) {
        expect([...decoder.decode(models[table], symbols.length)], name).toEqual(symbols);
      }
    }
    expect(refused.length).toBeGreaterThan(1);
    for (const { name, bytes, table, symbols } of refused) {
      const decoder = new RangeDecoder(unhex(bytes));
      expect([...decoder.decode(models[table], symbols.length)], name).toEqual(symbols);
      expect(() => decoder.decode(models[table], 1), name).toThrow(FormatError);
    }
  },

  "the symbols of a tile": async ({ expect, vectors, bundleOf }) => {
    const stage = await vectors("stream");
    const at = (await bundleOf(stage)).at(stage.quality);
    for (const { name, bytes, z, q, wiener } of stage.cases) {
      const [, height, width] = z.shape;
      const taken = takeSymbols(at, unhex(bytes), height, width);
      expect([...taken.z.data], name).toEqual(z.values);
      expect([...(taken.q?.data ?? [])], name).toEqual(q.values);
      expect(taken.coefficients && [...taken.coefficients], name).toEqual(wiener);
    }
    for (const { name, bytes, shape } of stage.refused) {
      expect(() => takeSymbols(at, unhex(bytes), shape[1], shape[2]), name).toThrow(FormatError);
    }
  },

  "the scale index of z": async ({ expect, vectors, bundleOf }) => {
    const stage = await vectors("scale_index");
    const bundle = await bundleOf(stage);
    for (const { z, map, indices } of stage.cases) {
      const symbols = planesOf(z, Int32Array);
      expect([...bundle.scaleMap(symbols).data]).toEqual(map.values);
      for (const { quality, index } of indices) {
        expect([...bundle.at(quality).scaleIndex(symbols).data], `quality ${quality}`).toEqual(index.values);
      }
    }
  },

  "the levels of a quality": async ({ expect, vectors, bundleOf }) => {
    const stage = await vectors("levels");
    const bundle = await bundleOf(stage);
    for (const { quality, z_table, shift, gain, inverse, mean_level, synthesis_level } of stage.cases) {
      const at = bundle.at(quality);
      expect([...at.models.z[0]].slice(1).map((sum, i) => sum - at.models.z[0][i])).toEqual(z_table);
      expect([...at.shift]).toEqual(shift);
      expect([...at.gain]).toEqual(gain.map(Math.fround));
      expect([...at.inverse]).toEqual(inverse.map(Math.fround));
      expect([...at.meanLevel[0].data]).toEqual(mean_level.map(Math.fround));
      expect([...at.synthesisLevel[0].data]).toEqual(synthesis_level.map(Math.fround));
    }
  },

  "the latent of a window": async ({ expect, vectors, bundleOf }) => {
    const stage = await vectors("latent");
    const at = (await bundleOf(stage)).at(stage.quality);
    const [top, left, bottom, right] = stage.box;
    const box = new Box(top, left, bottom, right);
    const [z, q] = [planesOf(stage.z, Int32Array), planesOf(stage.q, Int16Array)];
    const half = await firstHalf(at, z, box);
    const first = (_: number, i: number): boolean => {
      const [channel, row, column] = [Math.floor(i / 12), Math.floor(i / 4) % 3, i % 4]; // the box has 3 rows of 4
      return (channel + top + row + left + column) % 2 === 0;
    };
    expect([box.height, box.width]).toEqual([3, 4]);
    expect(apart(half.mean.data.filter(first), stage.mean_first.values.filter(first)).most).toBeLessThan(1e-3);
    expect(apart(half.step?.data.filter(first) ?? [], stage.step_first.values.filter(first)).most).toBeLessThan(1e-3);
    expect(apart((await latent(at, z, q, box)).data, stage.y_hat.values).most).toBeLessThan(1e-3);
  },

  "the pixels of a file": async ({ expect, vectors, vectorFile, bundleOf }) => {
    const stage = await vectors("pixels");
    const bundle = await bundleOf(stage);
    expect(stage.cases.length).toBe(2);
    for (const { file, width, height, rgba } of stage.cases) {
      const picture = await decode(await vectorFile(file), { bundle });
      expect([picture.width, picture.height]).toEqual([width, height]);
      expect(apart(picture.data, unhex(rgba.join(""))).most, file).toBeLessThanOrEqual(1);
    }
  },
};
