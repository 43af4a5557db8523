/** Heads: networks that show a decoded latent in other ways. A bundle may lack any of them. */

import { BundleError } from "../errors.js";
import type { Bundle } from "./bundle.js";
import { pathOf } from "./graphs.js";

const QUALITY_MAX = 100;
const LACKS: Record<string, string> = {
  detail: "draws no detail", // what a bundle without a head can't do, and what to do then
  double: "has no pictures of double size",
};
const REMEDIES: Record<string, string> = {
  detail: "decode with a realism of 0, or with a bundle that has this head",
  double: "decode with a scale of 1, or with a bundle that has this head",
};

/** Throws BundleError, with a remedy, unless the bundle can run a head on parts of a picture. */
export function checkHas(bundle: Bundle, head: string): void {
  const { name, modelId, halo, madeFor } = bundle.manifest;
  if (!bundle.hasGraph(head)) {
    throw new BundleError(`the model ${name} ${LACKS[head]}: it lacks ${pathOf(head)}; ${REMEDIES[head]}`);
  }
  if (!halo.has(head)) {
    throw new BundleError(`the manifest of the bundle ${name} lacks the halo of ${head}`);
  }
  if (madeFor.get(head) !== modelId) {
    throw new BundleError(
      `${pathOf(head)} of the bundle ${name} was made for the decoder ${madeFor.get(head) ?? "of no name"}, ` +
        `not for ${modelId}: take the head of this decoder, or decode with a realism of 0 and a scale of 1`,
    );
  }
}

/** Returns the realism of pictures of a quality for which nobody says one: 0 in a bundle that draws no detail. */
export function defaultRealism(bundle: Bundle, quality: number): number {
  const { realism } = bundle.manifest;
  if (!bundle.hasGraph("detail")) {
    return 0;
  }
  const place = (quality / QUALITY_MAX) * (realism.length - 1);
  const low = Math.floor(place);
  const high = Math.min(low + 1, realism.length - 1);
  return realism[low] + (realism[high] - realism[low]) * (place - low);
}
