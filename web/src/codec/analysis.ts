/** Pixels -> latent y -> hyper symbols z, window by window. */

import { Planes, rint, zeros, type Tensor } from "../arrays.js";
import type { Point } from "../bundle/point.js";
import { HYPER_LIMIT } from "../entropy/tables.js";
import { BundleError } from "../errors.js";
import { each, whole, type Box, type Watch } from "./boxes.js";
import { scaled } from "./context.js";
import { padded, toNetwork, type Pixels } from "./planes.js";
import { latentWindows } from "./tiling.js";

const { fround } = Math;

/** Maps pixels to y (1, M, H/16, W/16) of the padded picture. Throws BundleError where it is not finite. */
export async function analyse(at: Point, pixels: Pixels, watch: Watch): Promise<Tensor> {
  const { latents, multiple, stride } = at.bundle.manifest;
  const grid = whole(padded(pixels.height, multiple) / stride, padded(pixels.width, multiple) / stride);
  const y = zeros(latents, grid.height, grid.width);
  const work = async (core: Box): Promise<void> => {
    const outer = core.grown(at.bundle.halo("analysis"), grid);
    const found = await at.analysis(toNetwork(pixels, outer.times(stride)));
    core.into(y, core.inside(outer).of(found));
  };
  await each(latentWindows(at.bundle, grid), work, watch, "analysis");
  if (!y.data.every(Number.isFinite)) {
    throw new BundleError(`the model ${at.bundle.manifest.name} gave values that are no numbers for this picture`);
  }
  return y;
}

/** Maps y (1, M, H, W) to z (N, h, w). */
export async function hyperSymbols(at: Point, y: Tensor, watch: Watch): Promise<Planes<Int32Array>> {
  const { bundle } = at;
  const { reduction } = bundle;
  const grid = whole(y.height, y.width);
  const allZ = grid.over(reduction);
  const { hyper } = bundle.manifest;
  const z = new Planes(new Int32Array(hyper * allZ.height * allZ.width), hyper, allZ.height, allZ.width);
  const level = await at.zLevel();
  const work = async (core: Box): Promise<void> => {
    const cells = core.over(reduction);
    const outer = cells.grown(bundle.halo("hyper_analysis"), allZ);
    const found = await at.hyperAnalysis(scaled(outer.times(reduction).of(y), at.gain));
    cells.into(z, toHyperSymbols(cells.inside(outer).of(found), level));
  };
  await each(latentWindows(bundle, grid), work, watch, "analysis");
  return z;
}

/** Rounds values (1, N, h, w), with a level for each channel added, and clamps them to the alphabet of z. */
export function toHyperSymbols(values: Tensor, level?: Float32Array): Planes<Int32Array> {
  const size = values.height * values.width;
  const symbols = Int32Array.from(values.data, (value, i) => {
    const moved = level ? fround(value + level[Math.floor(i / size)]) : value;
    return rint(Math.min(Math.max(moved, -HYPER_LIMIT), HYPER_LIMIT));
  });
  return new Planes(symbols, values.channels, values.height, values.width);
}
