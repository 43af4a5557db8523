/** What is open: a `.skosh` file and its pictures, perhaps with the photograph that it was made of. */

import { decode, encode, info, type EncodeRequest, type Info, type Options, type Picture } from "skosh";

import { blended } from "./blend.js";
import type { Photograph } from "./photograph.js";

declare const __MODEL__: string; // id of the model beside the page: the build puts it in

export const MODEL = new URL(`models/${__MODEL__}/`, document.baseURI);
const MAX_PIXELS = 48 * 2 ** 20; // of pictures that fit a page's memory
const SIGNATURE = [0x93, 0x53, 0x4b];

export type Watch = Pick<Options, "signal" | "progress">;

/** A file that another model has to decode. */
export class OtherModelError extends Error {
  override name = "OtherModelError";
}

/** Returns whether bytes begin as a `.skosh` file does. */
export function isSkosh(bytes: Uint8Array): boolean {
  return SIGNATURE.every((byte, i) => bytes[i] === byte);
}

/** Compresses a photograph. Returns the bytes of its file. */
export function compress({ image }: Photograph, request: EncodeRequest, watch: Watch): Promise<Uint8Array> {
  return encode(image, { ...request, ...watch, bundle: MODEL, maxPixels: MAX_PIXELS });
}

/** An open file. */
export class Opened {
  private faithful: Picture | undefined;
  private natural: Picture | undefined;

  private constructor(
    readonly bytes: Uint8Array,
    readonly about: Info,
    readonly first: Picture, // with the realism that the file or its model asks for
    readonly seconds: number, // to decode it
  ) {
    this.keep(first);
  }

  /** Decodes a file. Throws OtherModelError where it was made with another model, else as `decode` does. */
  static async from(
    bytes: Uint8Array,
    watch: Watch,
    preview: (picture: Picture, about: Info) => void,
  ): Promise<Opened> {
    const about = info(bytes, MAX_PIXELS);
    if (about.modelId !== __MODEL__) {
      throw new OtherModelError(`the file was made with model ${about.modelId}, and this page has only ${__MODEL__}`);
    }
    const start = performance.now();
    const first = await decode(bytes, {
      ...watch,
      bundle: MODEL,
      preview: (picture) => preview(picture, about),
      maxPixels: MAX_PIXELS,
    });
    return new Opened(bytes, about, first, (performance.now() - start) / 1e3);
  }

  /** Returns whether pictures of every realism are there. */
  get complete(): boolean {
    return this.faithful !== undefined && this.natural !== undefined;
  }

  /** Decodes what is missing for pictures of every realism. */
  async completed(watch: Watch): Promise<void> {
    for (const realism of [0, 1]) {
      if (!(realism ? this.natural : this.faithful)) {
        this.keep(await decode(this.bytes, { ...watch, bundle: MODEL, realism, maxPixels: MAX_PIXELS }));
      }
    }
  }

  /** Returns the picture at a realism; until all are there, the first one. */
  at(realism: number): Picture {
    return this.faithful && this.natural ? blended(this.faithful, this.natural, realism) : this.first;
  }

  private keep(picture: Picture): void {
    if (picture.realism === 0) {
      this.faithful = picture;
    } else if (picture.realism === 1) {
      this.natural = picture;
    }
  }
}
