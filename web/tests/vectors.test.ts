/** The test vectors of spec/vectors, stage by stage. */

import { expect, test } from "vitest";

import { bundleIn, vectorFile, vectors } from "./making.js";
import { CHECKS, type Place } from "./vector_checks.js";

const place: Place = {
  expect,
  vectors: async (stage) => vectors(stage),
  vectorFile: async (name) => vectorFile(name),
  bundleOf: async (stage) => {
    const bundle = await bundleIn(stage.bundle);
    expect(bundle.manifest.modelId, "the bundle is another one now: run scripts/vectors.py").toBe(stage.model_id);
    return bundle;
  },
};

test.each(Object.entries(CHECKS))("%s", (_, check) => check(place));
