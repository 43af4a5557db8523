/** Bundles: what is refused, and that integers and networks agree. */

import { beforeAll, describe, expect, test } from "vitest";

import { Planes, floats } from "../src/arrays.js";
import { load, type Bundle } from "../src/bundle/bundle.js";
import { canonical } from "../src/bundle/manifest.js";
import type { Networks } from "../src/bundle/networks.js";
import { halfFloat } from "../src/bundle/npy.js";
import { Sessions } from "../src/bundle/onnx.js";
import { content, type Source } from "../src/bundle/source.js";
import { decode } from "../src/codec/decoder.js";
import { BundleError } from "../src/errors.js";
import { ROOT, bundleIn, bytesOf, folderSource, installed, random, vectorFile } from "./making.js";

const FOLDER = `${ROOT}/tests/bundles/filtered`;

type Change = (manifest: Record<string, any>) => void;

/** The small bundle, but for its manifest. */
function changed(change: Change): Source {
  return async (path) => {
    const found = bytesOf(FOLDER, path);
    if (path !== "manifest.json") {
      return found;
    }
    const manifest = JSON.parse(new TextDecoder().decode(found));
    change(manifest);
    return new TextEncoder().encode(JSON.stringify(manifest));
  };
}

test.each<[string, Change, RegExp]>([
  ["a later version", (m) => (m.bundle_version = 4), /version 4 is not known/],
  ["another model id", (m) => (m.model_id = "0123456789abcdef"), /names model id/],
  ["another halo", (m) => (m.decoder.halo.synthesis = 1), /but its decoder's is/],
  ["an impossible halo", (m) => (m.decoder.halo.synthesis = 65), /the halos of decoder/],
  ["no halo of a network", (m) => delete m.decoder.halo.mean_second, /the halo of mean_second/],
  ["no latent", (m) => (m.decoder.latent_channels = 0), /latent_channels/],
  ["a stride that does not divide", (m) => (m.decoder.stride = 24), /stride or multiple/],
  ["a path that leads outside", (m) => (m.files["decoder/../x"] = "0".repeat(64)), /files/],
  ["a hash that is none", (m) => (m.files["decoder/tables.npz"] = "0"), /files/],
  ["no network", (m) => delete m.files["decoder/synthesis.onnx"], /decoder\/synthesis.onnx/],
  ["no name", (m) => delete m.name, /name/],
])("a manifest with %s is refused", async (_, change, message) => {
  await expect(load(changed(change))).rejects.toThrow(message);
  await expect(load(changed(change))).rejects.toThrow(BundleError);
});

describe("files of a bundle", () => {
  test("a damaged one is refused", async () => {
    const source: Source = async (path) => {
      const found = bytesOf(FOLDER, path);
      found[path === "decoder/mean_second.onnx" ? 1000 : found.length] ^= 1;
      return found;
    };
    await expect(load(source)).rejects.toThrow(/mean_second.onnx of the bundle is damaged/);
  });

  test("a missing one is refused", async () => {
    await expect(load(folderSource(`${ROOT}/tests`))).rejects.toThrow(BundleError);
  });

  test("what is no manifest is refused", async () => {
    for (const text of ["", "[]", "{}", "nonsense", "[".repeat(100_000)]) {
      await expect(load(async () => new TextEncoder().encode(text))).rejects.toThrow(BundleError);
    }
  });
});

test("a file of another bundle is refused", async () => {
  const bundle = await bundleIn("tests/bundles/tiny");
  await expect(decode(vectorFile("tiles.skosh"), { bundle })).rejects.toThrow(/was made with model/);
});

test("a network of another shape is refused", async () => {
  const real = await bundleIn("tests/bundles/filtered");
  const networks: Networks = {
    run: async (graph, inputs, only) => {
      const [first, ...rest] = await real.run(graph, inputs, only);
      const cut = new Planes(first.data.subarray(0, first.channels), first.channels, 1, 1);
      return [graph === "synthesis" ? cut : first, ...rest];
    },
    close: async () => undefined,
  };
  const bundle = await load(folderSource(FOLDER), { networks });
  await expect(decode(vectorFile("tiles.skosh"), { bundle })).rejects.toThrow(/synthesis.onnx .* gives 3x1x1/);
});

describe.each([...installed().values(), FOLDER])("the scale map of %s", (folder) => {
  let bundle: Bundle;
  beforeAll(async () => {
    bundle = await bundleIn(folder);
  });

  test("is equal in integers and as a network", async () => {
    const { manifest } = bundle;
    const model = (): Promise<Uint8Array> => content(folderSource(folder), manifest.files, "decoder/scale_map.onnx");
    const sessions = new Sessions(model);
    const draw = random(2);
    const symbols = Int32Array.from({ length: manifest.hyper * 20 }, () => Math.floor(127 * draw()) - 63);
    const z = new Planes(symbols, manifest.hyper, 4, 5);
    const [found] = await sessions.run("scale_map", [floats(z)]);
    const due = bundle.scaleMap(z);
    expect(found.shape).toBe(due.shape);
    expect(found.data.every((value, i) => value === due.data[i])).toBe(true);
    expect(new Set(due.data).size).toBeGreaterThan(10);
    await sessions.close();
  });
});

test("JSON for a hash is Python's", () => {
  const value = { b: [1, -2], a: { z: "é\u{1f600}\u007f", y: null }, "": "\n" };
  expect(canonical(value)).toBe('{"":"\\n","a":{"y":null,"z":"\\u00e9\\ud83d\\ude00\\u007f"},"b":[1,-2]}');
});

test("a half float that is no number", () => {
  expect([halfFloat(0x7c00), halfFloat(0xfc00), halfFloat(0x7e00)]).toEqual([Infinity, -Infinity, NaN]);
});
