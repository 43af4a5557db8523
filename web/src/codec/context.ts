/**
 * Context, the float side of the entropy model: means and steps from z and the first half of q.
 *
 * Every function may be called for any box of latents: networks run on the box grown by their halos.
 */

import { floats, zeros, type Planes, type Tensor } from "../arrays.js";
import type { MeanAndStep, Point } from "../bundle/point.js";
import { whole, type Box } from "./boxes.js";

const { fround } = Math;

/** The symbols of a picture. */
export interface Symbols {
  readonly z: Planes<Int32Array>; // (N, h, w); without a hyperprior the latent itself
  readonly q: Planes<Int16Array> | null; // (M, H, W), with a hyperprior only
}

/** What z alone says of a box of latents. */
export interface FirstHalf extends MeanAndStep {
  readonly features: Tensor; // (1, F, H, W)
  readonly mean: Tensor; // of the first half, in quantisation steps
}

/** Returns features and means of the first half in a box of latents, from the whole picture's z. */
export async function firstHalf(at: Point, z: Planes<Int32Array>, box: Box): Promise<FirstHalf> {
  const { bundle } = at;
  const cells = box.over(bundle.reduction).grown(bundle.halo("mean_first"), whole(z.height, z.width));
  const { features, mean, step } = await at.meanFirst(cells.of(z));
  const inner = box.inside(cells.times(bundle.reduction));
  return {
    features: inner.of(features),
    mean: scaled(inner.of(mean), at.gain),
    step: step && inner.of(step),
  };
}

/** Returns y_hat (1, M, H, W) in a box of latents, from the symbols of the whole picture. */
export async function latent(at: Point, z: Planes<Int32Array>, q: Planes<Int16Array>, box: Box): Promise<Tensor> {
  const { outer, symbols, found, second } = await secondAround(at, z, q, box);
  put(at, second, symbols, outer, 1, found);
  return box.inside(outer).of(found);
}

/** Returns means of the second half in a box of latents, from z and the first half of the whole picture's q. */
export async function secondHalf(
  at: Point,
  z: Planes<Int32Array>,
  q: Planes<Int16Array>,
  box: Box,
): Promise<MeanAndStep> {
  const { outer, second } = await secondAround(at, z, q, box);
  const inner = box.inside(outer);
  return { mean: inner.of(second.mean), step: second.step && inner.of(second.step) };
}

interface Second {
  readonly outer: Box; // the box and what decides its means
  readonly symbols: Planes<Int16Array>; // there
  readonly found: Tensor; // y_hat of the first half there, 0 elsewhere
  readonly second: MeanAndStep; // of the second half
}

async function secondAround(at: Point, z: Planes<Int32Array>, q: Planes<Int16Array>, box: Box): Promise<Second> {
  const outer = box.grown(at.bundle.halo("mean_second"), whole(q.height, q.width));
  const half = await firstHalf(at, z, outer);
  const symbols = outer.of(q);
  const found = known(at, half, symbols, outer);
  const { mean, step } = await at.meanSecond(half.features, found);
  return { outer, symbols, found, second: { mean: scaled(mean, at.gain), step } };
}

/** The latents of a picture, box by box. The last box is remembered: a preview and the whole often share it. */
export class Latents {
  private last: { box: Box; yHat: Tensor } | undefined;

  constructor(
    private readonly at: Point,
    readonly symbols: Symbols,
  ) {}

  /** Returns y_hat (1, M, H, W) in a box. Without a hyperprior there is no q, and z is the latent. */
  async of(box: Box): Promise<Tensor> {
    if (!this.last?.box.equals(box)) {
      const { z, q } = this.symbols;
      this.last = undefined; // frees the memory before more is needed
      this.last = { box, yHat: q ? await latent(this.at, z, q, box) : floats(box.of(z)) };
    }
    return this.last.yHat;
  }
}

/** Returns y_hat of the first half, and 0 elsewhere. */
function known(at: Point, half: FirstHalf, q: Planes<Int16Array>, box: Box): Tensor {
  const out = zeros(q.channels, q.height, q.width);
  put(at, half, q, box, 0, out);
  return out;
}

/**
 * Writes y_hat of one half: (q step + mean) inverse, in float32.
 *
 * An element is of the first half, 0, where c + i + j is even (channel, row and column of the whole picture).
 */
function put(at: Point, from: MeanAndStep, q: Planes<Int16Array>, box: Box, half: number, out: Tensor): void {
  const { mean, step } = from;
  for (let channel = 0; channel < q.channels; channel++) {
    const inverse = at.inverse[channel];
    for (let row = 0; row < q.height; row++) {
      const start = (channel * q.height + row) * q.width;
      const odd = (channel + box.top + row + box.left + half) & 1;
      for (let i = start + odd; i < start + q.width; i += 2) {
        const residual = step ? fround(q.data[i] * step.data[i]) : q.data[i];
        out.data[i] = fround(residual + mean.data[i]) * inverse;
      }
    }
  }
}

/** Multiplies each plane by its channel's factor. */
export function scaled(planes: Tensor, factors: Float32Array): Tensor {
  const out = zeros(planes.channels, planes.height, planes.width);
  const size = planes.height * planes.width;
  for (let channel = 0; channel < planes.channels; channel++) {
    for (let i = channel * size; i < (channel + 1) * size; i++) {
      out.data[i] = planes.data[i] * factors[channel];
    }
  }
  return out;
}
