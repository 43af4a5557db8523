/** Realism between 0 and 1: the natural picture is the faithful one with realism times the detail. */

import type { Picture } from "skosh";

/**
 * Returns the picture at a realism, from those at 0 and 1.
 *
 * It is what decoding gives, but for one grey level, and where a colour of the picture at 1 is cut at black or white.
 */
export function blended(faithful: Picture, natural: Picture, realism: number): Picture {
  if (realism === 0 || realism === 1) {
    return realism === 0 ? faithful : natural;
  }
  const data = new Uint8ClampedArray(faithful.data.length);
  for (let i = 0; i < data.length; i++) {
    data[i] = faithful.data[i] + realism * (natural.data[i] - faithful.data[i]);
  }
  return { ...faithful, data, realism };
}
