/** An array as NumPy writes it (`.npy`): a magic word, a header of text, then the numbers. */

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // \x93NUMPY
const MOST_DIMENSIONS = 8;

/** An array in raster order. Integers of any width are 32-bit ones, floats of any width are float32. */
export interface Values {
  readonly shape: readonly number[];
  readonly data: Int32Array | Float32Array;
}

type Get = (view: DataView, at: number) => number;

const READERS: Record<string, { bytes: number; get: Get }> = {
  i1: { bytes: 1, get: (view, at) => view.getInt8(at) },
  u1: { bytes: 1, get: (view, at) => view.getUint8(at) },
  i2: { bytes: 2, get: (view, at) => view.getInt16(at, true) },
  u2: { bytes: 2, get: (view, at) => view.getUint16(at, true) },
  i4: { bytes: 4, get: (view, at) => view.getInt32(at, true) },
  u4: { bytes: 4, get: (view, at) => view.getUint32(at, true) },
  i8: { bytes: 8, get: (view, at) => view.getInt32(at + 4, true) * 2 ** 32 + view.getUint32(at, true) },
  f2: { bytes: 2, get: (view, at) => halfFloat(view.getUint16(at, true)) },
  f4: { bytes: 4, get: (view, at) => view.getFloat32(at, true) },
  f8: { bytes: 8, get: (view, at) => view.getFloat64(at, true) },
};

/** Reads an array. Throws Error for other types, another order, integers over 31 bits, or a file that is not whole. */
export function parse(file: Uint8Array): Values {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < 12 || MAGIC.some((byte, i) => file[i] !== byte)) {
    throw new Error("this is no array of NumPy");
  }
  const long = file[6] > 1; // version 1 has a length of 2 bytes
  const start = long ? 12 : 10;
  const end = start + (long ? view.getUint32(8, true) : view.getUint16(8, true));
  const { type, shape } = described(new TextDecoder().decode(file.subarray(start, end)));
  const { bytes, get } = READERS[type];
  const count = shape.reduce((product, n) => product * n, 1);
  if (file.length - end !== count * bytes) {
    throw new Error(`an array of ${file.length - end} bytes where ${count * bytes} are due`);
  }
  const data = type.startsWith("f") ? new Float32Array(count) : new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const value = get(view, end + i * bytes);
    data[i] = value;
    if (data instanceof Int32Array && data[i] !== value) {
      throw new Error(`the integer ${value} of an array has over 31 bits`);
    }
  }
  return { shape, data };
}

/** Returns type and shape of a header such as `{'descr': '<f4', 'fortran_order': False, 'shape': (101, 384), }`. */
function described(header: string): { type: string; shape: number[] } {
  const found =
    /^\{'descr': '[<|]([iuf][1248])', 'fortran_order': False, 'shape': \(((?:\d{1,9}, ?)*\d{0,9})\), \}\s*$/.exec(
      header,
    );
  if (!found || !(found[1] in READERS)) {
    throw new Error(`an array of another kind than expected: ${header.trim()}`);
  }
  const shape = found[2]
    .split(",")
    .filter((n) => n.trim() !== "")
    .map(Number);
  if (shape.length > MOST_DIMENSIONS) {
    throw new Error(`an array of ${shape.length} dimensions`);
  }
  return { type: found[1], shape };
}

/** Returns the value of a 16-bit float. */
export function halfFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) {
    return sign * fraction * 2 ** -24;
  }
  if (exponent === 31) {
    return fraction ? NaN : sign * Infinity;
  }
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}
