/** Has Python make cases (`scripts/web_cases.py`) in a temporary folder, once for all tests. */

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";

const ROOT = join(import.meta.dirname, "..", "..");

declare module "vitest" {
  interface ProvidedContext {
    made: string | null; // the folder; null where there is no Python with skosh
    python: string | null; // the program
  }
}

export default function setup(project: TestProject): (() => void) | undefined {
  const python = process.env.SKOSH_PYTHON ?? join(ROOT, ".venv", "bin", "python");
  if (!existsSync(python)) {
    if (process.env.CI) {
      throw new Error(`the tests need Python with skosh: make test, or SKOSH_PYTHON (not ${python})`);
    }
    console.warn(`no ${python}: tests that compare with Python are skipped (make test, or SKOSH_PYTHON)`);
    project.provide("made", null);
    project.provide("python", null);
    return undefined;
  }
  const folder = mkdtempSync(join(tmpdir(), "skosh-web-"));
  const env = { ...process.env, PYTHONPATH: join(ROOT, "src"), OMP_NUM_THREADS: "1" };
  execFileSync(python, [join(ROOT, "scripts", "web_cases.py"), folder], { env, stdio: "inherit" });
  project.provide("made", folder);
  project.provide("python", python);
  return () => rmSync(folder, { recursive: true });
}
