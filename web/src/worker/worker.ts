/** The worker: does what a page asks for, one job after the other. */

import type { Watch } from "../codec/boxes.js";
import { decode, type DecodeOptions, type Picture } from "../codec/decoder.js";
import { encode, type EncodeOptions } from "../codec/encoder.js";
import type { Pixels } from "../codec/planes.js";
import { configure } from "../settings.js";
import { sent, type Answer, type Order } from "./protocol.js";

/** Gives the page something before the result; `transfer`: buffers that it keeps no copy of. */
type Give = (value: unknown, transfer: Transferable[]) => void;

/** Does a job. Returns its result and the buffers that go with it. */
type Job = (argument: never, watch: Watch, give: Give) => Promise<{ value: unknown; transfer: Transferable[] }>;

export interface DecodeArgument {
  readonly bytes: Uint8Array;
  readonly options: Omit<DecodeOptions, keyof Watch | "preview"> & { readonly preview: boolean };
}

export interface EncodeArgument {
  readonly image: Pixels;
  readonly options: Omit<EncodeOptions, keyof Watch>;
}

const JOBS: Record<string, Job> = {
  decode: async ({ bytes, options }: DecodeArgument, watch, give) => {
    const preview = options.preview ? (found: Picture): void => give(found, buffers(found)) : undefined;
    const value = await decode(bytes, { ...options, ...watch, preview });
    return { value, transfer: buffers(value) };
  },
  encode: async ({ image, options }: EncodeArgument, watch) => {
    const value = await encode(image, { ...options, ...watch });
    return { value, transfer: [value.buffer as ArrayBuffer] };
  },
};

function buffers({ data }: Picture): Transferable[] {
  return [data.buffer as ArrayBuffer];
}

const port = globalThis as unknown as {
  postMessage(answer: Answer, transfer?: Transferable[]): void;
  onmessage: (event: MessageEvent<Order>) => void;
};
const aborts = new Map<number, AbortController>(); // of jobs that are not done

port.onmessage = ({ data: order }) => {
  if (order.kind === "settings") {
    configure(order.settings);
  } else if (order.kind === "abort") {
    aborts.get(order.id)?.abort();
  } else {
    void answer(order.id, order.job, order.argument);
  }
};

async function answer(id: number, job: string, argument: unknown): Promise<void> {
  const abort = new AbortController();
  aborts.set(id, abort);
  const watch: Watch = {
    signal: abort.signal,
    progress: (stage, share) => port.postMessage({ kind: "progress", id, stage, share }),
  };
  const give: Give = (value, transfer) => port.postMessage({ kind: "part", id, value }, transfer);
  try {
    const { value, transfer } = await JOBS[job](argument as never, watch, give);
    port.postMessage({ kind: "result", id, value }, transfer);
  } catch (error) {
    port.postMessage({ kind: "error", id, error: sent(error) });
  }
  aborts.delete(id);
}
