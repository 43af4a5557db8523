/** Settings of a page. They count before the first picture; a worker gets them from its page. */

export interface Settings {
  readonly models?: string | URL; // the folder below which a bundle's folder is named by its model id
  readonly threads?: number; // of ONNX Runtime; missing: up to 4 in an isolated page, else 1
  readonly wasmPaths?: string; // the folder from which the page serves ONNX Runtime's files
  readonly worker?: boolean; // false: decode on the page's own thread, which then stands still
}

let current: Settings = {};

/** Changes settings; those that are not named stay. */
export function configure(settings: Settings): void {
  current = { ...current, ...settings };
}

export function settings(): Settings {
  return current;
}
