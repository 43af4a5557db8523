/** Pictures on a canvas, in the colours of the file where the browser knows them. */

import type { Picture } from "../codec/decoder.js";
import { LimitError } from "../errors.js";

const DISPLAY_P3 = { primaries: 12, transfer: 13 }; // ITU-T H.273

/** Draws a picture over the whole canvas, which takes its size where that is not the canvas's own: a preview. */
export function draw(canvas: HTMLCanvasElement, picture: Picture): void {
  const colorSpace = spaceOf(picture);
  const image = new ImageData(picture.data as Uint8ClampedArray<ArrayBuffer>, picture.width, picture.height, {
    colorSpace,
  });
  const context = canvas.getContext("2d", { colorSpace });
  if (!context) {
    throw new LimitError(`a canvas of ${canvas.width}x${canvas.height} is too large for this browser`);
  }
  if (canvas.width === image.width && canvas.height === image.height) {
    context.putImageData(image, 0, 0);
    return;
  }
  const small = document.createElement("canvas");
  [small.width, small.height] = [image.width, image.height];
  small.getContext("2d", { colorSpace })?.putImageData(image, 0, 0);
  context.drawImage(small, 0, 0, canvas.width, canvas.height);
}

function spaceOf({ metadata: { icc, space } }: Picture): PredefinedColorSpace {
  const isP3 = !icc && space?.primaries === DISPLAY_P3.primaries && space.transfer === DISPLAY_P3.transfer;
  return isP3 ? "display-p3" : "srgb";
}
