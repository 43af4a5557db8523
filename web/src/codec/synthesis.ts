/** Synthesis: from symbols to pixels, window by window; the faithful rendition. */

import { Planes, type Tensor } from "../arrays.js";
import type { Bundle } from "../bundle/bundle.js";
import type { Point } from "../bundle/point.js";
import { each, whole, type Box } from "./boxes.js";
import { decoded, type Symbols } from "./context.js";
import { blank, fromNetwork, type Pixels } from "./planes.js";
import { pixelWindows } from "./tiling.js";
import { filtered, margin, withMargin, type Filters } from "./wiener.js";

/** A way to show decoded latents. Boxes are of the file's pixels; `grid` is the box of all latents. */
export interface Rendition {
  readonly at: Point;

  /** Returns the box of latents that decide a box of pixels. */
  latents(grid: Box, core: Box): Box;

  /** Returns what a box of pixels shows, (1, 3, H, W), about [0, 1], not clipped. `yHat`: of the box `latents`. */
  shown(yHat: Tensor, grid: Box, core: Box, filters: Filters): Promise<Tensor>;
}

/** The picture of the synthesis and the tiles' Wiener filters. */
export class Faithful implements Rendition {
  constructor(readonly at: Point) {}

  latents(grid: Box, core: Box): Box {
    return latentsFor(this.at.bundle, grid, core);
  }

  async shown(yHat: Tensor, grid: Box, core: Box, filters: Filters): Promise<Tensor> {
    const { bundle } = this.at;
    const x = withEdges(bundle, await this.at.synthesis(yHat), this.latents(grid, core), grid, core);
    return filtered(bundle, x, core, filters);
  }
}

/** Returns what a box of pixels shows, from the symbols of the whole picture. */
export async function synthesise(
  rendition: Rendition,
  symbols: Symbols,
  box: Box,
  filters: Filters,
  signal?: AbortSignal,
): Promise<Pixels> {
  const { bundle } = rendition.at;
  const grid = whole(symbols.z.height, symbols.z.width).times(bundle.reduction);
  const out = blank(box.height, box.width);
  const work = async (core: Box): Promise<void> => {
    const yHat = await decoded(rendition.at, symbols, rendition.latents(grid, core));
    signal?.throwIfAborted();
    fromNetwork(await rendition.shown(yHat, grid, core, filters), out, core.inside(box));
  };
  await each(pixelWindows(box), work, signal);
  return out;
}

/** Returns the box of latents that decide a box of pixels and the margin of its Wiener filter. */
export function latentsFor(bundle: Bundle, grid: Box, core: Box): Box {
  const { stride } = bundle.manifest;
  const seen = core.grown(margin(bundle), grid.times(stride));
  return seen.over(stride).grown(bundle.halo("synthesis"), grid);
}

/**
 * Cuts a box of pixels and its filter's margin out of the networks' picture of a box of latents.
 *
 * Beyond the padded picture its edge is repeated. Where the bundle has a filter, values are clipped to 0..1.
 */
function withEdges(bundle: Bundle, x: Tensor, latents: Box, grid: Box, core: Box): Tensor {
  const { stride } = bundle.manifest;
  const seen = core.grown(margin(bundle), grid.times(stride));
  const cut = seen.inside(latents.times(stride)).of(x);
  return margin(bundle) ? clippedWithEdges(cut, withMargin(bundle, core).inside(seen)) : cut;
}

/** Returns a box of a picture that may reach over its edges, which are repeated. */
function clippedWithEdges(x: Tensor, box: Box): Tensor {
  const data = new Float32Array(x.channels * box.height * box.width);
  let place = 0;
  for (let channel = 0; channel < x.channels; channel++) {
    for (let y = box.top; y < box.bottom; y++) {
      const row = (channel * x.height + Math.min(Math.max(y, 0), x.height - 1)) * x.width;
      for (let column = box.left; column < box.right; column++) {
        const value = x.data[row + Math.min(Math.max(column, 0), x.width - 1)];
        data[place++] = Math.min(Math.max(value, 0), 1);
      }
    }
  }
  return new Planes(data, x.channels, box.height, box.width);
}
