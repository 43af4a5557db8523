/**
 * The tree of errors.
 *
 *     SkoshError
 *     ├── FormatError   bytes that are no .skosh file, or a damaged one
 *     ├── BundleError   a bundle that is missing, damaged or not the one a file asks for
 *     └── LimitError    something larger than the limits allow
 *
 * Wrong arguments are TypeError and RangeError. An aborted signal throws its own reason.
 */

/** Base class: a wrong file, bundle or limit. */
export class SkoshError extends Error {
  override name = "SkoshError";
}

/** Bytes that are no .skosh file, or a damaged one. */
export class FormatError extends SkoshError {
  override name = "FormatError";
}

/** A bundle that is missing, damaged or not the one a file asks for. */
export class BundleError extends SkoshError {
  override name = "BundleError";
}

/** Something larger than the limits allow. */
export class LimitError extends SkoshError {
  override name = "LimitError";
}

/** Returns what an error says, whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
