/** Bundles that have been loaded by their addresses. */

import { load, type Bundle } from "../bundle/bundle.js";
import { fromUrl } from "../bundle/source.js";
import type { Watch } from "./boxes.js";

const loaded = new Map<string, Promise<Bundle>>(); // by address

/** Returns a bundle by its address, loaded once, or the one that is given. */
export async function bundleOf(bundle: Bundle | string | URL, { signal, progress }: Watch): Promise<Bundle> {
  if (typeof bundle !== "string" && !(bundle instanceof URL)) {
    return bundle;
  }
  const address = String(bundle);
  const found = loaded.get(address) ?? load(fromUrl(address), { progress: (share) => progress?.("bundle", share) });
  loaded.set(address, found); // no signal goes with it: others may wait for the same bundle
  found.catch(() => {
    if (loaded.get(address) === found) {
      loaded.delete(address); // the next call tries again
    }
  });
  return until(found, signal);
}

/** Waits for a result, or until the signal is aborted. */
async function until<T>(result: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (!signal) {
    return result;
  }
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([result, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
