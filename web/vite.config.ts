import { copyFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const DIST = "dist";
const ORT = "node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded";
const OWN_NAME = /new \w+\("ort\.wasm\.min\.mjs",\s*import\.meta\.url\)\.href/;
const FILES = { worker: "worker.js", mjs: "ort-wasm.js", wasm: "ort-wasm.wasm" }; // beside each other in dist

/**
 * Lets the built modules name the files beside them, in the form that bundlers know: `new URL("./x", import.meta.url)`.
 *
 * Written so in the source, Vite would put the files, 14 MB, into the module.
 */
function filesBeside(): Plugin {
  const at = (name: keyof typeof FILES): string => `__SKOSH_${name}__`;
  return {
    name: "files-beside",
    enforce: "pre",
    transform(code, id) {
      if (id.endsWith("/worker/launch.ts")) {
        return code.replace('new URL("./worker.ts", import.meta.url)', at("worker"));
      }
      if (id.endsWith("/bundle/runtime_files.ts")) {
        return `export const FILES = { mjs: ${at("mjs")}.href, wasm: ${at("wasm")}.href };`;
      }
      if (id.endsWith("/ort.wasm.min.mjs")) {
        return code.replace(OWN_NAME, "import.meta.url"); // webpack would look for that file
      }
      return undefined;
    },
    renderChunk(code) {
      const names = Object.keys(FILES) as (keyof typeof FILES)[];
      return names.reduce(
        (all, name) => all.replaceAll(at(name), `new URL("./${FILES[name]}", import.meta.url)`),
        code,
      );
    },
    closeBundle() {
      copyFileSync(`${ORT}.mjs`, join(DIST, FILES.mjs));
      copyFileSync(`${ORT}.wasm`, join(DIST, FILES.wasm));
    },
  };
}

const BROWSER = process.env.SKOSH_BROWSER !== undefined; // tests in Chromium instead of those in Node
const ENTRIES: Record<string, Record<string, string>> = {
  worker: { worker: "src/worker/worker.ts" }, // one file, for bundlers that make a script of it
  inside: { inside: "tests/browser/inside.ts" }, // for tests in a browser
};
const PAGE = { skosh: "src/index.ts", element: "src/element/element.ts", auto: "src/element/auto.ts" };

export default defineConfig(({ mode }) => ({
  plugins: mode === "test" ? [] : [filesBeside()],
  resolve: { conditions: mode === "test" ? [] : ["onnxruntime-web-use-extern-wasm"] }, // its files lie beside ours
  build: {
    lib: { entry: ENTRIES[mode] ?? PAGE, formats: ["es"] },
    rollupOptions: {
      output: { entryFileNames: "[name].js", chunkFileNames: "[name].js", codeSplitting: !(mode in ENTRIES) },
    },
    outDir: mode === "inside" ? "node_modules/.skosh" : DIST,
    emptyOutDir: mode !== "worker",
    minify: true,
    sourcemap: false,
    target: "es2022",
  },
  test: {
    globalSetup: ["tests/made.ts", ...(BROWSER ? ["tests/browser/build.ts"] : [])],
    include: [BROWSER ? "tests/browser/*.test.ts" : "tests/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    fileParallelism: false, // networks take all of a core, and memory
  },
}));
