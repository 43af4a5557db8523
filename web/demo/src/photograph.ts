/** Photographs: any picture that the browser reads, upright, as pixels in sRGB. */

import { LimitError } from "skosh";

/** A photograph as it is compressed. */
export interface Photograph {
  readonly image: ImageData; // what is compressed
  readonly width: number; // of the photograph, upright
  readonly height: number;
}

/** What the browser can't read. */
export class UnreadableError extends Error {
  override name = "UnreadableError";
}

/**
 * Reads a photograph. Its orientation in EXIF is applied.
 *
 * `side`: pixels that the longest side may have, or 0. Throws UnreadableError for what is no picture, LimitError where
 * it is too large for a canvas of this browser.
 */
export async function readPhotograph(file: Blob, side: number): Promise<Photograph> {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => {
    throw new UnreadableError("this browser can't read the picture");
  });
  const { width, height } = bitmap;
  const scale = side > 0 ? Math.min(side / Math.max(width, height), 1) : 1;
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(Math.round(width * scale), 1);
  canvas.height = Math.max(Math.round(height * scale), 1);
  try {
    const context = canvas.getContext("2d", { willReadFrequently: true }) as CanvasRenderingContext2D;
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    return { image: context.getImageData(0, 0, canvas.width, canvas.height), width, height };
  } catch {
    throw new LimitError(`${canvas.width}x${canvas.height} is too large for a canvas of this browser`);
  } finally {
    bitmap.close();
  }
}
