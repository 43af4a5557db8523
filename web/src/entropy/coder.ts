/**
 * The entropy coder: integers to a tile's stream and back. It sees symbols, scale indices and tables, nothing else.
 *
 * One stream holds, in this order: z, channel by channel in raster order; q, grouped by scale index from 1 up, each
 * group in the raster order of (channel, row, column); the values of escaped symbols; the tile's Wiener filter. Elements
 * at scale index 0 are 0 and not coded.
 */

import { FormatError } from "../errors.js";
import { Planes } from "../arrays.js";
import { RangeDecoder, RangeEncoder } from "./rangecoder.js";
import { HYPER_LIMIT, SCALES, uniform, type Model } from "./tables.js";

const ESCAPE_BITS = 16; // most bits of an escaped symbol's distance from its table
export const SYMBOL_MAX = 32_767; // the largest magnitude of a symbol
const LOW_BITS = 12; // most bits that are written at once

const UNIFORM = new Map(Array.from({ length: LOW_BITS + 1 }, (_, bits) => [2 ** bits, uniform(2 ** bits)]));

/** The tables of a quality. */
export interface Models {
  readonly z: readonly Model[]; // one per channel of z
  readonly q: readonly Model[]; // one per scale index, the last symbol of each is the escape; none without a hyperprior
  readonly wiener: readonly Model[]; // one per coefficient of a Wiener filter; none where the bundle has no filter
}

interface Escapes {
  readonly reach: number;
  readonly places: number[];
}

/** Collects symbols and returns the bytes of the stream. */
export class Writer {
  private readonly coder = new RangeEncoder();

  constructor(private readonly models: Models) {}

  /** Appends z (N, h, w), within -HYPER_LIMIT..HYPER_LIMIT. */
  putZ(z: Planes<Int32Array>): void {
    const size = z.height * z.width;
    this.models.z.forEach((model, channel) => {
      const plane = z.data.subarray(channel * size, (channel + 1) * size);
      this.coder.encode(
        model,
        plane.map((symbol) => symbol + HYPER_LIMIT),
      );
    });
  }

  /** Appends q (M, H, W), within -SYMBOL_MAX..SYMBOL_MAX and 0 where its scale index is 0. */
  putQ(q: Planes<Int16Array>, index: Planes<Uint8Array>): void {
    const { places, ends } = grouped(index.data);
    const escaped: { value: number; reach: number }[] = [];
    for (let i = 1; i < SCALES; i++) {
      const model = this.models.q[i];
      const reach = reachOf(model);
      const symbols = Int32Array.from(places.subarray(ends[i - 1], ends[i]), (place) => {
        const value = q.data[place];
        if (Math.abs(value) <= reach) {
          return value + reach;
        }
        escaped.push({ value, reach });
        return 2 * reach + 1;
      });
      this.coder.encode(model, symbols);
    }
    escaped.forEach(({ value, reach }) => this.putEscaped(value, reach));
  }

  /** Appends that the tile has no Wiener filter, where the bundle has one. */
  putNoCoefficients(): void {
    if (this.models.wiener.length > 0) {
      this.putUniform(0, 2);
    }
  }

  /** Returns the bytes. Nothing can be appended afterwards. */
  stream(): Uint8Array {
    return this.coder.stream();
  }

  /** Appends a sign, then the distance in Elias gamma code: the number of its bits, then all but the first. */
  private putEscaped(value: number, reach: number): void {
    const distance = Math.abs(value) - reach;
    const bits = 31 - Math.clz32(distance);
    this.putUniform(value < 0 ? 1 : 0, 2);
    this.putUniform(bits, ESCAPE_BITS);
    for (let low = 0; low < bits; low += LOW_BITS) {
      const part = Math.min(LOW_BITS, bits - low);
      this.putUniform((distance >> low) & (2 ** part - 1), 2 ** part);
    }
  }

  private putUniform(value: number, size: number): void {
    this.coder.encode(UNIFORM.get(size) as Model, [value]);
  }
}

/** Takes symbols out of a stream, in the order of writing. Throws FormatError where that is impossible. */
export class Reader {
  private readonly coder: RangeDecoder;

  constructor(
    private readonly models: Models,
    stream: Uint8Array,
  ) {
    this.coder = new RangeDecoder(stream);
  }

  /** Takes z (N, h, w). */
  takeZ(height: number, width: number): Planes<Int32Array> {
    const size = height * width;
    const z = new Int32Array(this.models.z.length * size);
    this.models.z.forEach((model, channel) => z.set(this.coder.decode(model, size), channel * size));
    for (let i = 0; i < z.length; i++) {
      z[i] -= HYPER_LIMIT;
    }
    return new Planes(z, this.models.z.length, height, width);
  }

  /** Takes q, shaped as its scale indices (M, H, W). */
  takeQ(index: Planes<Uint8Array>): Planes<Int16Array> {
    const q = new Int16Array(index.data.length);
    const { places, ends } = grouped(index.data);
    const escapes: Escapes[] = [];
    for (let i = 1; i < SCALES; i++) {
      const group = places.subarray(ends[i - 1], ends[i]);
      if (group.length > 0) {
        escapes.push(this.takeGroup(this.models.q[i], group, q));
      }
    }
    for (const { reach, places: escaped } of escapes) {
      for (const place of escaped) {
        q[place] = this.takeEscaped(reach);
      }
    }
    return new Planes(q, index.channels, index.height, index.width);
  }

  /** Takes the coefficients of the tile's Wiener filter; null where it has none. */
  takeCoefficients(): Int32Array | null {
    const { wiener } = this.models;
    if (wiener.length === 0 || this.takeUniform(2) === 0) {
      return null;
    }
    return Int32Array.from(wiener, (model) => this.coder.decode(model, 1)[0] - HYPER_LIMIT);
  }

  /** Takes the elements of a scale index into their places in q. Returns the places of escaped ones. */
  private takeGroup(model: Model, group: Uint32Array, q: Int16Array): Escapes {
    const reach = reachOf(model);
    const escape = 2 * reach + 1;
    const symbols = this.coder.decode(model, group.length);
    const places: number[] = [];
    for (let k = 0; k < group.length; k++) {
      if (symbols[k] === escape) {
        places.push(group[k]);
      } else {
        q[group[k]] = symbols[k] - reach;
      }
    }
    return { reach, places };
  }

  /** Takes a sign, then the distance in Elias gamma code: the number of its bits, then all but the first. */
  private takeEscaped(reach: number): number {
    const negative = this.takeUniform(2);
    const bits = this.takeUniform(ESCAPE_BITS);
    let distance = 1 << bits;
    for (let low = 0; low < bits; low += LOW_BITS) {
      distance |= this.takeUniform(1 << Math.min(LOW_BITS, bits - low)) << low;
    }
    const size = reach + distance;
    if (size > SYMBOL_MAX) {
      throw new FormatError(`the entropy-coded data make no sense: a symbol of ${size}`);
    }
    return negative ? -size : size;
  }

  private takeUniform(size: number): number {
    return this.coder.decode(UNIFORM.get(size) as Model, 1)[0];
  }
}

/** Returns the largest magnitude in a table of q, which has an entry more for the escape. */
function reachOf(model: Model): number {
  return (model.length - 1) / 2 - 1;
}

/** Returns the places of coded elements by scale index, in raster order within one, and where each index's group ends. */
function grouped(index: Uint8Array): { places: Uint32Array; ends: Uint32Array } {
  const counts = new Uint32Array(SCALES);
  for (let i = 0; i < index.length; i++) {
    counts[index[i]]++;
  }
  const ends = new Uint32Array(SCALES); // of index 0: none
  for (let i = 1; i < SCALES; i++) {
    ends[i] = ends[i - 1] + counts[i];
  }
  const places = new Uint32Array(ends[SCALES - 1]);
  const next = Uint32Array.from(ends, (_, i) => (i > 0 ? ends[i - 1] : 0));
  for (let i = 0; i < index.length; i++) {
    if (index[i] > 0) {
      places[next[index[i]]++] = i;
    }
  }
  return { places, ends };
}
