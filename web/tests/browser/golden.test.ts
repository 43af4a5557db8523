/** In Chromium, vectors and golden files give the same symbols, and the same pixels but for one grey level. */

import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, test } from "vitest";

import { GOLDEN, MADE, ROOT, bytesOf, installed, jsonOf } from "../making.js";
import { CHECKS } from "../vector_checks.js";
import { info, type Options } from "../../src/index.js";
import { onStage } from "./chromium.js";

const FILES = readdirSync(GOLDEN).flatMap((folder) =>
  Object.entries(jsonOf(GOLDEN, folder, "golden.json") as Record<string, string>).map(([name, symbols]) => ({
    file: join(folder, name),
    symbols,
  })),
);

interface Case {
  name: string;
  file: string;
  bundle: string;
  options: Options;
  width: number;
  height: number;
}

describe.each([{ isolated: false }, { isolated: true }])("in a page that is isolated: $isolated", ({ isolated }) => {
  const stage = onStage({ isolated });

  test("threads are there exactly if it is", async () => {
    const page = await stage.page();
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(isolated);
  });

  test.runIf(!isolated)("test vectors", async () => {
    const page = await stage.page();
    expect(Object.keys(CHECKS).length).toBeGreaterThan(7);
    for (const name of Object.keys(CHECKS)) {
      await page.evaluate((check) => window.inside.check(check), name);
    }
  });

  test("golden files", async () => {
    const page = await stage.page();
    let [differing, count] = [0, 0];
    expect(FILES.length).toBeGreaterThan(4);
    for (const { file, symbols } of FILES) {
      const data = bytesOf(GOLDEN, `${file}.skosh`);
      const bundle = `/${relative(ROOT, installed().get(info(data).modelId) as string)}/`;
      const path = `/tests/golden/${file}`;
      const found = await page.evaluate(
        async ({ path, bundle }) => ({
          symbols: await window.inside.symbols(`${path}.skosh`, bundle),
          ...(await window.inside.compare(`${path}.skosh`, `${path}.png.rgba`, { bundle, realism: 0 })),
        }),
        { path, bundle },
      );
      expect(found.symbols, file).toBe(symbols);
      expect(found.most, file).toBeLessThanOrEqual(1);
      expect(found.share, file).toBeLessThan(1e-3);
      differing += Math.round(found.share * 4 * found.width * found.height);
      count += 3 * found.width * found.height;
    }
    console.info(`golden files, isolated: ${isolated}: ${differing} of ${count} values are one grey level off`);
  });

  test.skipIf(MADE === null || isolated)("renditions that Python makes", async () => {
    const page = await stage.page();
    const cases: Case[] = jsonOf(MADE ?? "", "renditions.json");
    let [differing, count] = [0, 0];
    for (const { name, file, bundle, options, width, height } of cases) {
      const folder = bundle.startsWith(ROOT) ? `/${relative(ROOT, bundle)}` : `/made/${relative(MADE ?? "", bundle)}`;
      const found = await page.evaluate(
        ({ name, file, options }) => window.inside.compare(`/made/${file}`, `/made/${name}.rgba`, options),
        { name, file, options: { ...options, bundle: folder } },
      );
      expect([found.width, found.height], name).toEqual([width, height]);
      expect(found.most, name).toBeLessThanOrEqual(1);
      differing += Math.round(found.share * 4 * width * height);
      count += 3 * width * height;
    }
    expect(differing / count).toBeLessThan(1e-3);
    console.info(`renditions: ${differing} of ${count} values are one grey level off`);
  });
});
