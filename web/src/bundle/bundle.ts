/**
 * A loaded bundle: its networks and its tables. `docs/format.md`, "The bundle", lists the arrays.
 *
 * What decides symbols is checked when a bundle is loaded; networks open on their first run.
 */

import { Planes, rint, type Tensor } from "../arrays.js";
import { QUALITY_UNIT } from "../container/chunks.js";
import type { Models } from "../entropy/coder.js";
import { HYPER_SYMBOLS, SCALES, modelOf, type Model } from "../entropy/tables.js";
import { BundleError, messageOf } from "../errors.js";
import { DECODER, graphOf, pathOf } from "./graphs.js";
import { DECODER_TABLES, ENCODER_TABLES, readManifest, type Manifest } from "./manifest.js";
import type { Networks } from "./networks.js";
import type { Values } from "./npy.js";
import { readNpz } from "./npz.js";
import { Sessions } from "./onnx.js";
import { Point } from "./point.js";
import { scaleMap, scaleMapOf, type ScaleMap } from "./scale_map.js";
import { content, type Source } from "./source.js";

const QUALITIES = 101; // rows of levels in a bundle of variable rate
const LAST_EIGHTH = (QUALITIES - 1) * QUALITY_UNIT; // quality 100

type Arrays = ReadonlyMap<string, Values>;
type Row = Int32Array | Float32Array;

export interface LoadOptions {
  readonly networks?: Networks; // what runs the networks, by default ONNX Runtime
  readonly signal?: AbortSignal;
  readonly progress?: (share: number) => void; // of its files, 0 to 1
}

/**
 * Loads the decoder's half of a bundle; files of the encoder and of heads are fetched when they are needed.
 *
 * Throws BundleError for a bundle that is missing, damaged or of a later version, and what an aborted signal says.
 */
export async function load(source: Source, options: LoadOptions = {}): Promise<Bundle> {
  const { networks, signal, progress } = options;
  const manifest = await readManifest(source, signal);
  const decoder = [...manifest.files.keys()].filter((path) => path.startsWith(`${DECODER}/`));
  const needed = decoder.filter((path) => !path.endsWith("/scale_map.onnx")); // the tables have its integers
  let done = 0;
  const fetched = async (path: string): Promise<[string, Uint8Array]> => {
    const found = await content(source, manifest.files, path, signal);
    progress?.(++done / needed.length);
    return [path, found];
  };
  const files = new Map(await Promise.all(needed.map(fetched)));
  const file = async (path: string): Promise<Uint8Array> => files.get(path) ?? content(source, manifest.files, path);
  const tables = files.get(DECODER_TABLES) as Uint8Array;
  try {
    return new Bundle(manifest, await readNpz(tables), networks ?? new Sessions((graph) => file(pathOf(graph))), file);
  } catch (error) {
    throw new BundleError(`can't use ${DECODER_TABLES} of the bundle ${manifest.name}: ${messageOf(error)}`);
  }
}

export class Bundle {
  readonly reduction: number; // samples of y a side for one of z
  private readonly rowCount: number; // of levels: 1 or QUALITIES
  private readonly zTables: readonly Model[]; // of T rows for qualities 0 to 100, each of a table for every channel
  private readonly qTables: readonly Model[];
  private readonly wienerTables: readonly Model[];
  private readonly map: ScaleMap | null; // null without a hyperprior
  private zLevels: Promise<Row> | undefined; // of the encoder

  /** Throws BundleError unless the arrays fit the manifest and each other, and tables are whole. */
  constructor(
    readonly manifest: Manifest,
    private readonly arrays: Arrays,
    private readonly networks: Networks,
    private readonly file: (path: string) => Promise<Uint8Array>,
  ) {
    const { hyper, latents, multiple, stride } = manifest;
    this.reduction = multiple / stride;
    this.rowCount = this.array("gain").shape[0];
    this.checkLevels();
    const [channels, symbols] = this.array("z_tables").shape.slice(-2);
    if (channels !== (hyper || latents) || symbols !== HYPER_SYMBOLS) {
      throw new BundleError("it has tables for another number of channels");
    }
    this.zTables = modelsOf(this.array("z_tables").data);
    this.qTables = hyper ? splitModels(this.array("q_sizes").data, this.array("q_tables").data) : [];
    this.wienerTables = this.arrays.has("wiener_tables") ? modelsOf(this.array("wiener_tables").data) : [];
    const filter = hyper > 0 && manifest.halo.has("wiener") && manifest.files.has(pathOf("wiener"));
    if (this.wienerTables.length > 0 && !filter) {
      throw new BundleError("it has tables of a Wiener filter, but no filter or no halo for it");
    }
    this.map = hyper ? this.checkedMap() : null;
  }

  /** The number of coefficients of a tile's Wiener filter; 0 where the bundle has no filter. */
  get wienerTerms(): number {
    return this.wienerTables.length;
  }

  /** Whether the bundle has a network. */
  hasGraph(graph: string): boolean {
    return this.manifest.files.has(pathOf(graph));
  }

  /** The halo of a graph, 0 where it has none. */
  halo(graph: string): number {
    return this.manifest.halo.get(graph) ?? 0;
  }

  /** The quality that a file gets: the nearest eighth, or 0 where the bundle has one rate only. */
  quality(asked: number): number {
    return this.rowCount === QUALITIES ? rint(asked * QUALITY_UNIT) / QUALITY_UNIT : 0;
  }

  /** The operating point of a quality, 0 to 100 in eighths. */
  at(quality: number): Point {
    return new Point(this, this.rowCount === QUALITIES ? quality : 0);
  }

  /** The entropy coder's tables. z has several rows of them for qualities 0 to 100: the nearest counts. */
  models(quality: number): Models {
    const channels = this.manifest.hyper || this.manifest.latents;
    const rows = this.zTables.length / channels;
    const row = Math.floor((quality * QUALITY_UNIT * (rows - 1) + LAST_EIGHTH / 2) / LAST_EIGHTH);
    const z = this.zTables.slice(row * channels, (row + 1) * channels);
    return { z, q: this.qTables, wiener: this.wienerTables };
  }

  /** Whether the bundle has an array. */
  has(name: string): boolean {
    return this.arrays.has(name);
  }

  /** The two rows of an array around a quality, and its place between them in eighths. */
  rows(name: string, quality: number): { low: Row; high: Row; eighth: number } {
    return this.rowsOf(this.array(name).data, quality);
  }

  /** What an encoder adds to z before rounding, as `rows`. Throws BundleError where the bundle only decodes. */
  async zLevel(quality: number): Promise<{ low: Row; high: Row; eighth: number }> {
    this.zLevels ??= this.readZLevels();
    return this.rowsOf(await this.zLevels, quality);
  }

  private async readZLevels(): Promise<Row> {
    const { manifest } = this;
    try {
      const found = (await readNpz(await this.file(ENCODER_TABLES))).get("z_level");
      if (found?.shape.join() !== [this.rowCount, manifest.hyper].join() || !found.data.every(Number.isFinite)) {
        throw new Error("it has no levels of z");
      }
      return found.data;
    } catch (error) {
      this.zLevels = undefined; // the next call tries again
      throw new BundleError(`can't use ${ENCODER_TABLES} of the bundle ${manifest.name}: ${messageOf(error)}`);
    }
  }

  private rowsOf(data: Row, quality: number): { low: Row; high: Row; eighth: number } {
    const width = data.length / this.rowCount;
    const eighths = this.rowCount === QUALITIES ? quality * QUALITY_UNIT : 0;
    const row = Math.floor(eighths / QUALITY_UNIT);
    const one = (n: number): Row => data.subarray(n * width, (n + 1) * width);
    return { low: one(row), high: one(Math.min(row + 1, this.rowCount - 1)), eighth: eighths % QUALITY_UNIT };
  }

  /** What the scale map says of z (N, h, w): (M, reduction h, reduction w), before the shift. */
  scaleMap(z: Planes<Int32Array>): Planes<Uint8Array> {
    if (!this.map) {
      throw new RangeError("a bundle without a hyperprior has no scale map");
    }
    return scaleMap(this.map, z);
  }

  /** Runs a network. `only`: the places of the outputs to give. Throws BundleError where it fails. */
  async run(graph: string, inputs: readonly Tensor[], only?: readonly number[]): Promise<Tensor[]> {
    const outputs = await this.networks.run(graph, inputs, only);
    const names = graphOf(graph).outputs;
    const least = only?.length ?? names.filter((name) => !name.startsWith("[")).length;
    if (outputs.length < least || outputs.length > (only?.length ?? names.length)) {
      throw new BundleError(`${pathOf(graph)} of the bundle ${this.manifest.name} does not give ${names.join(", ")}`);
    }
    return outputs;
  }

  /** Throws BundleError unless a network's output has the shape that is due. */
  checkShape(graph: string, found: Tensor, channels: number, height: number, width: number): void {
    const due = `${channels}x${height}x${width}`;
    if (found.shape !== due) {
      const name = `${pathOf(graph)} of the bundle ${this.manifest.name}`;
      throw new BundleError(`${name} gives ${found.shape} where ${due} is due`);
    }
  }

  /** Frees the networks. */
  close(): Promise<void> {
    return this.networks.close();
  }

  private array(name: string): Values {
    const found = this.arrays.get(name);
    if (!found) {
      throw new BundleError(`it lacks ${name}`);
    }
    return found;
  }

  private checkLevels(): void {
    const rows = this.rowCount;
    if (rows !== 1 && rows !== QUALITIES) {
      throw new BundleError(`it has ${rows} rows of levels where 1 or ${QUALITIES} are due`);
    }
    if (this.manifest.hyper === 0) {
      return;
    }
    for (const name of ["gain", "inverse", "shift"]) {
      this.check(name, [rows, this.manifest.latents]);
    }
    for (const name of ["mean_level", ...(this.has("synthesis_level") ? ["synthesis_level"] : [])]) {
      this.check(name, [rows, this.array(name).shape.at(-1) ?? 1]);
    }
  }

  private check(name: string, shape: readonly number[]): void {
    const found = this.array(name);
    if (found.shape.join() !== shape.join() || !found.data.every(Number.isFinite)) {
      throw new BundleError(`the array ${name} is not ${shape.join("x")} finite numbers`);
    }
  }

  private checkedMap(): ScaleMap {
    const { hyper, latents } = this.manifest;
    const [bits] = this.array("scale_bits").data;
    this.check("scale_weight", [latents * this.reduction ** 2, hyper]);
    this.check("scale_bias", [latents * this.reduction ** 2]);
    const integers = (name: string): Int32Array => Int32Array.from(this.array(name).data);
    const map = scaleMapOf(integers("scale_weight"), integers("scale_bias"), bits, this.reduction);
    const { shape } = this.array("check_z");
    const found = scaleMap(map, new Planes(integers("check_z"), shape[0], shape[1], shape[2]));
    const due = this.array("check_index").data;
    if (due.length !== found.data.length || found.data.some((value, i) => value !== due[i])) {
      throw new BundleError("its scale map does not give what it should: files would decode wrongly");
    }
    return map;
  }
}

/** Returns the models of tables behind each other, of HYPER_SYMBOLS entries each. */
function modelsOf(tables: Row): Model[] {
  const count = tables.length / HYPER_SYMBOLS;
  return Array.from({ length: count }, (_, n) =>
    modelOf(tables.subarray(n * HYPER_SYMBOLS, (n + 1) * HYPER_SYMBOLS), HYPER_SYMBOLS),
  );
}

/** Returns the models of q's tables: `sizes` (64,), `tables` behind each other. */
function splitModels(sizes: Row, tables: Row): Model[] {
  const due = Array.from(sizes).reduce((sum, size) => sum + size, 0);
  if (sizes.length !== SCALES || due !== tables.length) {
    throw new BundleError("it has tables for another number of scales");
  }
  let at = 0;
  return Array.from(sizes, (size) => {
    at += size;
    return modelOf(tables.subarray(at - size, at), size);
  });
}
