/**
 * The service worker: keeps the page's own files, and isolates the page, which threads need.
 *
 * The build puts in the files and their version. The model is not among them: the package keeps it itself.
 */

/// <reference lib="webworker" />

declare const __FILES__: readonly string[]; // relative to this script
declare const __VERSION__: string; // of their contents

const scope = self as unknown as ServiceWorkerGlobalScope;
const PREFIX = "skosh-demo-";
const NAME = PREFIX + __VERSION__;
const HEADERS = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
};

scope.addEventListener("install", (event) => event.waitUntil(install()));
scope.addEventListener("activate", (event) => event.waitUntil(activate()));
scope.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method === "GET" && new URL(request.url).origin === scope.location.origin) {
    event.respondWith(answer(request));
  }
});

async function install(): Promise<void> {
  const cache = await caches.open(NAME);
  await cache.addAll(__FILES__.map((path) => new Request(path, { cache: "reload" }))); // not what HTTP has kept
  await scope.skipWaiting();
}

async function activate(): Promise<void> {
  const names = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== NAME);
  await Promise.all(names.map((name) => caches.delete(name)));
  await scope.clients.claim();
}

/** Returns what is kept, else what the network gives. */
async function answer(request: Request): Promise<Response> {
  const cache = await caches.open(NAME);
  const kept = await cache.match(request, { ignoreSearch: true, ignoreVary: true });
  return isolated(kept ?? (await fetch(request)));
}

function isolated(response: Response): Response {
  if (response.status === 0 || response.status === 304) {
    return response; // opaque, or without a body: can't be copied
  }
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(HEADERS)) {
    headers.set(name, value);
  }
  const { status, statusText } = response;
  return new Response(response.body, { status, statusText, headers });
}
