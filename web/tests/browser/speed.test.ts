/**
 * How long a picture takes in Chromium, with one thread and with all that are allowed, and how much memory. By hand:
 *
 *     SKOSH_SPEED=cat.skosh SKOSH_BUNDLE=weights/stream npm run test:browser -- speed
 */

import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";

import { onStage } from "./chromium.js";

const FILE = process.env.SKOSH_SPEED;
const BUNDLE = process.env.SKOSH_BUNDLE ?? "weights/stream";
const RUNS = 5;

/** The most memory, in MB, that any process of a browser has had. */
function mostMemory(marker: string): number {
  const peaks = readdirSync("/proc").flatMap((id) => {
    try {
      const ours = /^\d+$/.test(id) && readFileSync(`/proc/${id}/cmdline`, "utf8").includes(marker);
      return ours ? [Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${id}/status`, "utf8"))?.[1] ?? 0)] : [];
    } catch {
      return []; // it has ended
    }
  });
  return Math.round(Math.max(...peaks) / 1024);
}

describe.runIf(FILE).each([{ isolated: false }, { isolated: true }])("isolated: $isolated", ({ isolated }) => {
  const stage = onStage({ isolated });

  test("the time of a picture", { timeout: 600_000 }, async () => {
    stage.site.pages.set("/speed.skosh", new Uint8Array(readFileSync(FILE ?? "")));
    const page = await stage.page();
    const seconds: number[] = [];
    for (let run = 0; run <= RUNS; run++) {
      const found = await page.evaluate(
        (bundle) => window.inside.outcome("/speed.skosh", { bundle, realism: 0 }),
        `/${BUNDLE}`,
      );
      expect(found.kind, found.message).toBe("Picture");
      seconds.push(found.seconds);
    }
    const [first, ...others] = seconds.map((one) => one.toFixed(2));
    console.info(`isolated: ${isolated}; first ${first} s, then ${others.join(", ")} s`);
    console.info(`a page's process had at most ${mostMemory("--type=renderer")} MB`);
  });
});
