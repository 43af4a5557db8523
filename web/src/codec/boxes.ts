/**
 * Rectangles: the tiles of a picture, and the windows through which the networks see it.
 *
 * A picture is cut twice. *Tiles* divide the file: each has an entropy-coded stream of its own. *Windows* bound memory:
 * the networks run on one at a time, grown by their halo (the reach of their receptive field), and only its core is
 * kept.
 */

import { Planes, type Numbers } from "../arrays.js";

/** Rows `top` to `bottom` and columns `left` to `right`, ends excluded. */
export class Box {
  constructor(
    readonly top: number,
    readonly left: number,
    readonly bottom: number,
    readonly right: number,
  ) {}

  get height(): number {
    return this.bottom - this.top;
  }

  get width(): number {
    return this.right - this.left;
  }

  equals(other: Box): boolean {
    return (
      this.top === other.top && this.left === other.left && this.bottom === other.bottom && this.right === other.right
    );
  }

  /** The box with `by` more on every side, cut at the edges of `within`. */
  grown(by: number, within: Box): Box {
    return this.moved(-by, -by, by, by).cutTo(within);
  }

  /** The box with every edge moved. */
  moved(top: number, left: number, bottom: number, right: number): Box {
    return new Box(this.top + top, this.left + left, this.bottom + bottom, this.right + right);
  }

  /** The common part of both boxes, empty or negative where they do not meet. */
  cutTo(other: Box): Box {
    return new Box(
      Math.max(this.top, other.top),
      Math.max(this.left, other.left),
      Math.min(this.bottom, other.bottom),
      Math.min(this.right, other.right),
    );
  }

  /** The smallest box around both. */
  joined(other: Box): Box {
    return new Box(
      Math.min(this.top, other.top),
      Math.min(this.left, other.left),
      Math.max(this.bottom, other.bottom),
      Math.max(this.right, other.right),
    );
  }

  /** Whether the boxes overlap. */
  meets(other: Box): boolean {
    const both = this.cutTo(other);
    return both.height > 0 && both.width > 0;
  }

  /** The same rectangle on a grid that is n times as fine. */
  times(n: number): Box {
    return new Box(n * this.top, n * this.left, n * this.bottom, n * this.right);
  }

  /** The smallest rectangle around this one on a grid that is n times as coarse. */
  over(n: number): Box {
    return new Box(
      Math.floor(this.top / n),
      Math.floor(this.left / n),
      Math.ceil(this.bottom / n),
      Math.ceil(this.right / n),
    );
  }

  /** The same rectangle in the coordinates of `outer`. */
  inside(outer: Box): Box {
    return this.moved(-outer.top, -outer.left, -outer.top, -outer.left);
  }

  /** A copy of this part of an array (C, H, W); the array itself, where that is all of it. */
  of<T extends Numbers>(planes: Planes<T>): Planes<T> {
    if (this.equals(whole(planes.height, planes.width))) {
      return planes;
    }
    const data = new (planes.data.constructor as new (length: number) => T)(planes.channels * this.height * this.width);
    const out = new Planes(data, planes.channels, this.height, this.width);
    eachRow(planes, this, (source, target) => data.set(planes.data.subarray(source, source + this.width), target));
    return out;
  }

  /** Writes an array (C, H, W) of the box's size into this part of another. */
  into<T extends Numbers>(planes: Planes<T>, part: Planes<T>): void {
    eachRow(planes, this, (target, source) => planes.data.set(part.data.subarray(source, source + this.width), target));
  }
}

/** Calls `row` for each row of a box in each plane, with its start there and in an array of the box alone. */
function eachRow(planes: Planes<Numbers>, box: Box, row: (there: number, here: number) => void): void {
  let here = 0;
  for (let channel = 0; channel < planes.channels; channel++) {
    for (let y = box.top; y < box.bottom; y++) {
      row((channel * planes.height + y) * planes.width + box.left, here);
      here += box.width;
    }
  }
}

/** The box of a whole picture. */
export function whole(height: number, width: number): Box {
  return new Box(0, 0, height, width);
}

/** Cuts a box into squares of `side`, in raster order; a side of 0 cuts nothing. */
export function split(box: Box, side: number): Box[] {
  if (side === 0) {
    return [box];
  }
  const boxes: Box[] = [];
  for (let top = box.top; top < box.bottom; top += side) {
    for (let left = box.left; left < box.right; left += side) {
      boxes.push(new Box(top, left, Math.min(top + side, box.bottom), Math.min(left + side, box.right)));
    }
  }
  return boxes;
}

const PATIENCE = 30; // milliseconds of work without a pause

export type Stage = "bundle" | "analysis" | "symbols" | "pixels"; // analysis: of an encoder

/** How the caller of a long piece of work follows it, and gives it up. */
export interface Watch {
  readonly signal?: AbortSignal;
  readonly progress?: (stage: Stage, share: number) => void; // share: 0 to 1 of the stage
}

/**
 * Does the work for every box, one after the other.
 *
 * In between, others on this thread have their turn, also whoever aborts: the signal then throws its reason.
 */
export async function each(
  boxes: readonly Box[],
  work: (box: Box) => Promise<void> | void,
  { signal, progress }: Watch,
  stage: Stage,
): Promise<void> {
  let since = performance.now();
  for (const [done, box] of boxes.entries()) {
    await work(box);
    if (performance.now() - since > PATIENCE) {
      await new Promise((resolve) => setTimeout(resolve));
      since = performance.now();
    }
    signal?.throwIfAborted();
    progress?.(stage, (done + 1) / boxes.length);
  }
}
