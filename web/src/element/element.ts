/** Defines `<skosh-img>`. */

import { SkoshImg } from "./skosh_img.js";

export { SkoshImg } from "./skosh_img.js";
export { upgrade } from "./upgrade.js";

if (globalThis.customElements && !customElements.get("skosh-img")) {
  customElements.define("skosh-img", SkoshImg);
}

declare global {
  interface HTMLElementTagNameMap {
    "skosh-img": SkoshImg;
  }
}
