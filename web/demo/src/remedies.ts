/** Errors in words, with what to do. */

import { BundleError, FormatError, LimitError } from "skosh";

import { UnreadableError } from "./photograph.js";
import { OtherModelError } from "./opening.js";

/** Returns whether an error is the file's own: the same file will never open here. */
export function isAtFault(error: unknown): boolean {
  return [FormatError, UnreadableError, OtherModelError].some((Kind) => error instanceof Kind);
}

/** Returns what an error says, as a sentence, and its remedy; what is `typed` stands between backticks. */
export function told(error: unknown): { text: string; remedy: string } {
  const said = error instanceof Error ? error.message : String(error);
  return { text: `${said.charAt(0).toUpperCase()}${said.slice(1)}.`, remedy: remedyOf(error) };
}

function remedyOf(error: unknown): string {
  if (error instanceof OtherModelError) {
    return "Decode it on a computer that has this model: `skosh decompress`.";
  }
  if (error instanceof FormatError) {
    return "Copy or download the file again. On a computer, `skosh decompress --salvage` shows what is left of a damaged one.";
  }
  if (error instanceof UnreadableError) {
    return "Save it as JPEG, PNG or WebP with another program, and choose that. A .skosh file must begin as one.";
  }
  if (error instanceof BundleError) {
    return "The model is fetched when it is needed first: check the network, then reload the page.";
  }
  if (error instanceof LimitError || error instanceof RangeError) {
    return "Choose a smaller longest side, or close other pages to free memory.";
  }
  return "Reload the page and try again.";
}
