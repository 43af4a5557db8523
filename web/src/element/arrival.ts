/** A file on its way: its size is known once the first bytes are there. */

import { readSize, type Header } from "../container/chunks.js";
import { joined } from "../container/inflate.js";
import { FormatError, LimitError, SkoshError } from "../errors.js";
import { MAX_FILE } from "../limits.js";

const START = 64; // bytes; a header has fewer

/**
 * Fetches a file. `size`: called with its header as soon as it has come.
 *
 * Throws FormatError for a foreign file, before the rest of it has come, LimitError for one that is too long, SkoshError
 * where the server refuses it, TypeError where there is no network, and the signal's reason.
 */
export async function fetchFile(
  address: string,
  size: (header: Header) => void,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const response = await fetch(address, { signal });
  if (!response.ok || !response.body) {
    throw new SkoshError(`can't fetch ${address}: ${response.status} ${response.statusText}`);
  }
  const reader = response.body.getReader();
  const parts: Uint8Array[] = [];
  let [length, known] = [0, false];
  for (;;) {
    const { done, value } = await reader.read();
    length += value?.length ?? 0;
    if (value) {
      parts.push(value);
    }
    if (!known && (done || length >= START)) {
      known = true;
      try {
        size(readSize(joined(parts)));
      } catch (error) {
        await reader.cancel();
        throw error;
      }
    }
    if (length > MAX_FILE) {
      await reader.cancel();
      throw new LimitError(`${address} is over the limit of ${MAX_FILE} bytes`);
    }
    if (done) {
      return length > 0 ? joined(parts) : failed(address);
    }
  }
}

function failed(address: string): never {
  throw new FormatError(`${address} is empty`);
}
