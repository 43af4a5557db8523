/** The worker: order, progress, previews, errors, and work that is given up. Hostile files can't freeze the page. */

import { expect, test } from "vitest";

import { attack, attacks, jsonOf, MADE, ROOT } from "../making.js";
import { onStage } from "./chromium.js";

const SECONDS = 60; // for a hostile file, on a machine that does other work; the slowest takes 2 on one that does not
const STILL = 2; // seconds for which a page may stand still, likewise; without a worker it would be minutes
const BUNDLE = "/tests/bundles/filtered";
const FILE = "/spec/vectors/tiles.skosh";

const stage = onStage();

test("a picture comes with its progress, and after a preview", async () => {
  const page = await stage.page();
  const found = await page.evaluate(
    async ({ bundle, file }) => {
      const stages: string[] = [];
      const shares: number[] = [];
      const previews: number[][] = [];
      const bytes = await window.inside.bytesOf(file);
      const picture = await window.skosh.decode(bytes, {
        bundle,
        progress: (name, share) => {
          stages.push(name);
          shares.push(share);
        },
        preview: ({ width, height, data }) => previews.push([width, height, data.length, stages.length]),
      });
      return { stages, shares, previews, size: [picture.width, picture.height], length: bytes.length };
    },
    { bundle: BUNDLE, file: FILE },
  );
  expect([...new Set(found.stages)]).toEqual(["bundle", "symbols", "pixels"]);
  expect(Math.max(...found.shares)).toBe(1);
  expect(Math.min(...found.shares)).toBeGreaterThan(0);
  expect(found.size).toEqual([75, 53]);
  expect(found.previews.map((one) => one.slice(0, 3))).toEqual([[10, 7, 4 * 70]]);
  expect(found.length, "the caller's bytes stay where they are").toBeGreaterThan(0);
});

test("errors come back as what they are", async () => {
  const page = await stage.page();
  const found = await page.evaluate(
    async ({ bundle, file }) => {
      const { decode, BundleError, FormatError, LimitError } = window.skosh;
      const bytes = await window.inside.bytesOf(file);
      const kinds = [BundleError, FormatError, LimitError, TypeError, RangeError];
      const kind = (work: Promise<unknown>): Promise<string> =>
        work.then(
          () => "none",
          (error: unknown) => kinds.find((Kind) => error instanceof Kind)?.name ?? String(error),
        );
      return [
        await kind(decode(bytes, { bundle: "/nothing" })),
        await kind(decode(bytes)),
        await kind(decode(bytes.subarray(0, 99), { bundle })),
        await kind(decode(bytes, { bundle, maxPixels: 99 })),
        await kind(decode(bytes, { bundle, region: [0, 0, 99, 1] })),
        await kind(decode(bytes, { bundle, region: [0, 0, 0.5, 1] })),
        await kind(decode(bytes, { bundle, realism: 2 })),
        await kind(decode(bytes, { bundle })),
      ];
    },
    { bundle: BUNDLE, file: FILE },
  );
  expect(found.at(-1)).toBe("none");
  expect(new Set(found.slice(0, -1)).size, found.join()).toBe(5); // each of the kinds, by whatever name it was built
  expect(found.slice(5, 7)).toEqual(["TypeError", "RangeError"]);
});

test("work that is given up ends at once, and the next is done", async () => {
  const page = await stage.page();
  const found = await page.evaluate(
    async ({ bundle, file }) => {
      const { decode, release } = window.skosh;
      const bytes = await window.inside.bytesOf(file);
      const why = (work: Promise<unknown>): Promise<string> => work.then(() => "done", String);
      const first = new AbortController();
      const second = new AbortController();
      const running = why(decode(bytes, { bundle, signal: first.signal }));
      const waiting = why(decode(bytes, { bundle, signal: second.signal }));
      const last = why(decode(bytes, { bundle }));
      second.abort("second");
      first.abort("first");
      const aborted = [await running, await waiting, await last];
      const early = await why(decode(bytes, { bundle, signal: AbortSignal.abort("early") }));
      const ended = why(decode(bytes, { bundle }));
      release();
      return [...aborted, early, await ended, await why(decode(bytes, { bundle }))];
    },
    { bundle: BUNDLE, file: FILE },
  );
  expect(found).toEqual(["first", "second", "done", "early", "SkoshError: the worker was ended", "done"]);
});

test("a page without the worker's file gets an error", async () => {
  const page = await stage.page();
  stage.site.broken = /worker\.js/;
  const found = await page.evaluate(({ file, bundle }) => window.inside.outcome(file, { bundle }), {
    bundle: BUNDLE,
    file: FILE,
  });
  stage.site.broken = null;
  expect(found).toMatchObject({ kind: "SkoshError", message: expect.stringMatching(/worker.js beside/) });
  const again = await page.evaluate(({ file, bundle }) => window.inside.outcome(file, { bundle }), {
    bundle: BUNDLE,
    file: FILE,
  });
  expect(again.kind).toBe("Picture");
});

test("the same without a worker", async () => {
  const page = await stage.page();
  const found = await page.evaluate(
    async ({ file, bundle }) => {
      window.skosh.configure({ worker: false });
      return window.inside.outcome(file, { bundle });
    },
    { bundle: BUNDLE, file: FILE },
  );
  expect(found.kind).toBe("Picture");
  expect(stage.site.asked.filter((path) => path === "/dist/decoder.js").length).toBe(1);
});

test.skipIf(MADE === null)("a page lives on while a picture of several windows is decoded", async () => {
  const page = await stage.page();
  const { longest, value } = await page.evaluate(
    (bundle) =>
      window.inside.stillness(() => window.inside.outcome("/made/large.skosh", { bundle, realism: 1, scale: 1 })),
    BUNDLE,
  );
  expect(value.kind).toBe("Picture");
  expect(longest).toBeLessThan(STILL);
});

test("hostile files end in an error or a picture, soon, and the page lives on", { timeout: 600_000 }, async () => {
  const page = await stage.page();
  const { model_id } = jsonOf(ROOT, BUNDLE, "manifest.json");
  let slowest = 0;
  for (const kind of ["refused", "either"] as const) {
    expect(attacks(kind).length).toBeGreaterThan(20);
    for (const path of attacks(kind)) {
      const { longest, value } = await page.evaluate(
        ({ bytes, bundle }) => window.inside.stillness(() => window.inside.outcome(bytes, { bundle })),
        { bytes: [...attack(path, model_id)], bundle: BUNDLE },
      );
      expect(kind === "refused" ? ["SkoshError"] : ["SkoshError", "Picture"], path).toContain(value.kind);
      expect(value.seconds, path).toBeLessThan(SECONDS);
      expect(longest, path).toBeLessThan(STILL);
      slowest = Math.max(slowest, value.seconds);
    }
  }
  console.info(`hostile files: the slowest took ${slowest.toFixed(1)} s`);
});
