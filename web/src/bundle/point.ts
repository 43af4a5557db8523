/** A bundle at one quality: levels and tables, and the networks that take a level. */

import { Planes, column, floats, type Tensor } from "../arrays.js";
import { QUALITY_UNIT } from "../container/chunks.js";
import type { Models } from "../entropy/coder.js";
import type { Bundle } from "./bundle.js";
import { shifted } from "./scale_map.js";

const { fround } = Math;
export const RENDER = 4; // samples a side of the renderer's features for one of y

/** What a network of means gives: steps are null where the bundle has learned none, and 1 is meant. */
export interface MeanAndStep {
  readonly mean: Tensor; // (1, M, H, W)
  readonly step: Tensor | null;
}

/** The faithful picture, and what heads take. */
export interface Features {
  readonly x: Tensor; // (1, 3, 16 H, 16 W), about [0, 1], not clipped
  readonly body: Tensor; // (1, B, H, W)
  readonly render: Tensor; // (1, R, 4 H, 4 W)
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
    this.checkPicture("synthesis", x, yHat, 1);
    return x;
  }

  /** Maps y_hat to what `synthesis` gives and to features. Throws BundleError where the synthesis has none. */
  async features(yHat: Tensor): Promise<Features> {
    const [x, body, render] = await this.bundle.run("synthesis", [yHat, ...this.synthesisLevel], [0, 1, 2]);
    const { height, width } = yHat;
    this.checkPicture("synthesis", x, yHat, 1);
    this.bundle.checkShape("synthesis", body, body.channels, height, width);
    this.bundle.checkShape("synthesis", render, render.channels, RENDER * height, RENDER * width);
    return { x, body, render };
  }

  /** Maps features, noise (1, 4, 4 H, 4 W) and realism, 0 to 1, to detail (1, 3, 16 H, 16 W), to add to the picture. */
  async detail(body: Tensor, render: Tensor, noise: Tensor, realism: number): Promise<Tensor> {
    const [found] = await this.bundle.run("detail", [body, render, noise, column([realism])]);
    this.checkPicture("detail", found, body, 1);
    return found;
  }

  /** Maps y_hat (1, M, H, W) to the picture of 1/`by` of its sides, (1, 3, 16 H / by, 16 W / by), not clipped. */
  async small(yHat: Tensor, by: number): Promise<Tensor> {
    const [x] = await this.bundle.run(`small_${by}`, [yHat, ...this.synthesisLevel]);
    this.checkPicture(`small_${by}`, x, yHat, 1 / by);
    return x;
  }

  /** Maps features and the faithful picture (1, 3, 16 H, 16 W) to one of twice its sides, not clipped. */
  async double(body: Tensor, render: Tensor, x: Tensor): Promise<Tensor> {
    const [large] = await this.bundle.run("double", [body, render, x]);
    this.checkPicture("double", large, body, 2);
    return large;
  }

  /** Returns what is added to z (N,) before rounding. */
  async zLevel(): Promise<Float32Array> {
    return between(await this.bundle.zLevel(this.quality));
  }

  /** Maps a padded picture (1, 3, 16 H, 16 W) in [0, 1] to y (1, M, H, W). */
  async analysis(x: Tensor): Promise<Tensor> {
    const { latents, stride } = this.bundle.manifest;
    const [y] = await this.bundle.run("analysis", [x]);
    this.bundle.checkShape("analysis", y, latents, x.height / stride, x.width / stride);
    return y;
  }

  /** Maps latents in quantisation steps (1, M, H, W) to z (1, N, h, w), before its level and rounding. */
  async hyperAnalysis(u: Tensor): Promise<Tensor> {
    const { reduction, manifest } = this.bundle;
    const [z] = await this.bundle.run("hyper_analysis", [u]);
    this.bundle.checkShape("hyper_analysis", z, manifest.hyper, u.height / reduction, u.width / reduction);
    return z;
  }

  private checkPicture(graph: string, found: Tensor, latents: Tensor, zoom: number): void {
    const side = zoom * this.bundle.manifest.stride;
    this.bundle.checkShape(graph, found, 3, side * latents.height, side * latents.width);
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

  private level(name: string): Float32Array {
    return between(this.bundle.rows(name, this.quality));
  }
}

/** Returns a row of levels, interpolated between the two rows around a quality, in float32. */
function between({ low, high, eighth }: ReturnType<Bundle["rows"]>): Float32Array {
  const part = eighth / QUALITY_UNIT;
  return Float32Array.from(low, (a, i) => fround(fround(a) * (1 - part)) + fround(fround(high[i]) * part));
}
