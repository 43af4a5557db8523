/** Where work is done: in the worker, if there are some and the bundle is an address, else on this thread. */

import type { Bundle } from "../bundle/bundle.js";
import { settings } from "../settings.js";

/** Returns whether work with a bundle is done in the worker. */
export function inWorker(bundle: Bundle | string | URL): bundle is string | URL {
  const isAddress = typeof bundle === "string" || bundle instanceof URL;
  return isAddress && typeof Worker === "function" && typeof document === "object" && settings().worker !== false;
}

/** Returns an address as a worker needs it. */
export function absolute(address: string | URL): string {
  return String(globalThis.document ? new URL(address, document.baseURI) : address);
}
