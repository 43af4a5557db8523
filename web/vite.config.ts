import { defineConfig } from "vitest/config";

export default defineConfig({
  build: {
    lib: { entry: "src/index.ts", formats: ["es"], fileName: "skosh" },
    rollupOptions: { external: [/^onnxruntime-web/] }, // whoever bundles a page brings its WASM along
    minify: false,
    sourcemap: true,
    target: "es2022",
  },
  test: {
    globalSetup: ["tests/made.ts"],
    include: ["tests/**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    fileParallelism: false, // networks take all of a core, and memory
  },
});
