/** Synthesis: from symbols to pixels, window by window; the faithful rendition. */

import { Planes, type Tensor } from "../arrays.js";
import type { Bundle } from "../bundle/bundle.js";
import type { Point } from "../bundle/point.js";
import { each, whole, type Box, type Watch } from "./boxes.js";
import type { Latents } from "./context.js";
import { blank, fromNetwork, type Pixels } from "./planes.js";
import { pixelWindows } from "./tiling.js";
import { filtered, margin, withMargin, type Filters } from "./wiener.js";

/** A way to show decoded latents. Boxes are of the file's pixels; `grid` is the box of all latents. */
export interface Rendition {
  readonly at: Point;
  readonly zoom: Zoom; // samples a side that are shown for a pixel of the file
  readonly windows: number; // side of windows, in the usual one

  /** Returns the box of latents that decide a box of pixels. */
  latents(grid: Box, core: Box): Box;

  /**
   * Returns what a box of pixels shows, (1, 3, H zoom, W zoom) by `zoomed`, about [0, 1], not clipped.
   *
   * `yHat`: of the box `latents`.
   */
  shown(yHat: Tensor, grid: Box, core: Box, filters: Filters): Promise<Tensor>;
}

/** A fraction: 1/8, 1/4, 1/2, 1 or 2. */
export interface Zoom {
  readonly up: number;
  readonly down: number;
}

export const FULL: Zoom = { up: 1, down: 1 };

/** The picture of the synthesis and the tiles' Wiener filters. */
export class Faithful implements Rendition {
  readonly zoom = FULL;
  readonly windows = 1;

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

/**
 * Returns what a box of pixels shows, from the latents of the whole picture.
 *
 * Where the zoom is below 1, it is the part of the small picture that the box meets.
 */
export async function synthesise(
  rendition: Rendition,
  latents: Latents,
  box: Box,
  filters: Filters,
  watch: Watch = {},
): Promise<Pixels> {
  const { at, zoom } = rendition;
  const { z } = latents.symbols;
  const grid = whole(z.height, z.width).times(at.bundle.reduction);
  const area = zoomed(box, zoom);
  const out = blank(area.height, area.width);
  const work = async (core: Box): Promise<void> => {
    const yHat = await latents.of(rendition.latents(grid, core));
    watch.signal?.throwIfAborted();
    fromNetwork(await rendition.shown(yHat, grid, core, filters), out, zoomed(core, zoom).inside(area));
  };
  await each(pixelWindows(box, rendition.windows), work, watch, "pixels");
  return out;
}

/** Returns the smallest box of samples around a box of pixels. */
export function zoomed(box: Box, { up, down }: Zoom): Box {
  return box.over(down).times(up);
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
export function withEdges(bundle: Bundle, x: Tensor, latents: Box, grid: Box, core: Box): Tensor {
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
