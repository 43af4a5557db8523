/** Builds the package and what runs in the page beside it, once for all tests. */

import { fileURLToPath } from "node:url";
import { build } from "vite";

const configFile = fileURLToPath(new URL("../../vite.config.ts", import.meta.url));

export default async function setup(): Promise<void> {
  for (const mode of ["production", "worker", "inside"]) {
    await build({ configFile, mode, logLevel: "warn" });
  }
}
