/** A file becomes a picture again: z, scale index, q in one pass over the coder, means, synthesis. */

import { Planes } from "../arrays.js";
import type { Bundle } from "../bundle/bundle.js";
import type { Point } from "../bundle/point.js";
import * as alpha from "../container/alpha.js";
import { ALPHA, read, type Contents, type Header, type Mode } from "../container/chunks.js";
import { unpack, type Metadata } from "../container/extras.js";
import { Reader } from "../entropy/coder.js";
import { BundleError, LimitError } from "../errors.js";
import { MAX_PIXELS, checkJustified, checkSize } from "../limits.js";
import { Box, each, split, whole, type Watch } from "./boxes.js";
import { Latents, type Symbols } from "./context.js";
import { bundleOf } from "./loaded.js";
import { padded, putAlpha, toLuma, type Pixels } from "./planes.js";
import { checkRealism, checkScale, choose, hasSmall, type Choice } from "./renditions.js";
import { enlarged, reduced } from "./resizing.js";
import { synthesise, type Rendition } from "./synthesis.js";
import { placeOf, type Filters } from "./wiener.js";

const PREVIEW = 8; // pixels a side for one of a preview

export type Region = readonly [x: number, y: number, width: number, height: number]; // pixels

/** What to show of a file. */
export interface Request {
  readonly realism?: number; // 0 to 1; undefined: what the file asks for, else the bundle's default
  readonly scale?: number; // 1/8, 1/4, 1/2, 1 or 2 times the size; sides round up
  readonly region?: Region; // the part to decode; only the tiles that it needs are decoded
  readonly maxPixels?: number; // a larger picture is refused
}

export interface DecodeOptions extends Request, Watch {
  readonly bundle: Bundle | string | URL; // a loaded one, or the address of its folder
  readonly preview?: (picture: Picture) => void; // called with 1/8 of the picture, if the bundle has a head for it
}

/** A decoded picture. Its first three fields are those of an ImageData. */
export interface Picture extends Pixels {
  readonly mode: Mode;
  readonly hasAlpha: boolean;
  readonly metadata: Metadata; // colours are to be shown by its profile or space
  readonly realism: number; // 0 to 1, of the detail that was drawn; 0 at double size, whose head draws its own
}

/**
 * Decodes a `.skosh` file, on this thread.
 *
 * Throws FormatError for foreign or damaged bytes, BundleError where the bundle or its head for realism or double size is
 * missing, or is another one's, LimitError for too large a picture or a region outside of it, TypeError for a region
 * that is not four whole numbers and for other kinds of realism or scale, RangeError for realism or a scale out of range,
 * and the signal's reason once it is aborted.
 */
export async function decode(data: ArrayBuffer | Uint8Array, options: DecodeOptions): Promise<Picture> {
  const { region, realism, scale = 1, signal, preview, maxPixels = MAX_PIXELS } = options;
  signal?.throwIfAborted();
  checkRealism(realism);
  checkScale(scale);
  const bytes = data instanceof Uint8Array ? data : new Uint8Array(data);
  const contents = read(bytes, maxPixels);
  const { header } = contents;
  checkJustified(header.width, header.height, bytes.length);
  const box = boxOf(region, header);
  if (scale > 1) {
    checkSize(scale * box.width, scale * box.height, maxPixels);
  }
  const bundle = await bundleOf(options.bundle, options);
  if (bundle.manifest.modelId !== header.modelId) {
    const { name, modelId } = bundle.manifest;
    throw new BundleError(`the file was made with model ${header.modelId}, not ${name} (${modelId})`);
  }
  const decoder = new Decoder(bundle, contents);
  const choice = choose(decoder.at, contents, realism, scale);
  if (preview && hasSmall(decoder.at, contents, PREVIEW)) {
    const symbols: Watch["progress"] = (stage, share) => stage === "symbols" && options.progress?.(stage, share);
    preview(await decoder.show(choose(decoder.at, contents, 0, 1 / PREVIEW), box, { signal, progress: symbols }));
  }
  return decoder.show(choice, box, options);
}

function boxOf(region: Region | undefined, header: Header): Box {
  if (region === undefined) {
    return whole(header.height, header.width);
  }
  if (region.length !== 4 || !region.every(Number.isInteger)) {
    throw new TypeError(`a region is x, y, width and height, four whole numbers, not ${String(region)}`);
  }
  const [x, y, width, height] = region;
  if (x < 0 || y < 0 || width < 1 || height < 1 || x + width > header.width || y + height > header.height) {
    throw new LimitError(`the region ${region.join()} is not inside of ${header.width}x${header.height}`);
  }
  return new Box(y, x, y + height, x + width);
}

interface Read {
  readonly latents: Latents;
  readonly filters: Filters;
}

/** The symbols of a file, read tile by tile as they are needed, and pictures of any part of it. */
export class Decoder {
  readonly at: Point;
  readonly tiles: Box[]; // on the grid of z, in the order of the streams
  private readonly allZ: Box;
  private readonly side: number; // of a tile, in samples of z
  private whole: Promise<Read> | undefined; // of all tiles

  constructor(
    private readonly bundle: Bundle,
    private readonly contents: Contents,
  ) {
    const { header } = contents;
    const { multiple } = bundle.manifest;
    this.at = bundle.at(header.quality);
    this.allZ = whole(padded(header.height, multiple) / multiple, padded(header.width, multiple) / multiple);
    this.side = header.tile / multiple;
    this.tiles = split(this.allZ, this.side);
  }

  /** What a box of pixels shows, reduced where the choice says so. */
  async show({ rendition, by, realism }: Choice, box: Box, watch: Watch = {}): Promise<Picture> {
    const { header } = this.contents;
    const squares = box.over(by).times(by).cutTo(whole(header.height, header.width));
    const found = await this.picture(rendition, squares, watch);
    const pixels = by > 1 ? reduced(found, by) : found;
    if (header.mode === "L") {
      toLuma(pixels);
    }
    return { ...found, ...pixels, realism };
  }

  /** What a box of pixels shows, before it is made grey, with what belongs to it. */
  private async picture(rendition: Rendition, box: Box, watch: Watch): Promise<Omit<Picture, "realism">> {
    const { header, extras } = this.contents;
    const metadata = await unpack(extras);
    const stored = extras.get(ALPHA);
    const plane = stored && (await alpha.unpack(stored, header.height, header.width));
    const { latents, filters } = await this.read(this.needed(rendition, box), watch);
    const pixels = await synthesise(rendition, latents, box, filters, watch);
    if (plane) {
      this.putAlpha(pixels, plane, rendition.zoom.up, box);
    }
    return { ...pixels, mode: header.mode, hasAlpha: plane !== undefined, metadata };
  }

  /** Writes transparency into a picture of a box. Small pictures with it are reduced from whole ones. */
  private putAlpha(pixels: Pixels, plane: Uint8Array, by: number, box: Box): void {
    const { height, width } = this.contents.header;
    if (by > 1) {
      putAlpha(pixels, enlarged(plane, height, width, box, by), pixels.width, whole(pixels.height, pixels.width));
    } else {
      putAlpha(pixels, plane, width, box);
    }
  }

  /** The tiles that what a box of pixels shows depends on. */
  needed(rendition: Rendition, box: Box): Box[] {
    const { bundle } = this;
    const grid = this.allZ.times(bundle.reduction);
    const latents = rendition.latents(grid, box).grown(bundle.halo("mean_second"), grid);
    const cells = latents.over(bundle.reduction).grown(bundle.halo("mean_first"), this.allZ);
    return this.tiles.filter((tile) => tile.meets(cells));
  }

  /** The latents and filters of some tiles. Those of all tiles are read once. */
  private read(tiles: readonly Box[], watch: Watch): Promise<Read> {
    const read = async (): Promise<Read> => {
      const { filters, ...symbols } = await this.symbols(tiles, watch);
      return { latents: new Latents(this.at, symbols), filters };
    };
    if (tiles.length < this.tiles.length) {
      return read();
    }
    this.whole ??= read();
    return this.whole;
  }

  /** The symbols of some tiles, in arrays for the whole picture: 0 elsewhere. */
  async symbols(tiles: readonly Box[], watch: Watch = {}): Promise<Symbols & { filters: Filters }> {
    const { hyper, latents } = this.bundle.manifest;
    const { height, width } = this.allZ;
    const { reduction } = this.bundle;
    const size = height * width;
    const z = new Planes(new Int32Array((hyper || latents) * size), hyper || latents, height, width);
    const all = new Int16Array(hyper ? latents * size * reduction ** 2 : 0);
    const q = hyper ? new Planes(all, latents, reduction * height, reduction * width) : null;
    const filters: Filters = { side: this.contents.header.tile, found: new Map() };
    const streams = new Map(this.tiles.map((tile, n) => [tile, this.contents.tiles[n]]));
    const work = (tile: Box): void => {
      const taken = takeSymbols(this.at, streams.get(tile) as Uint8Array, tile.height, tile.width);
      tile.into(z, taken.z);
      if (q && taken.q) {
        tile.times(reduction).into(q, taken.q);
      }
      if (taken.coefficients) {
        filters.found.set(placeOf(tile, this.side), taken.coefficients);
      }
    };
    await each(tiles, work, watch, "symbols");
    return { z, q, filters };
  }
}

/** What a stream holds for a tile of so many z. */
export function takeSymbols(
  at: Point,
  stream: Uint8Array,
  height: number,
  width: number,
): Symbols & { coefficients: Int32Array | null } {
  const reader = new Reader(at.models, stream);
  const z = reader.takeZ(height, width);
  const q = at.bundle.manifest.hyper ? reader.takeQ(at.scaleIndex(z)) : null;
  return { z, q, coefficients: reader.takeCoefficients() };
}
