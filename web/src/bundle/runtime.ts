/** ONNX Runtime's WASM build, loaded and set up on its first use. */

import type * as Ort from "onnxruntime-web/wasm";

import { settings } from "../settings.js";
import { FILES } from "./runtime_files.js";

const MOST_THREADS = 4; // more do not pay

let loaded: Promise<typeof Ort> | undefined;

/** Returns ONNX Runtime. */
export function runtime(): Promise<typeof Ort> {
  loaded ??= import("onnxruntime-web/wasm").then((ort) => {
    const { threads, wasmPaths } = settings();
    const paths = wasmPaths ?? FILES;
    if (paths !== undefined) {
      ort.env.wasm.wasmPaths = paths;
    }
    const count = threads ?? threadsHere();
    if (count !== undefined) {
      ort.env.wasm.numThreads = count;
    }
    return ort;
  });
  return loaded;
}

/** Returns how many threads a page may use. Threads share memory, which takes an isolated page. Node: ONNX's choice. */
function threadsHere(): number | undefined {
  const { crossOriginIsolated, navigator } = globalThis;
  if (crossOriginIsolated === undefined) {
    return undefined;
  }
  return crossOriginIsolated ? Math.min(navigator.hardwareConcurrency || 1, MOST_THREADS) : 1;
}
