/**
 * Renditions: other pictures of a file's latents than the faithful one, each by a head of the bundle.
 *
 *     y_hat -> synthesis -> x_hat, body, render        the faithful picture, and features
 *     x_hat + detail(body, render, noise, realism)     the natural picture
 *     small_N(y_hat)                                   1/N of the size, without the synthesis
 *     double(body, render, x_hat)                      twice the size
 *
 * Heads see a part of the picture grown by their halo. So do the networks before them: no window is to be seen.
 */

import { Planes, type Tensor } from "../arrays.js";
import { checkHas, defaultRealism } from "../bundle/heads.js";
import { RENDER, type Point } from "../bundle/point.js";
import { ALPHA, REALISM, type Contents } from "../container/chunks.js";
import { realismOf } from "../container/extras.js";
import type { Box } from "./boxes.js";
import { noise, seedOf } from "./noise.js";
import { FULL, Faithful, latentsFor, withEdges, type Rendition, type Zoom } from "./synthesis.js";
import { filtered, type Filters } from "./wiener.js";

const SCALES = [1 / 8, 1 / 4, 1 / 2, 1, 2];

/** The faithful picture with detail that the file does not hold. */
class Natural implements Rendition {
  readonly zoom = FULL;
  readonly windows = 1;

  /** `realism`: above 0, at most 1. `seed`: of the noise. */
  constructor(
    readonly at: Point,
    private readonly realism: number,
    private readonly seed: number,
  ) {}

  latents(grid: Box, core: Box): Box {
    return latentsFor(this.at.bundle, grid, core).joined(latentsForHead(this.at, "detail", grid, core));
  }

  async shown(yHat: Tensor, grid: Box, core: Box, filters: Filters): Promise<Tensor> {
    const { bundle } = this.at;
    const [outer, seen] = [this.latents(grid, core), forHead(this.at, "detail", grid, core)];
    const { x, body, render } = await this.at.features(yHat);
    const place = seen.inside(outer);
    const drawn = noise(this.seed, seen.times(RENDER));
    const detail = await this.at.detail(place.of(body), place.times(RENDER).of(render), drawn, this.realism);
    const faithful = await filtered(bundle, withEdges(bundle, x, outer, grid, core), core, filters);
    return sum(faithful, core.inside(seen.times(bundle.manifest.stride)).of(detail));
  }
}

/** A small picture, straight from the latents. */
class Small implements Rendition {
  readonly zoom: Zoom;
  readonly windows = 1.5; // no more memory than the synthesis takes, and less time for halos

  /** `by`: 2, 4 or 8, pixels a side for one of the small picture. */
  constructor(
    readonly at: Point,
    private readonly by: number,
  ) {
    this.zoom = { up: 1, down: by };
  }

  latents(grid: Box, core: Box): Box {
    return forHead(this.at, `small_${this.by}`, grid, core);
  }

  async shown(yHat: Tensor, grid: Box, core: Box): Promise<Tensor> {
    const seen = this.latents(grid, core).times(this.at.bundle.manifest.stride);
    return core
      .inside(seen)
      .over(this.by)
      .of(await this.at.small(yHat, this.by));
  }
}

/** The picture at twice its size. */
class Double implements Rendition {
  readonly zoom = { up: 2, down: 1 };
  readonly windows = 1;

  constructor(readonly at: Point) {}

  latents(grid: Box, core: Box): Box {
    const seen = forHead(this.at, "double", grid, core);
    return latentsFor(this.at.bundle, grid, seen.times(this.at.bundle.manifest.stride));
  }

  async shown(yHat: Tensor, grid: Box, core: Box, filters: Filters): Promise<Tensor> {
    const { bundle } = this.at;
    const [outer, seen] = [this.latents(grid, core), forHead(this.at, "double", grid, core)];
    const pixels = seen.times(bundle.manifest.stride);
    const { x, body, render } = await this.at.features(yHat);
    const faithful = await filtered(bundle, withEdges(bundle, x, outer, grid, pixels), pixels, filters);
    const place = seen.inside(outer);
    const large = await this.at.double(place.of(body), place.times(RENDER).of(render), faithful);
    return core.inside(pixels).times(2).of(large);
  }
}

/** Returns the box of latents, or of features beside them, that a head has to see for a box of pixels. */
function forHead(at: Point, head: string, grid: Box, core: Box): Box {
  return core.over(at.bundle.manifest.stride).grown(at.bundle.halo(head), grid);
}

/** Returns the box of latents that decide the features that a head has to see for a box of pixels. */
function latentsForHead(at: Point, head: string, grid: Box, core: Box): Box {
  return forHead(at, head, grid, core).grown(at.bundle.halo("synthesis"), grid);
}

function sum(one: Tensor, other: Tensor): Tensor {
  const data = one.data.map((value, i) => value + other.data[i]);
  return new Planes(data, one.channels, one.height, one.width);
}

/** How to show a file. */
export interface Choice {
  readonly rendition: Rendition;
  readonly by: number; // the picture is reduced so many times afterwards
  readonly realism: number; // 0 to 1, of the detail that is drawn
}

/**
 * Chooses how to show a file.
 *
 * `realism`: undefined for what the file asks for, else the bundle's default. `scale`: 1/8, 1/4, 1/2, 1 or 2. Small
 * pictures take their head where there is one, and where nobody asks for realism or has transparency to weigh the
 * pixels with. Otherwise the whole picture is reduced.
 *
 * Throws BundleError where a head is missing or was made for another decoder, RangeError for realism at double size.
 */
export function choose(at: Point, contents: Contents, realism: number | undefined, scale: number): Choice {
  if (scale === 2) {
    if (realism) {
      throw new RangeError("realism does not go with a scale of 2, whose head has detail of its own");
    }
    checkHas(at.bundle, "double");
    return { rendition: new Double(at), by: 1, realism: 0 };
  }
  if (scale < 1) {
    const by = 1 / scale;
    if (!realism && hasSmall(at, contents, by)) {
      checkHas(at.bundle, `small_${by}`);
      return { rendition: new Small(at, by), by: 1, realism: 0 };
    }
    return { rendition: natural(at, contents, realism ?? 0), by, realism: realism ?? 0 };
  }
  const amount = realism ?? preferred(at, contents);
  return { rendition: natural(at, contents, amount), by: 1, realism: amount };
}

/** Returns whether a head gives the faithful picture at 1/`by` of its size. */
export function hasSmall(at: Point, contents: Contents, by: number): boolean {
  return !contents.extras.has(ALPHA) && at.bundle.hasGraph(`small_${by}`);
}

/** Returns the realism that a file asks for, else the bundle's; 0 where the bundle draws no detail. */
function preferred(at: Point, { extras, header }: Contents): number {
  const asked = extras.has(REALISM) && at.bundle.hasGraph("detail") ? realismOf(extras) : null;
  return asked ?? defaultRealism(at.bundle, header.quality);
}

/** Returns the rendition of a realism: at 0 the faithful one, which opens no head. */
function natural(at: Point, contents: Contents, realism: number): Rendition {
  if (realism === 0) {
    return new Faithful(at);
  }
  checkHas(at.bundle, "detail");
  return new Natural(at, realism, seedOf(contents.tiles[0]));
}

/** Throws TypeError unless a realism is a number or undefined, RangeError unless it is 0 to 1. */
export function checkRealism(realism: unknown): void {
  if (realism === undefined) {
    return;
  }
  if (typeof realism !== "number") {
    throw new TypeError(`realism is a number from 0 to 1, not ${String(realism)}`);
  }
  if (!(realism >= 0 && realism <= 1)) {
    throw new RangeError(`realism is 0 to 1, not ${realism}`);
  }
}

/** Throws TypeError unless a scale is a number, RangeError unless it is 1/8, 1/4, 1/2, 1 or 2. */
export function checkScale(scale: unknown): void {
  if (typeof scale !== "number") {
    throw new TypeError(`a scale is a number, not ${String(scale)}`);
  }
  if (!SCALES.includes(scale)) {
    throw new RangeError(`a scale is 1/8, 1/4, 1/2, 1 or 2, not ${scale}`);
  }
}
