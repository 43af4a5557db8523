/** Writes a file's chunks (`chunks.ts` reads them, and says what a file is). */

import { LimitError } from "../errors.js";
import { MAX_CHUNK } from "../limits.js";
import { HEADER, MODES, QUALITY_UNIT, SIGNATURE, TILE, TILE_MIN, VERSION, tilesOf, type Header } from "./chunks.js";
import { crc32 } from "./crc32.js";
import { joined } from "./inflate.js";

/** Returns the bytes of a file. `extras`: type -> payload. Throws LimitError for a chunk that no reader would accept. */
export function write(
  header: Header,
  extras: ReadonlyMap<string, Uint8Array>,
  tiles: readonly Uint8Array[],
): Uint8Array {
  if (tiles.length !== tilesOf(header)) {
    throw new RangeError(`${tiles.length} tiles where the header says ${tilesOf(header)}`);
  }
  const number = (n: number): Uint8Array => (tiles.length > 1 ? varint(n) : new Uint8Array());
  return joined([
    Uint8Array.of(...SIGNATURE, VERSION),
    ...chunk(HEADER, packHeader(header)),
    ...[...extras].flatMap(([kind, payload]) => chunk(kind, payload)),
    ...tiles.flatMap((stream, n) => chunk(TILE, joined([number(n), stream]))),
  ]);
}

function packHeader({ width, height, quality, modelId, mode, tile }: Header): Uint8Array {
  const exponent = tile ? Math.log2(tile / TILE_MIN) + 1 : 0;
  const settings = exponent | (MODES.indexOf(mode) << 4) | ((quality * QUALITY_UNIT) << 6);
  const id = Uint8Array.from(modelId.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  return joined([Uint8Array.of(settings & 255, settings >> 8), varint(width), varint(height), id]);
}

/** Returns the parts of a chunk. */
function chunk(kind: string, payload: Uint8Array): Uint8Array[] {
  if (payload.length > MAX_CHUNK) {
    throw new LimitError(`chunk ${kind} would have ${payload.length} bytes, over the limit of ${MAX_CHUNK}`);
  }
  const type = Uint8Array.of(kind.charCodeAt(0));
  const check = new Uint8Array(4);
  new DataView(check.buffer).setUint32(0, crc32(payload, crc32(type)), true);
  return [type, varint(payload.length), payload, check];
}

/** Returns a number as 7 bits a byte, lowest first, with the high bit set on all bytes but the last. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let left = value;
  for (; left > 127; left = Math.floor(left / 128)) {
    bytes.push((left % 128) + 128);
  }
  return Uint8Array.of(...bytes, left);
}
