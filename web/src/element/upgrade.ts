/** Replaces plain `<img src="a.skosh">`, which no browser shows, by `<skosh-img>`. */

import type { SkoshImg } from "./skosh_img.js";

/** Replaces those at and below `root`. Attributes are kept, `data-fallback` becomes `fallback`. Returns the new ones. */
export function upgrade(root: ParentNode | Element): SkoshImg[] {
  const below = [...root.querySelectorAll("img")];
  const images = root instanceof HTMLImageElement ? [root, ...below] : below;
  return images.filter(isSkosh).map(replaced);
}

function isSkosh(image: HTMLImageElement): boolean {
  try {
    return image.hasAttribute("src") && new URL(image.src, document.baseURI).pathname.endsWith(".skosh");
  } catch {
    return false; // no address
  }
}

function replaced(image: HTMLImageElement): SkoshImg {
  const element = document.createElement("skosh-img") as SkoshImg;
  for (const { name, value } of image.attributes) {
    element.setAttribute(name === "data-fallback" ? "fallback" : name, value);
  }
  image.replaceWith(element);
  return element;
}
