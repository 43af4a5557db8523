/** Arrays of the shape (channels, height, width), and float32 tensors of the shape (1, channels, height, width). */

export type Numbers = Float32Array | Int32Array | Int16Array | Uint8Array;

/** Samples in raster order of (channel, row, column). */
export class Planes<T extends Numbers> {
  constructor(
    readonly data: T,
    readonly channels: number,
    readonly height: number,
    readonly width: number,
  ) {
    if (data.length !== channels * height * width) {
      throw new RangeError(`${data.length} samples are no ${channels}x${height}x${width}`);
    }
  }

  /** The shape as text, for messages. */
  get shape(): string {
    return `${this.channels}x${this.height}x${this.width}`;
  }
}

/** What networks take and give: the samples of (1, channels, height, width). */
export type Tensor = Planes<Float32Array>;

const WHOLE = 1.5 * 2 ** 52; // between doubles of this size lies 1

/** Returns the nearest whole number, halves to even, of one below 2^51. */
export function rint(value: number): number {
  return value + WHOLE - WHOLE;
}

/** Returns zeros. */
export function zeros(channels: number, height: number, width: number): Tensor {
  return new Planes(new Float32Array(channels * height * width), channels, height, width);
}

/** Returns numbers as float32. */
export function floats(planes: Planes<Numbers>): Tensor {
  return new Planes(Float32Array.from(planes.data), planes.channels, planes.height, planes.width);
}

/** Returns a row of numbers as (1, C, 1, 1). */
export function column(values: ArrayLike<number>): Tensor {
  return new Planes(Float32Array.from(values), values.length, 1, 1);
}
