import { readFileSync } from "node:fs";
import { PNG } from "pngjs";
import { expect, test } from "vitest";
import { decode, info, load } from "../src/index.js";
import * as ort from "onnxruntime-web/wasm";
ort.env.wasm.numThreads = 1;
const root = new URL("../../", import.meta.url).pathname;
test("x", async () => {
  const b = await load(async (p) => readFileSync(`${root}src/skosh/models/flagship/${p}`));
  for (const n of ["cat", "rocket-low", "temple-tiles", "flower-alpha", "temple-grey"]) {
    const f = readFileSync(`${root}tests/golden/flagship-7a9a19dd53aee5d9/${n}.skosh`);
    console.log(info(f));
    const t = performance.now();
    const x = await decode(f, { bundle: b });
    const png = PNG.sync.read(readFileSync(`${root}tests/golden/flagship-7a9a19dd53aee5d9/${n}.png`));
    let w = 0, c = 0;
    for (let i = 0; i < x.data.length; i++) { const d = Math.abs(x.data[i] - png.data[i]); w = Math.max(w, d); c += d ? 1 : 0; }
    console.log(n, x.width, x.height, png.width, w, c, x.data.length, performance.now() - t);
  }
});
