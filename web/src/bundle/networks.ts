/** How the networks of a bundle run: in ONNX Runtime (`onnx.ts`), or in whatever else offers this. */

import type { Tensor } from "../arrays.js";

export interface Networks {
  /**
   * Runs a network.
   *
   * `inputs`: in the order of Python's `bundle/graphs.py`. `only`: the places of the outputs to give, by default all
   * that the graph has. Throws BundleError where it fails.
   */
  run(graph: string, inputs: readonly Tensor[], only?: readonly number[]): Promise<Tensor[]>;

  /** Frees memory. A later run opens the network again. */
  close(): Promise<void>;
}

/** Returns the bytes of a graph's file. */
export type Model = (graph: string) => Promise<Uint8Array>;
