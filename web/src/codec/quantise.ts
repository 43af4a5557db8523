/** Latents are rounded around their means: y and z -> q, window by window. Where this ends, the entropy coder begins. */

import { Planes, rint, type Tensor } from "../arrays.js";
import type { MeanAndStep, Point } from "../bundle/point.js";
import { SYMBOL_MAX } from "../entropy/coder.js";
import { each, whole, type Box, type Watch } from "./boxes.js";
import { firstHalf, secondHalf } from "./context.js";
import { latentWindows } from "./tiling.js";

const { fround } = Math;

/** The symbols of y, where a hyperprior says what to expect of them. */
export interface Residual {
  readonly q: Planes<Int16Array>; // (M, H, W)
  readonly scaleIndex: Planes<Uint8Array>; // (M, H, W); where it is 0, so is the symbol
}

/** Rounds the latents y (1, M, H, W) of a picture around their means: first one half everywhere, then the other. */
export async function quantise(at: Point, y: Tensor, z: Planes<Int32Array>, watch: Watch): Promise<Residual> {
  const { channels, height, width } = y;
  const q = new Planes(new Int16Array(y.data.length), channels, height, width);
  const scaleIndex = new Planes(new Uint8Array(y.data.length), channels, height, width);
  const windows = latentWindows(at.bundle, whole(height, width));
  const first = async (box: Box): Promise<void> => {
    box.into(scaleIndex, at.scaleIndex(box.over(at.bundle.reduction).of(z)));
    round(at, y, await firstHalf(at, z, box), box, 0, { q, scaleIndex });
  };
  const second = async (box: Box): Promise<void> => {
    round(at, y, await secondHalf(at, z, q, box), box, 1, { q, scaleIndex });
  };
  const half = (start: number): Watch => ({
    signal: watch.signal,
    progress: (stage, share) => watch.progress?.(stage, start + share / 2),
  });
  await each(windows, first, half(0), "symbols");
  await each(windows, second, half(0.5), "symbols");
  return { q, scaleIndex };
}

/** Writes the symbols of one half of a window, given its means, where they are coded: round((y gain - mean) / step). */
function round(at: Point, y: Tensor, known: MeanAndStep, box: Box, half: number, { q, scaleIndex }: Residual): void {
  const { mean, step } = known;
  for (let channel = 0; channel < y.channels; channel++) {
    const gain = at.gain[channel];
    for (let row = 0; row < box.height; row++) {
      const there = (channel * y.height + box.top + row) * y.width + box.left;
      const here = (channel * box.height + row) * box.width;
      const odd = (channel + box.top + row + box.left + half) & 1; // as in context.ts
      for (let column = odd; column < box.width; column += 2) {
        if (scaleIndex.data[there + column] > 0) {
          const moved = fround(fround(y.data[there + column] * gain) - mean.data[here + column]);
          const value = step ? fround(moved / step.data[here + column]) : moved;
          q.data[there + column] = rint(Math.min(Math.max(value, -SYMBOL_MAX), SYMBOL_MAX));
        }
      }
    }
  }
}
