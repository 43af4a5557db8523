/** Numbers of a file, in words. */

import type { Info } from "skosh";

const LANGUAGE = "en";

export interface Times {
  readonly encode: number | null; // seconds; null for a file that was not made here
  readonly decode: number;
}

/** Returns names and values to show of a file. `photograph`: bytes of the one that it was made of. */
export function factsOf(about: Info, times: Times, photograph: number | null): [name: string, value: string][] {
  const facts: [string, string][] = [
    ["Pixels", `${about.width} × ${about.height}`],
    ["File", bytes(about.bytes)],
    ["Bits per pixel", about.bpp.toFixed(3)],
    ["Quality", String(about.quality)],
  ];
  if (photograph !== null) {
    facts.push(["Photograph", bytes(photograph)]);
  }
  if (times.encode !== null) {
    facts.push(["Compressed in", seconds(times.encode)]);
  }
  facts.push(["Decoded in", seconds(times.decode)], ["Threads", crossOriginIsolated ? "several" : "one"]);
  if (about.iccBytes > 0 && !about.space) {
    facts.push(["Colours", "of a profile; shown as sRGB"]);
  }
  return facts;
}

function bytes(count: number): string {
  return `${count.toLocaleString(LANGUAGE)} bytes`;
}

function seconds(time: number): string {
  return `${time.toFixed(time < 10 ? 2 : 0)} s`;
}
