/** Serves the repository, the built package, the demonstration page and what Python made, from one origin, under a strict policy. */

import { createServer, type Server } from "node:http";
import { readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { PNG } from "pngjs";

import { ROOT } from "../making.js";

const TYPES: Record<string, string> = {
  ".css": "text/css",
  ".html": "text/html",
  ".jpg": "image/jpeg",
  ".js": "text/javascript",
  ".json": "application/json",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};
export const DEMO = "/docs/demo/"; // where the demonstration page lies
const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'";
const ISOLATED = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };
const PAGE = `<!doctype html><meta charset="utf-8"><title>skosh</title><link rel="icon" href="/empty.png">
<script type="module" src="/start.js"></script>`;
const START = `import "/dist/inside.js"; window.skosh = await import("/dist/skosh.js"); document.documentElement.className = "ready";`;

export interface Site {
  readonly origin: string;
  readonly asked: string[]; // paths, in the order of requests
  readonly pages: Map<string, string | Uint8Array>; // more files by their paths
  broken: RegExp | null; // paths that fail
  close(): Promise<void>;
}

/** Starts a server. `isolated`: pages may have threads. `made`: the folder of `scripts/web_cases.py`. */
export async function serve({ isolated, made }: { isolated: boolean; made: string | null }): Promise<Site> {
  const asked: string[] = [];
  const pages = new Map<string, string | Uint8Array>([
    ["/page.html", PAGE],
    ["/start.js", START],
    ["/empty.png", ""],
  ]);
  const content = async (path: string): Promise<Uint8Array | string> => {
    const page = pages.get(path);
    if (page !== undefined) {
      return page;
    }
    if (path === "/dist/inside.js") {
      return readFile(join(ROOT, "web", "node_modules", ".skosh", "inside.js"));
    }
    if (path.startsWith(DEMO)) {
      return readFile(join(ROOT, "web", "demo", "dist", path.slice(DEMO.length) || "index.html"));
    }
    if (path.endsWith(".png.rgba")) {
      return PNG.sync.read(await readFile(join(ROOT, path.slice(0, -5)))).data;
    }
    const [, first, ...rest] = path.split("/");
    const folder = first === "dist" ? join(ROOT, "web", "dist") : first === "made" && made ? made : join(ROOT, first);
    return readFile(join(folder, ...rest));
  };
  const site: Omit<Site, "origin"> = {
    asked,
    pages,
    broken: null,
    close: () => new Promise((resolve) => void (server.closeAllConnections(), server.close(() => resolve()))),
  };
  const server: Server = createServer((request, response) => {
    const path = new URL(request.url ?? "", "http://x").pathname;
    asked.push(path);
    const headers = {
      "Content-Type": TYPES[path === DEMO ? ".html" : extname(path)] ?? "application/octet-stream",
      "Content-Security-Policy": POLICY,
      "Cache-Control": "no-store", // what is not fetched again was kept by the package, not by HTTP
      ...(isolated ? ISOLATED : {}),
    };
    if (site.broken?.test(path)) {
      response.writeHead(503).end();
      return;
    }
    content(path).then(
      (found) => response.writeHead(200, headers).end(found),
      () => response.writeHead(404, headers).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return Object.assign(site, { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}
