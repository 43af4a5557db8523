/** A script for pages that use plain `<img src="a.skosh">`: shows all of them, also those that come later. */

import { upgrade } from "./element.js";

function start(): void {
  upgrade(document);
  const watcher = new MutationObserver((changes) => {
    for (const { target, addedNodes } of changes) {
      for (const node of [target, ...addedNodes]) {
        if (node instanceof Element && node.isConnected) {
          upgrade(node);
        }
      }
    }
  });
  watcher.observe(document, { childList: true, subtree: true, attributes: true, attributeFilter: ["src"] });
}

if (document.readyState === "loading") {
  document.addEventListener("DOMContentLoaded", start, { once: true });
} else {
  start();
}
