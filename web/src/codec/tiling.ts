/** Windows: what the networks see at once, so that memory is bounded for any size of picture. */

import { split, type Box } from "./boxes.js";

export const WINDOW = 768; // pixels; a window has at most the area of a square of this side, without its halo

/** The windows of a box of pixels: the whole of it where it is no larger than such a square, whatever its shape. */
export function pixelWindows(area: Box): Box[] {
  return area.height * area.width <= WINDOW * WINDOW ? [area] : split(area, WINDOW);
}
