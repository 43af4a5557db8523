/** Deflated data, inflated and made by the platform's own code. */

import { FormatError, LimitError, messageOf } from "../errors.js";

const LARGEST = 5552; // bytes that can be added up before Adler's sums need their remainder

/**
 * Inflates one zlib stream.
 *
 * `most`: bytes that may come out; inflating stops beyond. `what`: the name of the data in messages.
 *
 * Throws LimitError for more bytes than that, and FormatError for damaged data, a stream that is not whole, or bytes
 * behind it.
 */
export async function inflate(data: Uint8Array, most: number, what: string): Promise<Uint8Array> {
  const found = await inflated(data, "deflate", most, what);
  // Some platforms ignore what stands behind a stream. Then its checksum is not the last four bytes.
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (data.length < 6 || view.getUint32(data.length - 4) !== adler32(found)) {
    throw new FormatError(`${what} is not whole`);
  }
  return found;
}

/** Inflates a raw deflate stream, as ZIP files hold them. Its length and checksum stand elsewhere. */
export function inflateRaw(data: Uint8Array, most: number, what: string): Promise<Uint8Array> {
  return inflated(data, "deflate-raw", most, what);
}

async function inflated(data: Uint8Array, format: CompressionFormat, most: number, what: string): Promise<Uint8Array> {
  const stream = new Blob([data as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream(format));
  const reader = stream.getReader();
  const parts: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read().catch((error: unknown) => {
      throw new FormatError(`${what} can't be inflated: ${messageOf(error)}`);
    });
    if (done) {
      return joined(parts);
    }
    size += value.length;
    if (size > most) {
      await reader.cancel().catch(() => undefined);
      throw new LimitError(`${what} is over the limit of ${most} bytes`);
    }
    parts.push(value);
  }
}

/** Deflates bytes to one zlib stream. */
export async function deflated(data: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([data as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Returns parts behind each other. */
export function joined(parts: Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Returns the checksum at the end of a zlib stream. */
function adler32(data: Uint8Array): number {
  let low = 1;
  let high = 0;
  for (let start = 0; start < data.length; start += LARGEST) {
    const end = Math.min(start + LARGEST, data.length);
    for (let i = start; i < end; i++) {
      low += data[i];
      high += low;
    }
    low %= 65521;
    high %= 65521;
  }
  return ((high << 16) | low) >>> 0;
}
