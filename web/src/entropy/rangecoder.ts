/**
 * The range decoder: 32-bit words to symbols with integer frequencies (arithmetic: `docs/format.md`).
 *
 * The state is 64 bits: `width` of the interval, and `offset` of the stream's point in it. Numbers hold integers up to
 * 2^53 exactly, so each is kept in two: `high` has the upper 48 bits, `low` the lower 16. Every product and sum below
 * stays under 2^53.
 */

import { FormatError } from "../errors.js";
import { TOTAL, type Model } from "./tables.js";

const LOW = 2 ** 16;

export class RangeDecoder {
  private next = 0; // byte of the next word
  private offsetHigh: number;
  private offsetLow: number;
  private widthHigh = 2 ** 48 - 1; // of 2^64 - 1
  private widthLow = LOW - 1;

  /** `stream`: 32-bit words, little-endian. Bytes past its end are zeros. */
  constructor(private readonly stream: Uint8Array) {
    const first = this.word();
    const second = this.word();
    this.offsetHigh = first * LOW + (second >>> 16);
    this.offsetLow = second & 0xffff;
  }

  /** Returns the next `count` symbols. Throws FormatError where the words point outside of the table. */
  decode(model: Model, count: number): Int32Array {
    const found = new Int32Array(count);
    let { offsetHigh, offsetLow, widthHigh, widthLow } = this;
    for (let place = 0; place < count; place++) {
      const scale = Math.floor(widthHigh / 256); // width / 2^24, below 2^40
      const scaleHigh = Math.floor(scale / LOW);
      const scaleLow = scale - scaleHigh * LOW;

      // share = offset / scale. The quotient of rounded numbers can be off by one: the rest, which is exact, tells.
      let share = Math.floor((offsetHigh * LOW + offsetLow) / scale);
      const rest = (offsetHigh - share * scaleHigh) * LOW + (offsetLow - share * scaleLow);
      if (rest < 0) {
        share--;
      } else if (rest >= scale) {
        share++;
      }
      if (share >= TOTAL) {
        throw new FormatError("the entropy-coded data make no sense: the words point outside of the table");
      }
      const symbol = symbolAt(model, share);
      found[place] = symbol;

      // offset -= scale * cumulative; width = scale * frequency
      const cumulative = model[symbol];
      const frequency = model[symbol + 1] - cumulative;
      let low = offsetLow - cumulative * scaleLow;
      let carry = Math.floor(low / LOW);
      offsetLow = low - carry * LOW;
      offsetHigh = offsetHigh - cumulative * scaleHigh + carry;
      low = frequency * scaleLow;
      carry = Math.floor(low / LOW);
      widthLow = low - carry * LOW;
      widthHigh = frequency * scaleHigh + carry;

      if (widthHigh < LOW) {
        const word = this.word(); // width < 2^32: shift both left by 32 bits
        offsetHigh = (offsetHigh * LOW + offsetLow) * LOW + (word >>> 16);
        offsetLow = word & 0xffff;
        widthHigh = (widthHigh * LOW + widthLow) * LOW;
        widthLow = 0;
      }
    }
    Object.assign(this, { offsetHigh, offsetLow, widthHigh, widthLow });
    return found;
  }

  private word(): number {
    const { stream, next } = this;
    this.next = next + 4;
    const at = (i: number): number => (next + i < stream.length ? stream[next + i] : 0);
    return (at(0) | (at(1) << 8) | (at(2) << 16) | (at(3) << 24)) >>> 0;
  }
}

/** Returns the symbol whose share of the table holds `share`, by halving. */
function symbolAt(model: Model, share: number): number {
  let low = 0;
  let high = model.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (model[middle] <= share) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}
