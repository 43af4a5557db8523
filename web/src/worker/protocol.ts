/** Messages between a page and its worker. A job has a number; the worker does one at a time. */

import type { Stage } from "../codec/boxes.js";
import { BundleError, FormatError, LimitError, SkoshError, messageOf } from "../errors.js";
import type { Settings } from "../settings.js";

/** From the page: a job's kind is a row of the table in `worker.ts`, its argument whatever can be cloned. */
export type Order =
  | { readonly kind: "settings"; readonly settings: Settings }
  | { readonly kind: "job"; readonly id: number; readonly job: string; readonly argument: unknown }
  | { readonly kind: "abort"; readonly id: number };

/** To the page. Of the answers to a job, the last one is its result or an error. */
export type Answer =
  | { readonly kind: "progress"; readonly id: number; readonly stage: Stage; readonly share: number }
  | { readonly kind: "part"; readonly id: number; readonly value: unknown } // something that comes before the result
  | { readonly kind: "result"; readonly id: number; readonly value: unknown }
  | { readonly kind: "error"; readonly id: number; readonly error: SentError };

export interface SentError {
  readonly name: string;
  readonly message: string;
}

const KINDS: Record<string, new (message: string) => Error> = {
  SkoshError,
  FormatError,
  BundleError,
  LimitError,
  TypeError,
  RangeError,
};

/** Returns what is sent of an error. */
export function sent(error: unknown): SentError {
  return { name: error instanceof Error ? error.name : "SkoshError", message: messageOf(error) };
}

/** Returns an error of the class that was sent; SkoshError for one of another kind, such as memory that ran out. */
export function received({ name, message }: SentError): Error {
  const Kind = KINDS[name];
  return Kind ? new Kind(message) : new SkoshError(`${name}: ${message}`);
}
