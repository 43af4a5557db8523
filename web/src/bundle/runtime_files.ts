/** Where ONNX Runtime's own two files lie. Its module knows, as long as nobody moved it: the build does (vite.config.ts). */

export const FILES: { readonly mjs: string; readonly wasm: string } | undefined = undefined;
