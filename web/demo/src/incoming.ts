/** Files that the user chooses, drops or pastes. */

import { input, part } from "./elements.js";

/** Calls `found` with files from now on. */
export function onFiles(found: (files: File[]) => void): void {
  const chosen = input("files");
  chosen.addEventListener("change", () => {
    found([...(chosen.files ?? [])]);
    chosen.value = ""; // the same file can be chosen again
  });
  const over = (is: boolean) => (event: DragEvent) => {
    event.preventDefault(); // else the browser leaves the page to show the file
    part("stage").classList.toggle("over", is);
  };
  document.addEventListener("dragover", over(true));
  document.addEventListener("dragleave", over(false));
  document.addEventListener("drop", (event) => {
    over(false)(event);
    found([...(event.dataTransfer?.files ?? [])]);
  });
  document.addEventListener("paste", (event) => found([...(event.clipboardData?.files ?? [])]));
}
