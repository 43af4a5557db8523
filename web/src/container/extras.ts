/** The chunks of metadata (colour space, ICC profile, EXIF and XMP; the last three deflated) and the preferred realism. */

import { FormatError } from "../errors.js";
import { MAX_METADATA } from "../limits.js";
import { EXIF, ICC, REALISM, SPACE, XMP, hex } from "./chunks.js";
import { inflate } from "./inflate.js";

const PRIMARIES = [0, 1, 5, 6, 9, 11, 12, 224, 225]; // ITU-T H.273; those from 224 on are ours. 0: grey
const TRANSFERS = [1, 8, 13, 16, 18, 224, 225, 226];
const POWER = 224;
const REALISM_UNIT = 255; // steps of the preferred realism
const MAX_GAMMA = 2048; // 256 stand for an exponent of 1

/** A colour space with a short name, by numbers (`docs/format.md`, "c: the colour space"). */
export interface Space {
  readonly primaries: number;
  readonly transfer: number;
  readonly gamma: number; // exponent in 1/256, with transfer 224 only, else 0
}

/** What belongs to a picture. Colours are sRGB where there is neither a profile nor a space; a profile counts first. */
export interface Metadata {
  readonly space: Space | null;
  readonly icc: Uint8Array | null;
  readonly exif: Uint8Array | null; // from the TIFF header on
  readonly xmp: Uint8Array | null;
}

/** Returns the metadata of a file's chunks. Throws FormatError for damaged data, LimitError for too much. */
export async function unpack(extras: ReadonlyMap<string, Uint8Array>): Promise<Metadata> {
  const inflated = async (kind: string, what: string): Promise<Uint8Array | null> => {
    const payload = extras.get(kind);
    return payload ? inflate(payload, MAX_METADATA, what) : null;
  };
  const icc = await inflated(ICC, "the ICC profile");
  const exif = await inflated(EXIF, "EXIF");
  const xmp = await inflated(XMP, "XMP");
  return { space: spaceOf(extras), icc, exif, xmp };
}

/** Returns the realism, 0 to 1, that a file asks for, or null. Throws FormatError unless its chunk has one byte. */
export function realismOf(extras: ReadonlyMap<string, Uint8Array>): number | null {
  const payload = extras.get(REALISM);
  if (payload && payload.length !== 1) {
    throw new FormatError(`the preferred realism has ${payload.length} bytes where 1 is due`);
  }
  return payload ? payload[0] / REALISM_UNIT : null;
}

/** Returns the colour space that a file's chunks name, or null. Throws FormatError for an unknown one. */
export function spaceOf(extras: ReadonlyMap<string, Uint8Array>): Space | null {
  const payload = extras.get(SPACE);
  if (!payload) {
    return null;
  }
  if (payload.length !== 2 && payload.length !== 4) {
    throw new FormatError(`the colour space has ${payload.length} bytes where 2 or 4 are due`);
  }
  const [primaries, transfer, low = 0, high = 0] = payload;
  const gamma = low | (high << 8);
  const power = transfer === POWER;
  const known = PRIMARIES.includes(primaries) && TRANSFERS.includes(transfer);
  if (!known || power !== (payload.length === 4) || power !== (gamma > 0 && gamma <= MAX_GAMMA)) {
    throw new FormatError(`the colour space ${hex(payload)} is not known to this skosh: damaged, or of a newer one`);
  }
  return { primaries, transfer, gamma };
}
