/** Windows: what the networks see at once, so that memory is bounded for any size of picture. */

import type { Bundle } from "../bundle/bundle.js";
import { split, type Box } from "./boxes.js";

export const WINDOW = 768; // pixels; a window has at most the area of a square of this side, without its halo

/** The windows of a box of latents. */
export function latentWindows(bundle: Bundle, grid: Box): Box[] {
  return inWindows(grid, Math.floor(WINDOW / bundle.manifest.stride));
}

/** The windows of a box of pixels, of `times` the usual side: all of it where it is no larger than such a square. */
export function pixelWindows(area: Box, times = 1): Box[] {
  return inWindows(area, Math.floor(times * WINDOW));
}

function inWindows(area: Box, side: number): Box[] {
  return area.height * area.width <= side * side ? [area] : split(area, side);
}
