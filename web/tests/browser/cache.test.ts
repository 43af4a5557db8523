/** Files of a bundle are fetched once, checked again when they come out of the cache, and serve without a network. */

import type { BrowserContext, Page } from "playwright-core";
import { expect, test } from "vitest";

import { jsonOf, ROOT } from "../making.js";
import { onStage } from "./chromium.js";
import type { Outcome } from "./inside.js";

const BUNDLE = "/tests/bundles/filtered";
const FILE = "/spec/vectors/tiles.skosh";
const { files } = jsonOf(ROOT, BUNDLE, "manifest.json");

const stage = onStage();

const decode = (page: Page): Promise<Outcome> =>
  page.evaluate(({ file, bundle }) => window.inside.outcome(file, { bundle }), { file: FILE, bundle: BUNDLE });

/** What was asked for of the bundle since. */
function asked(): string[] {
  return stage.site.asked.splice(0).flatMap((path) => (path.startsWith(BUNDLE) ? [path.slice(BUNDLE.length + 1)] : []));
}

async function filled(): Promise<{ context: BrowserContext; first: string[] }> {
  const context = await stage.browser.newContext();
  asked();
  const page = await stage.page(context);
  expect((await decode(page)).kind).toBe("Picture");
  await page.close();
  return { context, first: asked() };
}

test("a second page fetches the manifest alone, and nothing of the heads and the encoder", async () => {
  const { context, first } = await filled();
  const names = ["mean_first.onnx", "mean_second.onnx", "synthesis.onnx", "tables.npz", "wiener.onnx"];
  expect(first.sort()).toEqual([...names.map((name) => `decoder/${name}`), "manifest.json"]);
  const page = await stage.page(context);
  expect((await decode(page)).kind).toBe("Picture");
  expect(asked()).toEqual(["manifest.json"]);
});

test("without a network for the bundle, what is kept serves", async () => {
  const { context } = await filled();
  stage.site.broken = new RegExp(BUNDLE);
  const page = await stage.page(context);
  expect((await decode(page)).kind).toBe("Picture");
  const fresh = await stage.page();
  expect(await decode(fresh)).toMatchObject({ kind: "SkoshError", message: expect.stringMatching(/503/) });
  stage.site.broken = null;
});

test("a bad entry is deleted and fetched again", async () => {
  const { context } = await filled();
  const page = await stage.page(context);
  const bad = ["decoder/tables.npz", "decoder/synthesis.onnx"];
  await page.evaluate(
    async (hashes) => {
      const cache = await caches.open("skosh-bundles");
      const keys = (await cache.keys()).filter(({ url }) => hashes.some((hash) => url.endsWith(hash)));
      if (keys.length !== hashes.length) {
        throw new Error(`${keys.length} entries`);
      }
      await Promise.all(keys.map((key) => cache.put(key, new Response("damaged"))));
    },
    bad.map((path) => files[path] as string),
  );
  asked();
  expect((await decode(page)).kind).toBe("Picture");
  expect(asked().sort()).toEqual([...bad].sort().concat("manifest.json"));
  const later = await stage.page(context);
  expect((await decode(later)).kind).toBe("Picture");
  expect(asked()).toEqual(["manifest.json"]);
});

test("a bundle that is damaged on the server is refused, and not kept", async () => {
  const context = await stage.browser.newContext();
  const page = await stage.page(context);
  stage.site.pages.set(`${BUNDLE}/decoder/wiener.onnx`, "damaged");
  const found = await decode(page);
  stage.site.pages.delete(`${BUNDLE}/decoder/wiener.onnx`);
  expect(found).toMatchObject({ kind: "SkoshError", message: expect.stringMatching(/wiener.onnx .* is damaged/) });
  expect((await decode(page)).kind).toBe("Picture");
});
