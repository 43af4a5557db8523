/**
 * Transparency: one plane of 8 bits, kept exactly, as a grey PNG inside the file.
 *
 * The PNG is of the plainest kind: 8 bits, not interlaced, chunks IHDR, IDAT and IEND. Anything else is refused.
 */

import { FormatError } from "../errors.js";
import { crc32 } from "./crc32.js";
import { inflate, joined } from "./inflate.js";

export const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
export const GREY_OF_8_BITS = [8, 0, 0, 0, 0]; // depth, colour type, compression, filter, interlace

/** PNG -> (height, width) bytes, 255 opaque. Throws FormatError for anything else. */
export async function unpack(data: Uint8Array, height: number, width: number): Promise<Uint8Array> {
  const deflated = deflatedPixels(data, height, width);
  const due = height * (width + 1); // a filter's number stands before each row
  const rows = await inflate(deflated, due, "the transparency");
  if (rows.length !== due) {
    throw new FormatError("the transparency has fewer pixels than the picture");
  }
  return unfiltered(rows, height, width);
}

/** Returns the deflated pixels. Throws FormatError unless this is a whole PNG of the one kind that skosh writes. */
function deflatedPixels(data: Uint8Array, height: number, width: number): Uint8Array {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const parts: Uint8Array[] = [];
  let at = PNG.length;
  const chunk = (): { kind: string; content: Uint8Array } => {
    const length = at + 12 <= data.length ? view.getUint32(at) : Infinity;
    if (at + 12 + length > data.length) {
      throw new FormatError("the transparency is a PNG that is cut short");
    }
    const end = at + 8 + length;
    if (crc32(data.subarray(at + 4, end)) !== view.getUint32(end)) {
      throw new FormatError("the transparency is damaged: wrong checksum");
    }
    const kind = String.fromCharCode(...data.subarray(at + 4, at + 8));
    const content = data.subarray(at + 8, end);
    at = end + 4;
    return { kind, content };
  };
  const head = PNG.every((byte, i) => data[i] === byte) ? chunk() : { kind: "", content: new Uint8Array() };
  if (head.kind !== "IHDR" || !isPlain(head.content, height, width)) {
    throw new FormatError(`the transparency is no 8-bit grey PNG of ${width}x${height}`);
  }
  let next = chunk();
  for (; next.kind === "IDAT"; next = chunk()) {
    parts.push(next.content);
  }
  if (next.kind !== "IEND" || next.content.length > 0 || at !== data.length) {
    throw new FormatError("the transparency is a PNG that holds more or less than pixels");
  }
  return joined(parts);
}

function isPlain(content: Uint8Array, height: number, width: number): boolean {
  const due = new Uint8Array(13);
  new DataView(due.buffer).setUint32(0, width);
  new DataView(due.buffer).setUint32(4, height);
  due.set(GREY_OF_8_BITS, 8);
  return content.length === due.length && due.every((byte, i) => content[i] === byte);
}

/** Undoes PNG's filters: each sample was stored less a prediction from its neighbours on the left and above. */
function unfiltered(rows: Uint8Array, height: number, width: number): Uint8Array {
  const plane = new Uint8Array(height * width);
  for (let y = 0; y < height; y++) {
    const filter = rows[y * (width + 1)];
    if (filter > 4) {
      throw new FormatError(`the transparency has a row of the unknown filter ${filter}`);
    }
    for (let x = 0; x < width; x++) {
      const place = y * width + x;
      const left = x > 0 ? plane[place - 1] : 0;
      const above = y > 0 ? plane[place - width] : 0;
      const corner = x > 0 && y > 0 ? plane[place - width - 1] : 0;
      plane[place] = rows[y * (width + 1) + 1 + x] + predicted(filter, left, above, corner);
    }
  }
  return plane;
}

function predicted(filter: number, left: number, above: number, corner: number): number {
  switch (filter) {
    case 1:
      return left;
    case 2:
      return above;
    case 3:
      return (left + above) >> 1;
    case 4:
      return paeth(left, above, corner);
    default:
      return 0;
  }
}

/** Returns the neighbour that is nearest to left + above - corner; the first of equally near ones. */
function paeth(left: number, above: number, corner: number): number {
  const toLeft = Math.abs(above - corner);
  const toAbove = Math.abs(left - corner);
  const toCorner = Math.abs(left + above - 2 * corner);
  if (toLeft <= toAbove && toLeft <= toCorner) {
    return left;
  }
  return toAbove <= toCorner ? above : corner;
}
