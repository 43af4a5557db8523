/** A bundle at one quality: levels and tables, and the networks that take a level. */

import { Planes, column, floats, type Tensor } from "../arrays.js";
import { QUALITY_UNIT } from "../container/chunks.js";
import type { Models } from "../entropy/coder.js";
import type { Bundle } from "./bundle.js";
import { shifted } from "./scale_map.js";

const { fround } = Math;

/** What a network of means gives: steps are null where the bundle has learned none, and 1 is meant. */
export interface MeanAndStep {
  readonly mean: Tensor; // (1, M, H, W)
  readonly step: Tensor | null;
}

/** An operating point. Levels are rows of float32, interpolated between two of the bundle's. */
export class Point {
  readonly models: Models;
  readonly shift: Int32Array; // (M,), of the scale index
  readonly gain: Float32Array; // (M,), quantisation steps in a unit of y
  readonly inverse: Float32Array; // (M,), the inverse gain
  readonly meanLevel: Tensor[];
  readonly synthesisLevel: Tensor[]; // none where the synthesis takes no level

  constructor(
    readonly bundle: Bundle,
    readonly quality: number, // a multiple of an eighth
  ) {
    const hyper = bundle.manifest.hyper > 0;
    this.models = bundle.models(quality);
    this.shift = hyper ? this.shifts() : new Int32Array();
    this.gain = hyper ? this.level("gain") : new Float32Array();
    this.inverse = hyper ? this.level("inverse") : new Float32Array();
    this.meanLevel = hyper ? [column(this.level("mean_level"))] : [];
    this.synthesisLevel = bundle.has("synthesis_level") ? [column(this.level("synthesis_level"))] : [];
  }

  /** Maps z (N, h, w) to the scale index of every latent (M, H, W): the same integers on every machine. */
  scaleIndex(z: Planes<Int32Array>): Planes<Uint8Array> {
    return shifted(this.bundle.scaleMap(z), this.shift);
  }

  /** Maps z (N, h, w) to features, means of the first half and steps. */
  async meanFirst(z: Planes<Int32Array>): Promise<{ features: Tensor } & MeanAndStep> {
    const [features, mean, step] = await this.bundle.run("mean_first", [floats(z), ...this.meanLevel]);
    const [height, width] = [z.height, z.width].map((n) => this.bundle.reduction * n);
    this.bundle.checkShape("mean_first", features, features.channels, height, width);
    return { features, ...this.checked("mean_first", mean, step, height, width) };
  }

  /** Maps features and the first half of y (zero elsewhere) to means of the second half and steps. */
  async meanSecond(features: Tensor, known: Tensor): Promise<MeanAndStep> {
    const [mean, step] = await this.bundle.run("mean_second", [features, known]);
    return this.checked("mean_second", mean, step, known.height, known.width);
  }

  /** Maps y_hat (1, M, H, W) to the faithful picture (1, 3, 16 H, 16 W), about [0, 1], not clipped. */
  async synthesis(yHat: Tensor): Promise<Tensor> {
    const [x] = await this.bundle.run("synthesis", [yHat, ...this.synthesisLevel], [0]);
    const side = this.bundle.manifest.stride;
    this.bundle.checkShape("synthesis", x, 3, side * yHat.height, side * yHat.width);
    return x;
  }

  private checked(graph: string, mean: Tensor, step: Tensor | undefined, height: number, width: number): MeanAndStep {
    for (const array of step ? [mean, step] : [mean]) {
      this.bundle.checkShape(graph, array, this.bundle.manifest.latents, height, width);
    }
    return { mean, step: step ?? null };
  }

  /** Returns the shifts, interpolated in integers: `floor(((8 - e) a + e b + 4) / 8)`. */
  private shifts(): Int32Array {
    const { low, high, eighth } = this.bundle.rows("shift", this.quality);
    return Int32Array.from(low, (a, i) =>
      Math.floor(((QUALITY_UNIT - eighth) * a + eighth * high[i] + QUALITY_UNIT / 2) / QUALITY_UNIT),
    );
  }

  /** Returns a row of levels, interpolated between the two rows around the quality, in float32. */
  private level(name: string): Float32Array {
    const { low, high, eighth } = this.bundle.rows(name, this.quality);
    const part = eighth / QUALITY_UNIT;
    return Float32Array.from(low, (a, i) => fround(fround(a) * (1 - part)) + fround(fround(high[i]) * part));
  }
}
