/** Starts the worker. Bundlers know this form, and take the worker's file along; the build puts its own name in. */

export function launch(): Worker {
  return new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
}
