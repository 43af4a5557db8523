/**
 * Files of bundles, kept by the browser: each is fetched once, by its hash, whatever its address.
 *
 * What comes out of the cache is checked like what is fetched: it may be damaged, or written by another script of the
 * origin. The manifest has no hash. It is fetched each time, and the kept one serves where that fails: offline.
 */

import { sha256 } from "./source.js";

const NAME = "skosh-bundles"; // `caches.delete("skosh-bundles")` frees the space
const FOLDER = "/.skosh-bundles/"; // keys are addresses; nothing is fetched from these

type Fetch = () => Promise<Uint8Array>;

/** Returns the bytes of a hash, kept or fetched. What is fetched is kept if the hash is right; whoever asks checks it. */
export async function byHash(hash: string, fetched: Fetch): Promise<Uint8Array> {
  const cache = await opened();
  const kept = await bytesAt(cache, key(hash));
  if (kept) {
    if ((await sha256(kept)) === hash) {
      return kept;
    }
    await cache?.delete(key(hash)).catch(() => false);
  }
  const found = await fetched();
  if (cache && (await sha256(found)) === hash) {
    await keep(cache, key(hash), found);
  }
  return found;
}

/** Returns what is fetched from an address now; where that fails, what was the last time. */
export async function byAddress(address: string, fetched: Fetch): Promise<Uint8Array> {
  const cache = await opened();
  try {
    const found = await fetched();
    await keep(cache, key(encodeURIComponent(address)), found);
    return found;
  } catch (error) {
    const kept = await bytesAt(cache, key(encodeURIComponent(address)));
    if (kept) {
      return kept;
    }
    throw error;
  }
}

/** Returns the cache; undefined where there is none: in Node, in insecure and private pages. */
async function opened(): Promise<Cache | undefined> {
  try {
    return await globalThis.caches?.open(NAME);
  } catch {
    return undefined;
  }
}

function key(name: string): string {
  return FOLDER + name; // below the origin
}

async function bytesAt(cache: Cache | undefined, address: string): Promise<Uint8Array | undefined> {
  try {
    const response = await cache?.match(address);
    return response && new Uint8Array(await response.arrayBuffer());
  } catch {
    return undefined; // unreadable is as good as missing
  }
}

async function keep(cache: Cache | undefined, address: string, bytes: Uint8Array): Promise<void> {
  try {
    await cache?.put(address, new Response(bytes as Uint8Array<ArrayBuffer>));
  } catch {
    // no space is left: then it is fetched again
  }
}
