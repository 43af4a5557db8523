/** Describes a file, without a model and without decoding a pixel. */

import { ALPHA, EXIF, ICC, SPACE, VERSION, XMP, read, tilesOf, type Mode } from "../container/chunks.js";
import { realismOf, spaceOf, type Space } from "../container/extras.js";
import { messageOf } from "../errors.js";
import { MAX_PIXELS } from "../limits.js";

/** What a file is. Sizes are in bytes, of what stands in the file. */
export interface Info {
  readonly formatVersion: number;
  readonly width: number;
  readonly height: number;
  readonly mode: Mode | "RGBA" | "LA";
  readonly quality: number;
  readonly bytes: number;
  readonly bpp: number; // bits for each pixel
  readonly tiles: number;
  readonly tile: number | null; // side of a tile in pixels; null where one tile is the whole picture
  readonly pictureBytes: number;
  readonly alphaBytes: number;
  readonly iccBytes: number; // and of the colour space
  readonly exifBytes: number;
  readonly xmpBytes: number;
  readonly realism: number | null; // 0 to 1, what the file asks for
  readonly space: Space | null;
  readonly damaged: readonly string[]; // what can't be read behind a right checksum
  readonly modelId: string; // of the bundle that decodes the file
}

/**
 * Describes a file. Every checksum is checked; metadata are not inflated.
 *
 * Throws FormatError for a damaged file and LimitError for too large a picture.
 */
export function info(data: ArrayBuffer | Uint8Array, maxPixels = MAX_PIXELS): Info {
  const bytes = data instanceof Uint8Array ? data : new Uint8Array(data);
  const { header, extras, tiles } = read(bytes, maxPixels);
  const damaged: string[] = [];
  const size = (kind: string): number => extras.get(kind)?.length ?? 0;
  return {
    formatVersion: VERSION,
    width: header.width,
    height: header.height,
    mode: extras.has(ALPHA) ? `${header.mode}A` : header.mode,
    quality: header.quality,
    bytes: bytes.length,
    bpp: (8 * bytes.length) / (header.width * header.height),
    tiles: tilesOf(header),
    tile: header.tile || null,
    pictureBytes: tiles.reduce((sum, tile) => sum + tile.length, 0),
    alphaBytes: size(ALPHA),
    iccBytes: size(ICC) + size(SPACE),
    exifBytes: size(EXIF),
    xmpBytes: size(XMP),
    realism: readable(realismOf, extras, damaged),
    space: readable(spaceOf, extras, damaged),
    damaged,
    modelId: header.modelId,
  };
}

/** Returns what a chunk says, or null; what is wrong with it is added to `damaged`. */
function readable<T>(
  parse: (extras: ReadonlyMap<string, Uint8Array>) => T | null,
  extras: ReadonlyMap<string, Uint8Array>,
  damaged: string[],
): T | null {
  try {
    return parse(extras);
  } catch (error) {
    damaged.push(messageOf(error));
    return null;
  }
}
