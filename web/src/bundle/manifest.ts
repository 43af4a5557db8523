/**
 * The manifest of a bundle: sizes and halos, the SHA-256 of every file, and the model id.
 *
 * The *model id* in a file is the first 8 bytes of a SHA-256, over `{"decoder": ..., "files": ...}` as JSON with sorted
 * keys and no spaces. `decoder` is the manifest's field; `files` has the hash of every file below `decoder/`.
 */

import { BundleError, messageOf } from "../errors.js";
import { MAX_MANIFEST, PADDING } from "../limits.js";
import { DECODER, ENCODER, HEADS, ROLES, due } from "./graphs.js";
import { given, sha256, type Source } from "./source.js";

export const MANIFEST = "manifest.json";
export const DECODER_TABLES = `${DECODER}/tables.npz`;
export const ENCODER_TABLES = `${ENCODER}/tables.npz`;
const BUNDLE_VERSION = 3;
const CHANNELS_MAX = 4096;
const HALO_MAX = 64; // samples
const ID_DIGITS = 16; // hexadecimal

type Json = Record<string, unknown>;

/** What has to be known of a bundle. */
export interface Manifest {
  readonly name: string; // and version
  readonly modelId: string;
  readonly latents: number; // channels of y
  readonly hyper: number; // channels of z; 0: no hyperprior
  readonly stride: number; // of y, in pixels
  readonly multiple: number; // side in pixels to which pictures are padded
  readonly halo: ReadonlyMap<string, number>; // of each graph that has one, in samples of its coarser grid
  readonly madeFor: ReadonlyMap<string, string>; // head -> model id of the decoder that it was trained with
  readonly realism: readonly number[]; // 0 to 1, the default at qualities evenly spaced over 0 to 100; one counts for all
  readonly files: ReadonlyMap<string, string>; // path -> SHA-256
}

/** Returns the manifest of a bundle. Throws BundleError if it is missing or unusable for this version. */
export async function readManifest(source: Source, signal?: AbortSignal): Promise<Manifest> {
  const data = await given(source, MANIFEST, signal);
  if (data.length > MAX_MANIFEST) {
    throw new BundleError(`${MANIFEST} of the bundle is over the limit of ${MAX_MANIFEST} bytes`);
  }
  const json = parsed(data);
  if (!("bundle_version" in json)) {
    throw new BundleError(`${MANIFEST} is no manifest of a bundle`);
  }
  if (json.bundle_version !== BUNDLE_VERSION) {
    throw new BundleError(
      `bundle version ${String(json.bundle_version)} is not known (this skosh reads ${BUNDLE_VERSION}): update skosh`,
    );
  }
  const wrong = [...misstated(json), ...(misstated(json).length ? [] : senseless(json))];
  if (wrong.length > 0) {
    throw new BundleError(`${MANIFEST} of the bundle lacks or misstates ${wrong.join(", ")}`);
  }
  const id = await modelId(json);
  if (json.model_id !== id) {
    throw new BundleError(`${MANIFEST} names model id ${String(json.model_id)}, but its decoder's is ${id}`);
  }
  return taken(json);
}

function parsed(data: Uint8Array): Json {
  try {
    const found: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(data));
    return isObject(found) ? found : {};
  } catch (error) {
    throw new BundleError(`can't read ${MANIFEST} of the bundle: ${messageOf(error)}`);
  }
}

/** Returns the id of what a manifest says of the decoder, as 16 hexadecimal digits. */
async function modelId(json: Json): Promise<string> {
  const files = Object.entries(json.files as Json).filter(([path]) => path.startsWith(`${DECODER}/`));
  const text = canonical({ [DECODER]: json[DECODER], files: Object.fromEntries(files) });
  return (await sha256(new TextEncoder().encode(text))).slice(0, ID_DIGITS);
}

/** Returns JSON as Python writes it with sorted keys, without spaces, and with escapes for all but ASCII. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map(canonical).join(",")}]`;
  }
  if (isObject(value)) {
    const fields = Object.keys(value).sort();
    return `{${fields.map((key) => `${canonical(key)}:${canonical(value[key])}`).join(",")}}`;
  }
  const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(value).replace(/[\u007f-\uffff]/g, escaped);
}

/** Returns the names of fields of another type than they should have. */
function misstated(json: Json): string[] {
  const words = ["name", "version", "model_id"].filter((key) => typeof json[key] !== "string");
  return [...words, ...[...ROLES, "files"].filter((key) => !isObject(json[key]))];
}

/** Returns the names of impossible statements. */
function senseless(json: Json): string[] {
  const decoder = json[DECODER] as Json;
  const files = json.files as Json;
  if (!Object.entries(files).every(([path, hash]) => isHash(hash) && staysInside(path))) {
    return ["files"];
  }
  const sizes = ["latent_channels", "hyper_channels", "stride", "multiple"];
  if (!sizes.every((key) => isWhole(decoder[key], CHANNELS_MAX))) {
    return [`${DECODER}: ${sizes.join(", ")}`];
  }
  if (decoder.latent_channels === 0 || !fits(decoder.stride as number, decoder.multiple as number)) {
    return ["latent_channels, stride or multiple"];
  }
  const halos = ROLES.filter((role) => !areHalos((json[role] as Json).halo ?? {}));
  if (halos.length > 0) {
    return halos.map((role) => `the halos of ${role}`);
  }
  const graphs = due((decoder.hyper_channels as number) > 0);
  const paths = [DECODER_TABLES, ...graphs.map((graph) => `${DECODER}/${graph.name}.onnx`)];
  const halo = (decoder.halo ?? {}) as Json;
  return [
    ...paths.filter((path) => !(path in files)),
    ...graphs.filter((graph) => !(graph.name in halo)).map((graph) => `the halo of ${graph.name}`),
    ...senselessHeads(json[HEADS] as Json),
  ];
}

/** Returns the names of impossible statements about heads. */
function senselessHeads({ realism = 0, made_for = {} }: Json): string[] {
  const amounts: unknown[] = Array.isArray(realism) ? realism : [realism];
  const are01 = amounts.length > 0 && amounts.every((one) => typeof one === "number" && one >= 0 && one <= 1);
  const areIds = isObject(made_for) && Object.values(made_for).every((id) => typeof id === "string");
  return [...(are01 ? [] : [`the realism of ${HEADS}`]), ...(areIds ? [] : [`made_for of ${HEADS}`])];
}

function taken(json: Json): Manifest {
  const decoder = json[DECODER] as Record<string, number>;
  const heads = json[HEADS] as { made_for?: Record<string, string>; realism?: number | number[] };
  const halos = (role: string): [string, number][] => Object.entries((json[role] as { halo?: object }).halo ?? {});
  return {
    name: `${String(json.name)} ${String(json.version)}`,
    modelId: json.model_id as string,
    latents: decoder.latent_channels,
    hyper: decoder.hyper_channels,
    stride: decoder.stride,
    multiple: decoder.multiple,
    halo: new Map([...halos(HEADS), ...halos(ENCODER), ...halos(DECODER)]),
    madeFor: new Map(Object.entries(heads.made_for ?? {})),
    realism: [heads.realism ?? 0].flat(),
    files: new Map(Object.entries(json.files as Record<string, string>)),
  };
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isWhole(value: unknown, most: number): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most;
}

function areHalos(value: unknown): boolean {
  return isObject(value) && Object.values(value).every((one) => isWhole(one, HALO_MAX));
}

function isHash(value: unknown): boolean {
  return typeof value === "string" && /^[0-9a-f]{64}$/.test(value);
}

/** Returns whether a path of the manifest stays inside of the bundle. */
function staysInside(path: string): boolean {
  return !path.includes("\\") && path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}

/** Returns whether pictures can be padded to this multiple: latents and tiles stay whole. */
function fits(stride: number, multiple: number): boolean {
  return stride > 0 && stride <= multiple && multiple % stride === 0 && PADDING % multiple === 0;
}
