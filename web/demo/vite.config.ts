/** Builds the demonstration page: its own files, the package as it is served (`../dist`), and the shipped model. */

import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { defineConfig, type Plugin } from "vite";

const HERE = import.meta.dirname;
const OUT = join(HERE, "dist");
const PACKAGE = join(HERE, "..", "dist");
const BUNDLE = join(HERE, "..", "..", "src", "skosh", "models", "skosh");
const MODEL: string = JSON.parse(readFileSync(join(BUNDLE, "manifest.json"), "utf8")).model_id;
const USED = [
  ...["mean_first.onnx", "mean_second.onnx", "synthesis.onnx", "tables.npz", "wiener.onnx"].map((n) => `decoder/${n}`),
  ...["analysis.onnx", "hyper_analysis.onnx", "tables.npz"].map((n) => `encoder/${n}`),
  ...["detail.onnx", "small_8.onnx"].map((n) => `heads/${n}`),
];

/** Copies the package and what the page needs of the model, then tells the service worker what there is. */
function complete(): Plugin {
  return {
    name: "complete",
    closeBundle() {
      if (!existsSync(join(PACKAGE, "worker.js"))) {
        throw new Error("the package is not built: npm run build");
      }
      cpSync(PACKAGE, join(OUT, "skosh"), { recursive: true, filter: (path) => !path.endsWith("types") });
      for (const path of ["manifest.json", ...USED.filter((path) => existsSync(join(BUNDLE, path)))]) {
        const target = join(OUT, "models", MODEL, path);
        mkdirSync(dirname(target), { recursive: true });
        cpSync(join(BUNDLE, path), target);
      }
      const own = filesIn(OUT).filter((path) => path !== "sw.js" && !path.startsWith("models/"));
      const hash = createHash("sha256");
      own.forEach((path) => hash.update(path).update(readFileSync(join(OUT, path))));
      const names = own.map((path) => (path === "index.html" ? "./" : `./${path}`));
      const script = readFileSync(join(OUT, "sw.js"), "utf8");
      const values = { __FILES__: names, __VERSION__: hash.digest("hex").slice(0, 16) };
      writeFileSync(
        join(OUT, "sw.js"),
        Object.entries(values).reduce((text, [name, value]) => text.replaceAll(name, JSON.stringify(value)), script),
      );
    },
  };
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

const HEADERS = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };

export default defineConfig({
  root: HERE,
  base: "./", // the page can lie in any folder
  define: { __MODEL__: JSON.stringify(MODEL) },
  plugins: [complete()],
  build: {
    outDir: OUT,
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    rollupOptions: {
      input: { page: join(HERE, "index.html"), sw: join(HERE, "sw", "sw.ts") },
      external: ["skosh"],
      output: {
        paths: { skosh: "../skosh/skosh.js" },
        entryFileNames: ({ name }) => (name === "sw" ? "sw.js" : "assets/[name]-[hash].js"),
        assetFileNames: "assets/[name]-[hash][extname]",
      },
    },
  },
  preview: { headers: HEADERS },
});
