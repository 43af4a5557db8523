/** The networks of a bundle in ONNX Runtime's WASM build, each opened on its first run. */

import type * as Ort from "onnxruntime-web/wasm";

import { Planes, type Tensor } from "../arrays.js";
import { BundleError, messageOf } from "../errors.js";
import { pathOf } from "./graphs.js";
import type { Model, Networks } from "./networks.js";
import { runtime } from "./runtime.js";

const OPTIONS: Ort.InferenceSession.SessionOptions = {
  executionProviders: ["wasm"],
  graphOptimizationLevel: "all",
  // Memory for one size of picture would be kept, and a WASM's memory never shrinks.
  enableCpuMemArena: false,
  enableMemPattern: false,
  logSeverityLevel: 3,
};

export class Sessions implements Networks {
  private readonly opened = new Map<string, Promise<Ort.InferenceSession>>();

  constructor(private readonly model: Model) {}

  async run(graph: string, inputs: readonly Tensor[], only?: readonly number[]): Promise<Tensor[]> {
    const session = await this.session(graph);
    const ort = await runtime();
    if (session.inputNames.length !== inputs.length) {
      throw new BundleError(`${pathOf(graph)} takes ${session.inputNames.length} inputs, not ${inputs.length}`);
    }
    if (only && only.length > session.outputNames.length) {
      throw new BundleError(`${pathOf(graph)} gives ${session.outputNames.length} outputs, not ${only.length}`);
    }
    const feeds: Record<string, Ort.Tensor> = {};
    inputs.forEach((input, i) => {
      const shape = [1, input.channels, input.height, input.width];
      feeds[session.inputNames[i]] = new ort.Tensor("float32", input.data, shape);
    });
    const names = only ? only.map((place) => session.outputNames[place]) : session.outputNames;
    const outputs = await inTurn(() => session.run(feeds, names)).catch((error: unknown) => {
      throw new BundleError(`can't run ${pathOf(graph)} of the bundle: ${messageOf(error)}`, { cause: error });
    });
    return names.map((name) => tensorOf(graph, outputs[name]));
  }

  async close(): Promise<void> {
    const sessions = [...this.opened.values()];
    this.opened.clear();
    await Promise.all(sessions.map(async (session) => (await session).release()));
  }

  private session(graph: string): Promise<Ort.InferenceSession> {
    const found = this.opened.get(graph) ?? this.open(graph);
    this.opened.set(graph, found);
    return found;
  }

  private async open(graph: string): Promise<Ort.InferenceSession> {
    try {
      const model = await this.model(graph);
      return await (await runtime()).InferenceSession.create(model, OPTIONS);
    } catch (error) {
      this.opened.delete(graph); // the next run tries again
      throw error instanceof BundleError
        ? error
        : new BundleError(`can't load ${pathOf(graph)} of the bundle: ${messageOf(error)}`, { cause: error });
    }
  }
}

function tensorOf(graph: string, value: Ort.OnnxValue): Tensor {
  const [one, channels, height, width] = value.dims;
  if (value.type !== "float32" || value.dims.length !== 4 || one !== 1) {
    throw new BundleError(`${pathOf(graph)} of the bundle gives ${value.type} of ${value.dims.join("x")}`);
  }
  return new Planes(value.data as Float32Array, channels, height, width);
}

let last: Promise<unknown> = Promise.resolve();

/**
 * Runs work after all that was asked for before: ONNX Runtime's one instance of WebAssembly fails on runs that overlap.
 * Messages and timers get their turn between two runs, so that a call can be given up.
 */
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const found = last.then(() => new Promise((resolve) => setTimeout(resolve))).then(work);
  last = found.catch(() => undefined);
  return found;
}
