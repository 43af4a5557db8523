/** Work that takes a while, one piece at a time: the next one ends the one before. */

import type { Watch } from "./opening.js";
import { button, element, part } from "./elements.js";
import { told } from "./remedies.js";

const WORDS = {
  bundle: "Fetching the model",
  analysis: "Analysing",
  symbols: "Finding the symbols",
  pixels: "Drawing the picture",
} as const;

const bar = element("progress", HTMLProgressElement);
const text = part("work-text");
let current: AbortController | undefined;
let running: Promise<void> | undefined; // the work that began last

/** Does work for the user. Its progress and its errors are shown; work that is going on is given up. */
export function begin(title: string, work: (watch: Watch) => Promise<void>): Promise<void> {
  running = followed(title, work);
  return running;
}

/** Waits until no work is going on. */
export async function idle(): Promise<void> {
  while (current) {
    await running;
  }
}

async function followed(title: string, work: (watch: Watch) => Promise<void>): Promise<void> {
  const control = new AbortController();
  current?.abort();
  current = control;
  say("");
  showError(undefined);
  const { signal } = control;
  show(title);
  try {
    await work({ signal, progress: (stage, share) => control === current && show(WORDS[stage], share) });
  } catch (error) {
    if (!signal.aborted) {
      showError(error);
    }
  }
  if (current === control) {
    current = undefined;
    part("work").hidden = true;
  }
}

/** Returns whether work is going on. */
export function busy(): boolean {
  return current !== undefined;
}

/** Says something, also to those who listen. */
export function say(message: string): void {
  part("status").textContent = message;
}

export function showError(error: unknown): void {
  part("error").hidden = error === undefined;
  const { text: what, remedy } = error === undefined ? { text: "", remedy: "" } : told(error);
  part("error-text").textContent = what;
  part("remedy").replaceChildren(...remedy.split("`").map((words, i) => (i % 2 ? typed(words) : words)));
}

function typed(words: string): HTMLElement {
  const made = document.createElement("code");
  made.textContent = words;
  return made;
}

/** Shows what is being done, and the share of it; one that is missing or all of it is not known. */
export function show(title: string, share?: number): void {
  part("work").hidden = false;
  text.textContent = `${title} …`;
  if (share === undefined || share >= 1) {
    bar.removeAttribute("value");
  } else {
    bar.value = share;
  }
}

button("cancel").addEventListener("click", () => {
  current?.abort();
  say("Cancelled.");
});
