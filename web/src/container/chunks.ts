/**
 * The file: a signature, then chunks; the header first, the tiles last. `docs/format.md` says the same in words.
 *
 *     file    = SIGNATURE VERSION (1 byte) chunk(HEADER) chunk(extra)* chunk(TILE)+
 *     chunk   = type (1 byte) length (varint) payload CRC-32 of type and payload (4 bytes, little-endian)
 *     HEADER  = settings (2 bytes, little-endian) width (varint) height (varint) model id (8 bytes)
 *     TILE    = [number of the tile (varint), where the picture has more than one] entropy-coded stream
 *
 * A reader skips a type in lower case that it does not know; it refuses one in upper case.
 */

import { FormatError } from "../errors.js";
import { MAX_CHUNK, MAX_PIXELS, MAX_UNKNOWN, checkFile, checkSize } from "../limits.js";
import { crc32 } from "./crc32.js";
import { Cursor } from "./cursor.js";

export const SIGNATURE = [0x93, 0x53, 0x4b]; // \x93SK
export const VERSION = 1;
export const HEADER = "H";
export const TILE = "T";
export const ALPHA = "A";
export const REALISM = "r";
export const SPACE = "c";
export const ICC = "i";
export const EXIF = "e";
export const XMP = "x";
export const EXTRAS = [ALPHA, REALISM, SPACE, ICC, EXIF, XMP]; // at most one of each, before the first tile
const MODEL_ID_BYTES = 8;
export const MODES: readonly Mode[] = ["RGB", "L"];
export const QUALITY_UNIT = 8; // qualities are multiples of an eighth
export const TILE_MIN = 64; // the smallest side of a tile; others are this times a power of two

export type Mode = "RGB" | "L"; // L: grey

/** What a decoder has to know first. */
export interface Header {
  readonly width: number; // pixels
  readonly height: number;
  readonly quality: number; // 0 to 100 in eighths: the place between the bundle's rows of levels
  readonly modelId: string; // 16 hexadecimal digits
  readonly mode: Mode;
  readonly tile: number; // side of a tile: 0 for one tile that is the whole picture, else 64 * 2 ** n with n in 0..14
}

/** Everything in a file. Payloads are views of the file's bytes. */
export interface Contents {
  readonly header: Header;
  readonly extras: Map<string, Uint8Array>; // type -> payload
  readonly tiles: Uint8Array[];
}

/** Returns how many tiles a picture has. */
export function tilesOf(header: Header): number {
  return header.tile ? Math.ceil(header.width / header.tile) * Math.ceil(header.height / header.tile) : 1;
}

/**
 * Returns the contents of a whole file.
 *
 * Throws FormatError for anything foreign, damaged or cut short, and LimitError for a picture over `maxPixels`.
 */
export function read(data: Uint8Array, maxPixels = MAX_PIXELS): Contents {
  checkFile(data.length);
  const file = new Cursor(data);
  const header = readStart(file, maxPixels);
  const count = tilesOf(header);
  const extras = new Map<string, Uint8Array>();
  const tiles = new Map<number, Uint8Array>(); // no array of `count`: a small file may claim a million
  let unknown = 0;
  while (!file.atEnd) {
    const at = file.place;
    const { kind, payload } = readChunk(file);
    if (kind === TILE) {
      putTile(tiles, count, payload, at);
    } else if (tiles.size > 0 && EXTRAS.includes(kind)) {
      throw new FormatError(`byte ${at}: chunk ${kind} stands behind a tile`);
    } else {
      putExtra(extras, kind, payload, at);
    }
    unknown = countUnknown(kind, unknown);
  }
  if (tiles.size < count) {
    throw new FormatError(`the file is cut short: ${count - tiles.size} of ${count} tiles are missing`);
  }
  return { header, extras, tiles: Array.from({ length: count }, (_, n) => tiles.get(n) as Uint8Array) };
}

/** Returns the header of a file of which the first bytes are there; 64 are enough. Throws as `readHead` does. */
export function readSize(data: Uint8Array, maxPixels = MAX_PIXELS): Header {
  return readStart(new Cursor(data), maxPixels);
}

/**
 * Returns header and extras of a file of which the first bytes are there. Reads up to the first tile and no further.
 *
 * Throws as `read` does; FormatError, too, where that needs more bytes.
 */
export function readHead(data: Uint8Array, maxPixels = MAX_PIXELS): Pick<Contents, "header" | "extras"> {
  const file = new Cursor(data);
  const header = readStart(file, maxPixels);
  const extras = new Map<string, Uint8Array>();
  let unknown = 0;
  for (;;) {
    const at = file.place;
    const { kind, length } = readChunkStart(file);
    if (kind === TILE) {
      return { header, extras };
    }
    unknown = countUnknown(kind, unknown);
    putExtra(extras, kind, readPayload(file, kind, length), at);
  }
}

function putTile(tiles: Map<number, Uint8Array>, count: number, payload: Uint8Array, at: number): void {
  const content = new Cursor(payload, 0, at);
  const number = count > 1 ? content.varint() : 0;
  if (number >= count || tiles.has(number)) {
    throw new FormatError(`byte ${at}: tile ${number} is one too many`);
  }
  tiles.set(number, payload.subarray(content.at));
}

function putExtra(extras: Map<string, Uint8Array>, kind: string, payload: Uint8Array, at: number): void {
  if (extras.has(kind) || kind === HEADER) {
    throw new FormatError(`byte ${at}: a second chunk ${kind}`);
  }
  if (EXTRAS.includes(kind)) {
    extras.set(kind, payload);
  } else if (kind < "a") {
    throw new FormatError(`this file needs a newer skosh: unknown critical chunk ${kind}`);
  }
}

/** Counts chunks of unknown kinds. Throws FormatError for more of them than any writer would make. */
function countUnknown(kind: string, count: number): number {
  const found = count + (kind === HEADER || kind === TILE || EXTRAS.includes(kind) ? 0 : 1);
  if (found > MAX_UNKNOWN) {
    throw new FormatError(`over ${MAX_UNKNOWN} chunks of kinds that this skosh does not know: refused`);
  }
  return found;
}

/** Reads signature, version and header. */
function readStart(file: Cursor, maxPixels: number): Header {
  const start = file.read(SIGNATURE.length);
  if (start.length === 0) {
    throw new FormatError("the file is empty");
  }
  if (start.some((byte, i) => byte !== SIGNATURE[i])) {
    throw new FormatError("this is not a .skosh file");
  }
  const version = file.byte();
  if (version < 0) {
    throw new FormatError("the file is cut short before its version");
  }
  if (version !== VERSION) {
    throw new FormatError(`format version ${version} is not known to this skosh (it reads ${VERSION}): update it`);
  }
  const { kind, payload } = readChunk(file);
  if (kind !== HEADER) {
    throw new FormatError(`the first chunk is ${kind} and not the header`);
  }
  const header = unpackHeader(payload);
  checkSize(header.width, header.height, maxPixels);
  return header;
}

function unpackHeader(payload: Uint8Array): Header {
  if (payload.length < 2) {
    throw new FormatError("the header is cut short");
  }
  const settings = payload[0] | (payload[1] << 8);
  const tile = settings & 15;
  const mode = (settings >> 4) & 3;
  const eighths = settings >> 6;
  const file = new Cursor(payload, 2);
  const width = file.varint();
  const height = file.varint();
  const modelId = file.data.subarray(file.at);
  if (modelId.length !== MODEL_ID_BYTES) {
    throw new FormatError(`the header's model id has ${modelId.length} bytes where ${MODEL_ID_BYTES} are due`);
  }
  if (mode >= MODES.length) {
    throw new FormatError(`this file needs a newer skosh: unknown mode ${mode}`);
  }
  if (eighths > 100 * QUALITY_UNIT) {
    throw new FormatError(`quality ${eighths / QUALITY_UNIT} is over 100`);
  }
  const side = tile ? TILE_MIN * 2 ** (tile - 1) : 0;
  return { width, height, quality: eighths / QUALITY_UNIT, modelId: hex(modelId), mode: MODES[mode], tile: side };
}

/** Reads type and payload. Throws FormatError if no chunk begins here, its end is missing or its checksum is wrong. */
function readChunk(file: Cursor): { kind: string; payload: Uint8Array } {
  const { kind, length } = readChunkStart(file);
  return { kind, payload: readPayload(file, kind, length) };
}

function readChunkStart(file: Cursor): { kind: string; length: number } {
  const at = file.place;
  const kind = String.fromCharCode(Math.max(file.byte(), 0));
  if (!/[A-Za-z]/.test(kind)) {
    throw new FormatError(`byte ${at}: damaged, or cut short, where a chunk should begin`);
  }
  const length = file.varint();
  if (length > MAX_CHUNK) {
    throw new FormatError(`byte ${at}: chunk ${kind} claims ${length} bytes, over the limit of ${MAX_CHUNK}`);
  }
  return { kind, length };
}

function readPayload(file: Cursor, kind: string, length: number): Uint8Array {
  const at = file.place;
  const payload = file.read(length);
  const check = file.read(4);
  if (check.length < 4) {
    throw new FormatError(`the file is cut short: chunk ${kind} ends at byte ${at + length + 4}, after the file`);
  }
  const due = (check[0] | (check[1] << 8) | (check[2] << 16) | (check[3] << 24)) >>> 0;
  if (crc32(payload, crc32(Uint8Array.of(kind.charCodeAt(0)))) !== due) {
    throw new FormatError(`the file is damaged: wrong checksum of chunk ${kind} before byte ${at + length}`);
  }
  return payload;
}

/** Returns bytes as hexadecimal digits. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
