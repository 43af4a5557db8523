/** Builds the package, what runs in a page beside it, and the demonstration page, once for all tests. */

import { fileURLToPath } from "node:url";
import { build } from "vite";

const configFile = fileURLToPath(new URL("../../vite.config.ts", import.meta.url));
const demoConfig = fileURLToPath(new URL("../../demo/vite.config.ts", import.meta.url));

export default async function setup(): Promise<void> {
  for (const mode of ["production", "worker", "inside"]) {
    await build({ configFile, mode, logLevel: "warn" });
  }
  await build({ configFile: demoConfig, logLevel: "warn" });
}
