/**
 * The Wiener filter of a tile: a small linear filter, fitted by the encoder and carried by the file.
 *
 * The coefficients in a tile's stream weigh functions of the networks' picture around a pixel. Pixels beyond the padded
 * picture repeat its edge.
 */

import { column, type Tensor } from "../arrays.js";
import type { Bundle } from "../bundle/bundle.js";
import { Box } from "./boxes.js";

/** Coefficients of the tiles that have a filter. */
export interface Filters {
  readonly side: number; // pixels of a tile; 0 where one tile is the whole picture
  readonly found: Map<string, Int32Array>; // place of a tile -> (K,)
}

/** Returns the name of a tile's place among tiles of this side, on any grid: its row and column. */
export function placeOf(tile: Box, side: number): string {
  return side ? `${Math.floor(tile.top / side)},${Math.floor(tile.left / side)}` : "0,0";
}

/** Returns the reach of the filter, in pixels. */
export function margin(bundle: Bundle): number {
  return bundle.wienerTerms ? bundle.halo("wiener") : 0;
}

/** Returns a box of pixels grown by the filter's margin, perhaps over the picture's edge. */
export function withMargin(bundle: Bundle, part: Box): Box {
  const around = margin(bundle);
  return part.moved(-around, -around, around, around);
}

/** Returns the filtered picture (1, 3, H, W) in `core`, from the networks' picture there with a margin. */
export async function filtered(bundle: Bundle, x: Tensor, core: Box, filters: Filters): Promise<Tensor> {
  const outer = withMargin(bundle, core);
  const out = core.inside(outer).of(x);
  for (const part of partsOf(core, filters.side)) {
    const coefficients = filters.found.get(placeOf(part, filters.side));
    if (coefficients) {
      const seen = withMargin(bundle, part).inside(outer).of(x);
      const [found] = await bundle.run("wiener", [seen, column(coefficients)]);
      bundle.checkShape("wiener", found, 3, part.height, part.width);
      part.inside(core).into(out, found);
    }
  }
  return out;
}

/** Returns the parts of a box of pixels that lie in different tiles. */
function partsOf(core: Box, side: number): Box[] {
  if (side === 0) {
    return [core];
  }
  const parts: Box[] = [];
  for (let top = side * Math.floor(core.top / side); top < core.bottom; top += side) {
    for (let left = side * Math.floor(core.left / side); left < core.right; left += side) {
      parts.push(new Box(top, left, top + side, left + side).cutTo(core));
    }
  }
  return parts;
}
