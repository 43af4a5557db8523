/** What runs in the page. `window.inside` has it; `window.skosh` is the built package. */

import { load, type Bundle } from "../../src/bundle/bundle.js";
import { canonical } from "../../src/bundle/manifest.js";
import { fromUrl } from "../../src/bundle/source.js";
import type * as Skosh from "../../src/index.js";
import { apart, symbolHash } from "../comparing.js";
import { CHECKS, type Expect } from "../vector_checks.js";

export interface Outcome {
  readonly kind: string; // the name of the class: "Picture", or that of an error
  readonly message: string;
  readonly seconds: number;
}

declare global {
  interface Window {
    skosh: typeof Skosh;
    inside: typeof inside;
  }
}

async function bytesOf(address: string): Promise<Uint8Array> {
  const response = await fetch(address);
  if (!response.ok) {
    throw new Error(`${address}: ${response.status}`);
  }
  return new Uint8Array(await response.arrayBuffer());
}

const bundles = new Map<string, Promise<Bundle>>();

function bundleAt(folder: string): Promise<Bundle> {
  const found = bundles.get(folder) ?? load(fromUrl(folder));
  bundles.set(folder, found);
  return found;
}

function assert(holds: boolean, about: string): void {
  if (!holds) {
    throw new Error(about);
  }
}

/** Vitest's assertions, as far as `vector_checks.ts` needs them. */
const expect: Expect = (found, about = "") => ({
  toBe: (due) => assert(Object.is(found, due), `${about}: ${String(found)} is not ${String(due)}`),
  toEqual: (due) => assert(canonical(found) === canonical(due), `${about}: another value`),
  toThrow: (Kind) => {
    let error: unknown;
    try {
      (found as () => void)();
    } catch (thrown) {
      error = thrown;
    }
    assert(error instanceof Kind, `${about}: ${String(error)} is no ${Kind.name}`);
  },
  toBeGreaterThan: (least) => assert((found as number) > least, `${about}: ${String(found)} is at most ${least}`),
  toBeLessThan: (most) => assert((found as number) < most, `${about}: ${String(found)} is at least ${most}`),
  toBeLessThanOrEqual: (most) => assert((found as number) <= most, `${about}: ${String(found)} is over ${most}`),
});

const inside = {
  checks: Object.keys(CHECKS),

  /** Holds this browser to a stage of the vectors. */
  check: (name: string): Promise<void> =>
    CHECKS[name]({
      expect,
      vectors: async (stage) => JSON.parse(new TextDecoder().decode(await bytesOf(`/spec/vectors/${stage}.json`))),
      vectorFile: (file) => bytesOf(`/spec/vectors/${file}`),
      bundleOf: (stage) => bundleAt(`/${stage.bundle}`),
    }),

  /** The SHA-256 of a file's symbols. */
  symbols: async (file: string, folder: string): Promise<string> =>
    symbolHash(await bytesOf(file), await bundleAt(folder)),

  /** Decodes a file in the worker, and compares it with pixels; `most` and `share` are as `apart` has them. */
  compare: async (
    file: string,
    due: string,
    options: Skosh.Options,
  ): Promise<{ most: number; share: number; width: number; height: number }> => {
    const picture = await window.skosh.decode(await bytesOf(file), options);
    const found = apart(picture.data, await bytesOf(due));
    return { ...found, width: picture.width, height: picture.height };
  },

  /** What decoding ends with. */
  outcome: async (bytes: number[] | string, options: Skosh.Options): Promise<Outcome> => {
    const data = typeof bytes === "string" ? await bytesOf(bytes) : Uint8Array.from(bytes);
    const start = performance.now();
    const end = (kind: string, message = ""): Outcome => ({
      kind,
      message,
      seconds: (performance.now() - start) / 1e3,
    });
    return window.skosh.decode(data, options).then(
      () => end("Picture"),
      (error: Error) => end(error instanceof window.skosh.SkoshError ? "SkoshError" : error.name, error.message),
    );
  },

  /** The longest time, in seconds, for which the page's own thread stood still while something was done. */
  stillness: async <T>(work: () => Promise<T>): Promise<{ value: T; longest: number }> => {
    let [last, longest] = [performance.now(), 0];
    const look = (): void => {
      const now = performance.now();
      longest = Math.max(longest, now - last);
      last = now;
    };
    const timer = setInterval(look, 10);
    const value = await work();
    look();
    clearInterval(timer);
    return { value, longest: longest / 1e3 };
  },

  bytesOf,
};

window.inside = inside;
