/** A place in the bytes of a file. */

import { FormatError } from "../errors.js";

const VARINT_BYTES = 5;

export class Cursor {
  /** `base`: where `data` begins in the file, for messages. */
  constructor(
    readonly data: Uint8Array,
    public at = 0,
    readonly base = 0,
  ) {}

  /** Whether all bytes have been read. */
  get atEnd(): boolean {
    return this.at >= this.data.length;
  }

  /** The place in the file. */
  get place(): number {
    return this.base + this.at;
  }

  /** Reads up to `count` bytes, a view of the data: fewer at the end. */
  read(count: number): Uint8Array {
    const found = this.data.subarray(this.at, this.at + count);
    this.at += found.length;
    return found;
  }

  /** Reads a byte; -1 at the end. */
  byte(): number {
    return this.atEnd ? -1 : this.data[this.at++];
  }

  /**
   * Reads a number: 7 bits a byte, lowest first, with the high bit set on all bytes but the last.
   *
   * Throws FormatError for one that is cut short, longer than 5 bytes or not in its shortest form.
   */
  varint(): number {
    let value = 0;
    for (let i = 0; i < VARINT_BYTES; i++) {
      const byte = this.byte();
      if (byte < 0) {
        throw new FormatError("the file is cut short in a number");
      }
      value += (byte & 127) * 2 ** (7 * i);
      if (byte < 128) {
        if (i > 0 && byte === 0) {
          throw new FormatError(`byte ${this.place - 1}: a number is not in its shortest form`);
        }
        return value;
      }
    }
    throw new FormatError(`byte ${this.place - 1}: a number is too long`);
  }
}
