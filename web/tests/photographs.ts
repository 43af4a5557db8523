/** A photograph, and what tests make of it. */

import { join } from "node:path";
import { PNG } from "pngjs";

import type { Pixels } from "../src/codec/planes.js";
import { GOLDEN, bytesOf } from "./making.js";
import { readdirSync } from "node:fs";

/** The cat of the golden files, 193 x 130. */
export function photograph(): Pixels {
  const [folder] = readdirSync(GOLDEN);
  const { data, width, height } = PNG.sync.read(Buffer.from(bytesOf(join(GOLDEN, folder, "cat.png"))));
  return { data: new Uint8ClampedArray(data), width, height };
}

/** A part of a picture. */
export function cut(image: Pixels, left: number, top: number, width: number, height: number): Pixels {
  const data = new Uint8ClampedArray(4 * width * height);
  for (let y = 0; y < height; y++) {
    const start = 4 * ((top + y) * image.width + left);
    data.set(image.data.subarray(start, start + 4 * width), 4 * y * width);
  }
  return { data, width, height };
}

/** The green of a picture. */
export function greyed(image: Pixels): Pixels {
  return { ...image, data: image.data.map((value, i) => (i % 4 < 3 ? image.data[i - (i % 4) + 1] : value)) };
}

/** A picture with transparency where it is bright. */
export function withHoles(image: Pixels): Pixels {
  const data = image.data.slice();
  for (let i = 0; i < data.length; i += 4) {
    data[i + 3] = Math.max(0, Math.min(255, 3 * (255 - data[i + 1]) - 150));
  }
  return { ...image, data };
}
