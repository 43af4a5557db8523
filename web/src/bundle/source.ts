/** Where the files of a bundle come from, and the hashes that they must have. */

import { joined } from "../container/inflate.js";
import { hex } from "../container/chunks.js";
import { BundleError, messageOf } from "../errors.js";
import { MAX_BUNDLE_FILE } from "../limits.js";
import { byAddress, byHash } from "./cache.js";

/** Returns the bytes of a bundle's file by its path in the bundle, such as `decoder/tables.npz`, and its hash if known. */
export type Source = (path: string, signal?: AbortSignal, hash?: string) => Promise<Uint8Array>;

/** Returns a source that fetches the files below an address, each once: the browser keeps them (`cache.ts`). */
export function fromUrl(base: string | URL): Source {
  const folder = String(base).replace(/\/*$/, "/");
  return (path, signal, hash) => {
    const fetched = (): Promise<Uint8Array> => fetchFile(folder + path, path, signal);
    return hash ? byHash(hash, fetched) : byAddress(folder + path, fetched);
  };
}

async function fetchFile(address: string, path: string, signal?: AbortSignal): Promise<Uint8Array> {
  const response = await fetch(address, { signal: signal ?? null });
  if (!response.ok || !response.body) {
    throw new BundleError(`can't fetch ${address}: ${response.status} ${response.statusText}`);
  }
  return bounded(response.body, MAX_BUNDLE_FILE, path);
}

/** Reads a stream to its end. Throws BundleError for more bytes than `most`. */
async function bounded(body: ReadableStream<Uint8Array>, most: number, path: string): Promise<Uint8Array> {
  const reader = body.getReader();
  const parts: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      return joined(parts);
    }
    size += value.length;
    if (size > most) {
      await reader.cancel();
      throw new BundleError(`${path} of the bundle is over the limit of ${most} bytes`);
    }
    parts.push(value);
  }
}

/**
 * Returns the bytes of a bundle's file.
 *
 * Throws BundleError if it is not in the manifest, can't be had, is too large, or differs from the manifest's hash.
 */
export async function content(
  source: Source,
  files: ReadonlyMap<string, string>,
  path: string,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const due = files.get(path);
  if (due === undefined) {
    throw new BundleError(`the bundle has no ${path}`);
  }
  const found = await given(source, path, signal, due);
  if (found.length > MAX_BUNDLE_FILE) {
    throw new BundleError(`${path} of the bundle is over the limit of ${MAX_BUNDLE_FILE} bytes`);
  }
  if ((await sha256(found)) !== due) {
    throw new BundleError(`${path} of the bundle is damaged: its hash is not the manifest's`);
  }
  return found;
}

/** Returns what a source gives. Its errors become BundleErrors, but for those of the signal. */
export async function given(source: Source, path: string, signal?: AbortSignal, hash?: string): Promise<Uint8Array> {
  signal?.throwIfAborted();
  try {
    return await source(path, signal, hash);
  } catch (error) {
    signal?.throwIfAborted();
    throw error instanceof BundleError
      ? error
      : new BundleError(`can't get ${path} of the bundle: ${messageOf(error)}`, { cause: error });
  }
}

/** Returns the SHA-256 of bytes in hexadecimal digits. Browsers have it in secure contexts alone. */
export async function sha256(data: Uint8Array): Promise<string> {
  if (!globalThis.crypto?.subtle) {
    throw new BundleError("hashes can't be checked here: serve the page by HTTPS, or from localhost");
  }
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", data as Uint8Array<ArrayBuffer>)));
}
