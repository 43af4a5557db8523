/**
 * The range coder: symbols with integer frequencies to 32-bit words and back (arithmetic: `docs/format.md`).
 *
 * The state is 64 bits: `width` of the interval, and its `lower` end or the `offset` of the stream's point in it.
 * Numbers hold integers up to 2^53 exactly, so each is kept in two: `high` has the upper 48 bits, `low` the lower 16.
 * Every product and sum below stays under 2^53.
 */

import { FormatError } from "../errors.js";
import { TOTAL, type Model } from "./tables.js";

const LOW = 2 ** 16;
const HIGH = 2 ** 48;

/** Symbols to words. */
export class RangeEncoder {
  private words = new Uint32Array(1024);
  private count = 0; // of words that have been put out
  private lowerHigh = 0;
  private lowerLow = 0;
  private widthHigh = HIGH - 1; // of 2^64 - 1
  private widthLow = LOW - 1;

  /** Appends symbols, each within its table. */
  encode(model: Model, symbols: ArrayLike<number>): void {
    let { lowerHigh, lowerLow, widthHigh, widthLow } = this;
    for (let place = 0; place < symbols.length; place++) {
      const cumulative = model[symbols[place]];
      const frequency = model[symbols[place] + 1] - cumulative;
      const scale = Math.floor(widthHigh / 256); // width / 2^24, below 2^40
      const scaleHigh = Math.floor(scale / LOW);
      const scaleLow = scale - scaleHigh * LOW;

      // lower += scale * cumulative; width = scale * frequency
      let low = lowerLow + cumulative * scaleLow;
      let carry = Math.floor(low / LOW);
      lowerLow = low - carry * LOW;
      lowerHigh += cumulative * scaleHigh + carry;
      low = frequency * scaleLow;
      carry = Math.floor(low / LOW);
      widthLow = low - carry * LOW;
      widthHigh = frequency * scaleHigh + carry;

      if (lowerHigh >= HIGH) {
        lowerHigh -= HIGH;
        this.carry();
      }
      if (widthHigh < LOW) {
        const word = Math.floor(lowerHigh / LOW); // width < 2^32: the top word is final but for a carry
        this.put(word);
        lowerHigh = ((lowerHigh - word * LOW) * LOW + lowerLow) * LOW;
        lowerLow = 0;
        widthHigh = (widthHigh * LOW + widthLow) * LOW;
        widthLow = 0;
      }
    }
    Object.assign(this, { lowerHigh, lowerLow, widthHigh, widthLow });
  }

  /** Returns the words as bytes, little-endian, without zero bytes at the end. Nothing can be appended afterwards. */
  stream(): Uint8Array {
    if (this.count > 0 || this.widthHigh < HIGH - 1 || this.widthLow < LOW - 1) {
      let high = this.lowerHigh + LOW - 1 + Math.floor((this.lowerLow + LOW - 1) / LOW); // lower + 2^32 - 1
      if (high >= HIGH) {
        high -= HIGH;
        this.carry();
      }
      this.put(Math.floor(high / LOW));
    }
    const bytes = new Uint8Array(4 * this.count);
    const view = new DataView(bytes.buffer);
    for (let n = 0; n < this.count; n++) {
      view.setUint32(4 * n, this.words[n], true);
    }
    let end = bytes.length;
    while (end > 0 && bytes[end - 1] === 0) {
      end--;
    }
    return bytes.subarray(0, end);
  }

  private put(word: number): void {
    if (this.count === this.words.length) {
      const more = new Uint32Array(2 * this.count);
      more.set(this.words);
      this.words = more;
    }
    this.words[this.count++] = word;
  }

  /** Adds 1 to the number that the words form: the first word is never the last one to carry. */
  private carry(): void {
    let place = this.count - 1;
    while (this.words[place] === 2 ** 32 - 1) {
      this.words[place--] = 0;
    }
    this.words[place]++;
  }
}

/** Words to symbols. */
export class RangeDecoder {
  private next = 0; // byte of the next word
  private offsetHigh: number;
  private offsetLow: number;
  private widthHigh = HIGH - 1; // of 2^64 - 1
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
