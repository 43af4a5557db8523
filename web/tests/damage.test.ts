/** Damaged and hostile files end in an error of ours, soon. */

import { describe, expect, test } from "vitest";

import { info, readHead } from "../src/index.js";
import { decode } from "../src/codec/decoder.js";
import { read } from "../src/container/chunks.js";
import { FormatError, SkoshError } from "../src/errors.js";
import { attack, attacks, bundleIn, placesOf, random, repaired, vectorFile } from "./making.js";

const SECONDS = 60; // for one file; the slowest takes 2 on a machine that has nothing else to do
const tiny = (): ReturnType<typeof bundleIn> => bundleIn("tests/bundles/filtered");

async function outcome(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "read",
    (error: unknown) => (error instanceof SkoshError ? "refused" : `another error: ${String(error)}`),
  );
}

describe("files made to hurt", () => {
  test("there are some of both kinds", () => {
    expect(attacks("refused").length).toBeGreaterThan(40);
    expect(attacks("either").length).toBeGreaterThan(20);
  });

  test.each(attacks("refused"))("%s", async (path) => {
    const bundle = await tiny();
    expect(await outcome(decode(attack(path, bundle.manifest.modelId), { bundle }))).toBe("refused");
  });

  test.each(attacks("either"))(
    "%s",
    async (path) => {
      const bundle = await tiny();
      const data = attack(path, bundle.manifest.modelId);
      expect(["read", "refused"]).toContain(await outcome(decode(data, { bundle })));
      expect(["read", "refused"]).toContain(await outcome(decode(data, { bundle, region: [0, 0, 1, 1] })));
      expect(["read", "refused"]).toContain(await outcome(Promise.resolve().then(() => info(data))));
    },
    1000 * SECONDS,
  );
});

describe.each(["tiles.skosh", "grey-alpha.skosh"])("%s", (name) => {
  const file = vectorFile(name);

  test("cut at any byte, it is refused", async () => {
    const bundle = await tiny();
    for (let cut = 0; cut < file.length; cut++) {
      await expect(decode(file.subarray(0, cut), { bundle })).rejects.toThrow(FormatError);
      expect(() => info(file.subarray(0, cut))).toThrow(FormatError);
    }
  });

  test("its head is read once it is there", () => {
    const { header, extras } = read(file);
    const due = placesOf(file).find(({ at }) => file[at] === "T".charCodeAt(0))?.start as number;
    for (let cut = 0; cut <= file.length; cut++) {
      if (cut < due) {
        expect(() => readHead(file.subarray(0, cut))).toThrow(FormatError);
      } else {
        expect(readHead(file.subarray(0, cut))).toEqual({ header, extras });
      }
    }
  });

  test("every flipped bit is noticed", async () => {
    const bundle = await tiny();
    for (let bit = 0; bit < 8 * file.length; bit++) {
      const damaged = file.slice();
      damaged[bit >> 3] ^= 1 << (bit & 7);
      await expect(decode(damaged, { bundle }), `bit ${bit}`).rejects.toThrow(SkoshError);
    }
  });

  test("flipped bits behind checksums that fit end in a picture or an error of ours", async () => {
    const bundle = await tiny();
    const draw = random(1);
    const chunks = placesOf(file);
    const outcomes: string[] = [];
    for (let n = 0; n < 150; n++) {
      const place = chunks[Math.floor(draw() * chunks.length)];
      const damaged = file.slice();
      const bit = Math.floor(8 * (place.start + draw() * (place.end - place.start)));
      damaged[bit >> 3] ^= 1 << (bit & 7);
      outcomes.push(await outcome(decode(repaired(damaged, place), { bundle, maxPixels: 2 ** 20 })));
    }
    expect(new Set(outcomes)).toEqual(new Set(["read", "refused"]));
  });
});

test("a file of thousands of unknown chunks is refused", () => {
  const file = vectorFile("tiles.skosh");
  const chunk = repaired(Uint8Array.of(0x71, 0, 0, 0, 0, 0), { at: 0, start: 2, end: 2 });
  const with_ = (count: number): Uint8Array =>
    new Uint8Array([...file, ...Array.from({ length: count }, () => [...chunk]).flat()]);
  expect(read(with_(4096)).tiles.length).toBe(2);
  expect(() => read(with_(4097))).toThrow(FormatError);
});
