/** The demonstration page, as somebody uses it. Pages that ask another origin fail every test (`chromium.ts`). */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserContextOptions, Page } from "playwright-core";
import { PNG } from "pngjs";
import { afterEach, beforeAll, expect, inject, test } from "vitest";

import { decode } from "../../src/index.js";
import { GOLDEN, MADE, ROOT, apart, bundleIn, bytesOf, jsonOf } from "../making.js";
import { onStage } from "./chromium.js";
import { DEMO } from "./server.js";

const WAIT = { timeout: 300_000 }; // on a machine that does other work
const { model_id } = jsonOf(ROOT, "src/skosh/models/skosh/manifest.json");
const FOLDER = join(GOLDEN, readdirSync(GOLDEN).find((name) => name.endsWith(model_id)) as string);
const CAT = join(FOLDER, "cat.skosh");
const TEMPLE = join(FOLDER, "temple-tiles.skosh");

const stage = onStage();

/** The page without its service worker, which loads it again. */
async function page(options: BrowserContextOptions = {}): Promise<Page> {
  return stage.open(await stage.browser.newContext({ serviceWorkers: "block", ...options }), DEMO);
}

/** Chooses files and waits until the last one is there in every realism. */
async function choose(found: Page, ...files: Parameters<Page["setInputFiles"]>[1][]): Promise<void> {
  for (const file of files) {
    await found.setInputFiles("#files", file);
  }
  await found.waitForSelector("#status:not(:empty)", WAIT);
  await found.waitForSelector("#work", { ...WAIT, state: "hidden" });
}

/** The pixels of one of the two pictures. */
async function pixels(found: Page, layer: "before" | "after"): Promise<{ data: number[]; size: number[] }> {
  return found.evaluate((id) => {
    const canvas = document.querySelector(`#${id} canvas`) as HTMLCanvasElement;
    const { data } = (canvas.getContext("2d") as CanvasRenderingContext2D).getImageData(
      0,
      0,
      canvas.width,
      canvas.height,
    );
    return { data: [...data], size: [canvas.width, canvas.height] };
  }, layer);
}

async function facts(found: Page): Promise<Record<string, string>> {
  const words = await found.locator("#facts > *").allTextContents();
  return Object.fromEntries(words.flatMap((word, i) => (i % 2 ? [] : [[word, words[i + 1]]])));
}

/** Sets a slider as a user does who lets go of it. */
async function slide(found: Page, id: string, value: number): Promise<void> {
  await found.locator(`#${id}`).fill(String(value));
  await found.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
}

async function download(found: Page, id: string): Promise<{ name: string; bytes: Buffer }> {
  const [event] = await Promise.all([found.waitForEvent("download"), found.click(`#${id}`)]);
  return { name: event.suggestedFilename(), bytes: readFileSync(await event.path()) };
}

afterEach(() => {
  stage.site.broken = null;
});

beforeAll(() => expect(readdirSync(FOLDER)).toContain("cat.skosh"));

test("a golden file is shown, at every realism, and saved", WAIT, async () => {
  const found = await page();
  await choose(found, CAT);
  const due = PNG.sync.read(readFileSync(join(FOLDER, "cat.png")));
  const asked = await pixels(found, "after");
  expect(asked.size).toEqual([due.width, due.height]);
  expect(await found.inputValue("#realism")).not.toBe("0");
  await slide(found, "realism", 0);
  const none = await pixels(found, "after");
  expect(apart(none.data, due.data).most).toBeLessThanOrEqual(1);
  await slide(found, "realism", 1);
  const all = await pixels(found, "after");
  await slide(found, "realism", 0.5);
  const half = await pixels(found, "after");
  expect(apart(all.data, none.data).share).toBeGreaterThan(0.1);
  const decoded = await decode(bytesOf(CAT), { bundle: await bundleIn("src/skosh/models/skosh"), realism: 0.5 });
  const { most, share } = apart(half.data, decoded.data);
  expect(most).toBeLessThanOrEqual(3); // colours that are cut at black or white
  expect(share).toBeLessThan(0.3); // and roundings
  const picture = await download(found, "save-png");
  expect(picture.name).toBe("cat.png");
  expect(apart(PNG.sync.read(picture.bytes).data, half.data).most).toBe(0);
  const file = await download(found, "save-skosh");
  expect([file.name, Buffer.compare(file.bytes, readFileSync(CAT))]).toEqual(["cat.skosh", 0]);
  expect(await facts(found)).toMatchObject({ Pixels: "193 × 130", File: "2,255 bytes", "Bits per pixel": "0.719" });
});

test.skipIf(MADE === null)("a photograph is compressed, upright, and Python reads the file", WAIT, async () => {
  const found = await page();
  await choose(found, join(MADE ?? "", "turned.jpg"));
  const photograph = await pixels(found, "before");
  expect(photograph.size).toEqual([160, 240]);
  const upright = apart(photograph.data, bytesOf(MADE ?? "", "turned.rgba"));
  expect(upright.most).toBeLessThan(60); // by JPEG; on its side it would be another picture
  const { name, bytes } = await download(found, "save-skosh");
  expect(name).toBe("turned.skosh");
  const folder = mkdtempSync(join(tmpdir(), "skosh-demo-"));
  const about = { bundle: join(ROOT, "src/skosh/models/skosh"), quality: 50, tile: 1024, width: 160, height: 240 };
  writeFileSync(join(folder, "cases.json"), JSON.stringify([{ name: "turned", ...about }]));
  writeFileSync(join(folder, "turned.rgba"), Uint8Array.from(photograph.data));
  writeFileSync(join(folder, "turned.skosh"), bytes);
  const env = { ...process.env, PYTHONPATH: join(ROOT, "src"), OMP_NUM_THREADS: "1" };
  execFileSync(inject("python") as string, [join(ROOT, "scripts", "web_encoding.py"), folder], { env });
  const [read] = jsonOf(folder, "read.json");
  await slide(found, "realism", 0);
  const shown = await pixels(found, "after");
  expect(apart(shown.data, bytesOf(folder, "turned.shown.rgba")).most).toBeLessThanOrEqual(1);
  expect(read.size).toEqual([160, 240]);
  expect(Math.abs(bytes.length - read.own_bytes)).toBeLessThanOrEqual(0.03 * read.own_bytes);
  rmSync(folder, { recursive: true });
  const before = await facts(found);
  await slide(found, "quality", 20);
  await found.locator("#quality").dispatchEvent("change");
  await found.waitForFunction(
    (file) => document.querySelector("#facts")?.textContent?.includes(file) === false,
    before.File,
    WAIT,
  );
  expect(await facts(found)).toMatchObject({ Quality: "20", Pixels: "160 × 240" });
});

test("everything can be reached and done by keys", WAIT, async () => {
  const found = await page();
  await choose(found, CAT);
  await found.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  const order: string[] = [];
  for (let n = 0; n < 12; n++) {
    await found.keyboard.press("Tab");
    order.push(
      await found.evaluate(() => document.activeElement?.id || (document.activeElement as HTMLInputElement).name),
    );
    const outline = await found.evaluate(() => {
      const { activeElement } = document;
      const seen = activeElement?.id === "files" ? activeElement.nextElementSibling : activeElement;
      return getComputedStyle(seen as Element).outlineStyle;
    });
    expect(outline, order.at(-1)).toBe("solid");
  }
  const due = ["files", "example", "stage", "divider", "zoom-out", "zoom-in", "zoom-fit", "zoom-pixels", "realism"];
  expect(order).toEqual([...due, "before", "save-skosh", "save-png"]);
  const zoom = (): Promise<string> => found.inputValue("#zoom").catch(() => found.innerText("#zoom"));
  await found.focus("#stage");
  await found.keyboard.press("0");
  const fitted = await zoom();
  await found.keyboard.press("+");
  const large = await zoom();
  expect(parseInt(large)).toBe(Math.round(1.25 * parseInt(fitted)));
  const placed = (): Promise<string> =>
    found.evaluate(() => (document.querySelector("#after canvas") as HTMLElement).style.transform);
  const there = await placed();
  await found.keyboard.press("ArrowRight");
  expect(await placed()).not.toBe(there);
  await found.keyboard.press("1");
  expect(await zoom()).toBe("100 %");
  await found.focus("#divider");
  await found.keyboard.press("ArrowRight");
  expect(await found.getAttribute("#divider", "aria-valuenow")).toBe("52");
  await found.keyboard.press("End");
  expect(await found.evaluate(() => (document.querySelector("#after") as HTMLElement).style.clipPath)).toMatch(/100%/);
  await found.focus("#realism");
  await found.keyboard.press("Home");
  await expect.poll(() => found.textContent("#after-label"), WAIT).toBe("skosh, nothing drawn"); // once it is decoded
  await found.keyboard.press("ArrowRight");
  expect(await found.textContent("#realism-value")).toBe("0.01");
  const unnamed = await found.evaluate(() =>
    [...document.querySelectorAll<HTMLInputElement>("input, select, progress, output")]
      .filter((one) => !one.labels?.length && !one.ariaLabel)
      .map((one) => one.id),
  );
  expect(unnamed).toEqual([]);
});

test("wheel, drag and two fingers zoom and move the picture", WAIT, async () => {
  const found = await page();
  await choose(found, CAT);
  const transform = (): Promise<number[]> =>
    found.evaluate(() =>
      ((document.querySelector("#after canvas") as HTMLElement).style.transform.match(/[-\d.]+/g) ?? []).map(Number),
    );
  const box = (await found.locator("#stage").boundingBox()) as { x: number; y: number; width: number; height: number };
  const [x, y, scale] = await transform();
  const at = { x: box.x + box.width / 3, y: box.y + box.height / 3 };
  await found.mouse.move(at.x, at.y);
  await found.mouse.wheel(0, -200);
  await expect.poll(transform).not.toEqual([x, y, scale]);
  const [x2, y2, scale2] = await transform();
  expect(scale2).toBeCloseTo(scale * Math.exp(0.4), 2);
  const under = (left: number, size: number, edge: number, place: number): number => (place - edge - left) / size;
  expect(under(x2, scale2, box.x, at.x)).toBeCloseTo(under(x, scale, box.x, at.x), 0); // what is there stays there
  expect(under(y2, scale2, box.y, at.y)).toBeCloseTo(under(y, scale, box.y, at.y), 0);
  await found.mouse.down();
  await found.mouse.move(at.x + 30, at.y + 20);
  await found.mouse.up();
  const [x3, y3] = await transform();
  expect([x3 - x2, y3 - y2].map(Math.round)).toEqual([30, 20]);
  await found.evaluate((middle) => {
    const target = document.querySelector("#stage") as HTMLElement;
    target.setPointerCapture = () => undefined; // made events have no pointer to capture
    const send = (type: string, pointerId: number, clientX: number): boolean =>
      target.dispatchEvent(new PointerEvent(type, { pointerId, clientX, clientY: middle.y, button: 0, bubbles: true }));
    send("pointerdown", 11, middle.x - 20);
    send("pointerdown", 12, middle.x + 20);
    send("pointermove", 12, middle.x + 60);
    send("pointerup", 11, middle.x - 20);
    send("pointerup", 12, middle.x + 60);
  }, at);
  expect((await transform())[2]).toBeCloseTo(2 * scale2, 1);
});

test("without a network, the page loads again, decodes and compresses, with threads", WAIT, async () => {
  const context = await stage.browser.newContext();
  const found = await stage.open(context, DEMO);
  await found.waitForSelector("#offline:not(:empty)", { ...WAIT, state: "attached" });
  expect(await found.evaluate(() => crossOriginIsolated)).toBe(true); // the server sends no header for it
  stage.site.asked.length = 0;
  stage.site.broken = /./;
  await context.setOffline(true);
  await found.reload();
  await choose(found, CAT);
  expect(await facts(found)).toMatchObject({ File: "2,255 bytes", Threads: "several" });
  await found.click("#example");
  await found.waitForFunction(() => document.querySelector("#name")?.textContent === "example.jpg", undefined, WAIT);
  const asked = new Set(stage.site.asked.map((path) => path.replace(/.*\//, ""))); // in vain: all of it is an error
  expect([...asked].filter((name) => !["sw.js", "manifest.json"].includes(name))).toEqual([]);
});

test("a file that is chosen while another one is decoded takes its place", WAIT, async () => {
  const found = await page();
  await choose(found, TEMPLE, CAT);
  expect(await found.textContent("#name")).toBe("cat.skosh");
  expect((await pixels(found, "after")).size).toEqual([193, 130]);
  expect(await found.locator("#list button").allTextContents()).toEqual(["temple-tiles.skosh", "cat.skosh"]);
  await found.locator("#list button").first().click();
  await found.waitForFunction(
    () => document.querySelector("#name")?.textContent === "temple-tiles.skosh",
    undefined,
    WAIT,
  );
  expect(await found.isVisible("#error")).toBe(false);
});

test("files that can't be opened are errors with a remedy, and what is shown stays", WAIT, async () => {
  const found = await page();
  await choose(found, CAT);
  const cut = readFileSync(CAT).subarray(0, 500);
  const cases: [string, Buffer, RegExp, RegExp][] = [
    ["words.skosh", Buffer.from("words"), /not a \.skosh file/, /again/],
    ["cut.skosh", cut, /cut short/, /salvage/],
    ["words.jpg", Buffer.from("words"), /can't read/, /JPEG, PNG or WebP/],
    ["other.skosh", readFileSync(join(ROOT, "spec/vectors/tiles.skosh")), /another|model/, /skosh decompress/],
  ];
  for (const [name, buffer, text, remedy] of cases) {
    await found.setInputFiles("#files", { name, mimeType: "", buffer });
    await expect.poll(() => found.textContent("#error-text"), WAIT).toMatch(text);
    expect(await found.textContent("#remedy")).toMatch(remedy);
    expect(await found.textContent("#name")).toBe("cat.skosh");
  }
  expect(await found.isVisible("#list")).toBe(false);
});

test("work that is cancelled ends, and the page goes on", WAIT, async () => {
  const found = await page();
  await found.click("#example");
  await found.waitForSelector("#cancel:visible");
  await found.click("#cancel");
  expect(await found.textContent("#status")).toBe("Cancelled.");
  await expect.poll(() => found.isVisible("#work")).toBe(false);
  await choose(found, CAT);
  expect(await found.textContent("#name")).toBe("cat.skosh");
});

test("on a phone nothing is wider than the screen", WAIT, async () => {
  const found = await page({ viewport: { width: 390, height: 844 }, hasTouch: true });
  await choose(found, CAT);
  expect(await found.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  const small = await found.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>("button, select, .button, input[type=range]")]
      .filter((one) => one.offsetParent && one.offsetHeight < 32)
      .map((one) => one.id),
  );
  expect(small).toEqual([]);
});
