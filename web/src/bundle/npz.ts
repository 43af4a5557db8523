/** Arrays of a `.npz` file: a ZIP of arrays as NumPy writes them. */

import { crc32 } from "../container/crc32.js";
import { inflateRaw } from "../container/inflate.js";
import { MAX_BUNDLE_FILE } from "../limits.js";
import { parse, type Values } from "./npy.js";

const END = 0x06054b50; // signatures of the ZIP's parts
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
const END_BYTES = 22;
const STORED = 0;
const DEFLATED = 8;

/** Reads all arrays, by their names. Throws Error for anything that is no such file. */
export async function readNpz(data: Uint8Array): Promise<Map<string, Values>> {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const end = endOf(view);
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  const arrays = new Map<string, Values>();
  for (let n = 0; n < count; n++) {
    if (view.getUint32(at, true) !== ENTRY) {
      throw new Error(`no entry of an archive at byte ${at}`);
    }
    const nameLength = view.getUint16(at + 28, true);
    const name = new TextDecoder().decode(data.subarray(at + 46, at + 46 + nameLength));
    arrays.set(name.replace(/\.npy$/, ""), parse(await unpacked(data, view, at, name)));
    at += 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return arrays;
}

/** Returns where the end of the ZIP's directory begins: an archive without a comment ends with it. */
function endOf(view: DataView): number {
  const at = view.byteLength - END_BYTES;
  if (at < 0 || view.getUint32(at, true) !== END) {
    throw new Error("this is no archive of arrays");
  }
  return at;
}

/** Returns the bytes of the entry whose description begins at a byte. */
async function unpacked(data: Uint8Array, view: DataView, entry: number, name: string): Promise<Uint8Array> {
  const method = view.getUint16(entry + 10, true);
  const check = view.getUint32(entry + 16, true);
  const packedSize = view.getUint32(entry + 20, true);
  const size = view.getUint32(entry + 24, true);
  const local = view.getUint32(entry + 42, true);
  if (view.getUint32(local, true) !== LOCAL || size > MAX_BUNDLE_FILE) {
    throw new Error(`the entry ${name} is damaged or too large`);
  }
  const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
  const packed = data.subarray(start, start + packedSize);
  if (method !== STORED && method !== DEFLATED) {
    throw new Error(`the entry ${name} is packed by the unknown method ${method}`);
  }
  const found = method === STORED ? packed : await inflateRaw(packed, size, name);
  if (found.length !== size || crc32(found) !== check) {
    throw new Error(`the entry ${name} is damaged: wrong length or checksum`);
  }
  return found;
}
