/** Decoding as a page calls it: bundles by their address, regions, and calls that are given up. */

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

import { BundleError, FormatError, LimitError, decode, fromUrl, info, load } from "../src/index.js";
import { ROOT, apart, bundleIn, vectorFile } from "./making.js";

const file = vectorFile("tiles.skosh");
let server: Server;
let address: string;
const asked: string[] = [];
let broken = false;

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.url ?? "");
    readFile(join(ROOT, "tests", "bundles", request.url ?? "")).then(
      (content) => response.writeHead(broken ? 500 : 200).end(content),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => new Promise((resolve) => server.close(resolve)));

test("a bundle is fetched from its address once, without what a decoder does not need", async () => {
  broken = true;
  await expect(decode(file, { bundle: `${address}/filtered` })).rejects.toThrow(BundleError);
  broken = false;
  asked.length = 0;
  const [one, other] = await Promise.all([
    decode(file, { bundle: `${address}/filtered` }),
    decode(file, { bundle: `${address}/filtered` }),
  ]);
  const graphs = ["mean_first.onnx", "mean_second.onnx", "synthesis.onnx", "tables.npz", "wiener.onnx"];
  const due = ["manifest.json", ...graphs.map((name) => `decoder/${name}`)].map((name) => `/filtered/${name}`);
  expect([...asked].sort()).toEqual(due.sort());
  expect(apart(one.data, other.data).most).toBe(0);
  expect(one.data.length).toBe(4 * one.width * one.height);
});

test("a bundle that is not there is an error", async () => {
  await expect(load(fromUrl(`${address}/nothing/`))).rejects.toThrow(/404/);
});

test("a call that is given up says why", async () => {
  const reason = new Error("the page is gone");
  await expect(decode(file, { bundle: address, signal: AbortSignal.abort(reason) })).rejects.toThrow(reason);
  const control = new AbortController();
  const slow = decode(file, { bundle: `${address}/tiny/../filtered`, signal: control.signal });
  control.abort(reason);
  await expect(slow).rejects.toThrow(reason);
  const later = new AbortController();
  const bundle = await bundleIn("tests/bundles/filtered");
  const during = decode(file, { bundle, signal: later.signal });
  setTimeout(() => later.abort(reason));
  await expect(during).rejects.toThrow(reason);
});

test("a region is inside of the picture, and four whole numbers", async () => {
  const bundle = await bundleIn("tests/bundles/filtered");
  await expect(decode(file, { bundle, region: [70, 0, 6, 1] })).rejects.toThrow(LimitError);
  await expect(decode(file, { bundle, region: [0, 0, 0, 1] })).rejects.toThrow(LimitError);
  await expect(decode(file, { bundle, region: [0, 0, 1.5, 1] })).rejects.toThrow(TypeError);
});

test("a picture over the limit is refused, and one byte of another file", async () => {
  const bundle = await bundleIn("tests/bundles/filtered");
  await expect(decode(file, { bundle, maxPixels: 1000 })).rejects.toThrow(LimitError);
  await expect(decode(new ArrayBuffer(1), { bundle })).rejects.toThrow(FormatError);
});

test("a file is described without a bundle", () => {
  expect(info(file)).toEqual({
    formatVersion: 1,
    width: 75,
    height: 53,
    mode: "RGB",
    quality: 62.375,
    bytes: file.length,
    bpp: (8 * file.length) / (75 * 53),
    tiles: 2,
    tile: 64,
    pictureBytes: expect.any(Number),
    alphaBytes: 0,
    iccBytes: 0,
    exifBytes: 0,
    xmpBytes: 0,
    realism: null,
    space: null,
    damaged: [],
    modelId: expect.stringMatching(/^[0-9a-f]{16}$/),
  });
  expect(info(vectorFile("grey-alpha.skosh"))).toMatchObject({ mode: "LA", tile: null, width: 40, height: 30 });
});
