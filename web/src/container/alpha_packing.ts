/** Writes transparency as a grey PNG of the one kind that `alpha.ts` reads. */

import { GREY_OF_8_BITS, PNG } from "./alpha.js";
import { crc32 } from "./crc32.js";
import { deflated, joined } from "./inflate.js";

/** PNG's filters that subtract nothing, the sample on the left, and the one above; masks like one of them best. */
const FILTERS = [
  { number: 0, left: 0, above: 0 },
  { number: 1, left: 1, above: 0 },
  { number: 2, left: 0, above: 1 },
] as const;

/** (height, width) bytes, 255 opaque -> PNG, the shortest of several. */
export async function packAlpha(plane: Uint8Array, height: number, width: number): Promise<Uint8Array> {
  const tried = await Promise.all(FILTERS.map((filter) => deflated(filtered(plane, height, width, filter))));
  const shortest = tried.reduce((one, other) => (other.length < one.length ? other : one));
  const head = new Uint8Array(13);
  new DataView(head.buffer).setUint32(0, width);
  new DataView(head.buffer).setUint32(4, height);
  head.set(GREY_OF_8_BITS, 8);
  return joined([Uint8Array.from(PNG), chunk("IHDR", head), chunk("IDAT", shortest), chunk("IEND", new Uint8Array())]);
}

/** Returns the rows, each behind its filter's number. */
function filtered(
  plane: Uint8Array,
  height: number,
  width: number,
  { number, left, above }: (typeof FILTERS)[number],
): Uint8Array {
  const rows = new Uint8Array(height * (width + 1));
  for (let y = 0; y < height; y++) {
    rows[y * (width + 1)] = number;
    for (let x = 0; x < width; x++) {
      const place = y * width + x;
      const before = (left && x > 0 ? plane[place - 1] : 0) + (above && y > 0 ? plane[place - width] : 0);
      rows[y * (width + 1) + 1 + x] = plane[place] - before;
    }
  }
  return rows;
}

function chunk(kind: string, content: Uint8Array): Uint8Array {
  const out = new Uint8Array(12 + content.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, content.length);
  out.set(new TextEncoder().encode(kind), 4);
  out.set(content, 8);
  view.setUint32(8 + content.length, crc32(out.subarray(4, 8 + content.length)));
  return out;
}
