/** Makes the page work without a network: its own files by the service worker, the model's by the package. */

import { decode, encode } from "skosh";

import { part } from "./elements.js";
import { MODEL } from "./opening.js";
import { idle } from "./work.js";

const RELOADED = "skosh-reloaded"; // in the session's storage: the page has been loaded again for threads

/**
 * Sets up the service worker, then fetches the model.
 *
 * The worker gives the page the headers that threads need, if the host does not: that takes loading it once more, which
 * is done while it `isUnused`.
 */
export async function opensOffline(isUnused: () => boolean): Promise<void> {
  if (!("serviceWorker" in navigator)) {
    return; // an insecure page, or a private window
  }
  try {
    await navigator.serviceWorker.register("./sw.js");
    await navigator.serviceWorker.ready;
    await controlled();
  } catch (error) {
    console.warn("no service worker, so no page without a network:", error);
    return;
  }
  if (!crossOriginIsolated && isUnused() && !sessionStorage.getItem(RELOADED)) {
    sessionStorage.setItem(RELOADED, "yes");
    location.reload();
    return;
  }
  if (!savesData()) {
    await fetchModel().then(
      () => (part("offline").textContent = "This page now works without a network."),
      (error: unknown) => console.warn("the model is not there yet:", error), // whoever needs it is told
    );
  }
}

/** Waits until the service worker answers for the page. */
async function controlled(): Promise<void> {
  if (!navigator.serviceWorker.controller) {
    await new Promise<void>((resolve) =>
      navigator.serviceWorker.addEventListener("controllerchange", () => resolve(), { once: true }),
    );
  }
}

/** Uses every network of the model once, for a picture of a few pixels: so all are there, and kept. Users go first. */
async function fetchModel(): Promise<void> {
  const black = new Uint8ClampedArray(4 * 8 * 8).map((_, i) => (i % 4 < 3 ? 0 : 255));
  await idle();
  const bytes = await encode(new ImageData(black, 8, 8), { bundle: MODEL });
  for (const options of [{ scale: 1 / 8 }, { realism: 1 }]) {
    await idle();
    await decode(bytes, { bundle: MODEL, ...options });
  }
}

function savesData(): boolean {
  const { connection } = navigator as { connection?: { saveData?: boolean } };
  return connection?.saveData === true;
}
