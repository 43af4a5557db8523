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
const RUNS = 3;

const TICKS = 100; // of a second, in /proc

/** What the system says of the processes of pages: the most memory of one, in MB, and seconds of computing of all. */
function used(): { memory: number; computing: number } {
  const found = readdirSync("/proc").flatMap((id) => {
    try {
      const text = (file: string): string => readFileSync(`/proc/${id}/${file}`, "utf8");
      if (!/^\d+$/.test(id) || !text("cmdline").includes("--type=renderer")) {
        return [];
      }
      const fields = text("stat").replace(/.*\) /, "").split(" "); // from the third on
      const memory = Number(/VmHWM:\s*(\d+)/.exec(text("status"))?.[1] ?? 0) / 1024;
      return [{ memory, computing: (Number(fields[11]) + Number(fields[12])) / TICKS }];
    } catch {
      return []; // it has ended
    }
  });
  const memory = Math.round(Math.max(...found.map((one) => one.memory)));
  return { memory, computing: found.reduce((sum, one) => sum + one.computing, 0) };
}

describe.runIf(FILE).each([{ isolated: false }, { isolated: true }])("isolated: $isolated", ({ isolated }) => {
  const stage = onStage({ isolated });

  test("the time of a picture", { timeout: 600_000 }, async () => {
    stage.site.pages.set("/speed.skosh", new Uint8Array(readFileSync(FILE ?? "")));
    const page = await stage.page();
    const seconds: string[] = []; // with those of computing: another is on the machine, too
    for (let run = 0; run <= RUNS; run++) {
      const before = used().computing;
      const found = await page.evaluate(
        (bundle) => window.inside.outcome("/speed.skosh", { bundle, realism: 0 }),
        `/${BUNDLE}`,
      );
      expect(found.kind, found.message).toBe("Picture");
      seconds.push(`${found.seconds.toFixed(2)} s (${(used().computing - before).toFixed(2)} s of computing)`);
    }
    console.info(`isolated: ${isolated}; the first, with all that is loaded, and more:\n${seconds.join("\n")}`);
    console.info(`a page's process had at most ${used().memory} MB`);
  });
});
