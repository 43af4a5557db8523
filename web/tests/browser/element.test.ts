/** `<skosh-img>`: its place on the page, previews, attributes, errors, and plain `<img>` that become it. */

import type { Page } from "playwright-core";
import { beforeAll, expect, test } from "vitest";

import { jsonOf, ROOT } from "../making.js";
import { onStage } from "./chromium.js";

const BUNDLE = "/tests/bundles/filtered";
const FILE = "/spec/vectors/tiles.skosh"; // 75x53
const stage = onStage();

beforeAll(() => {
  stage.site.pages.set("/element.js", `window.element = await import("/dist/element.js");`);
  stage.site.pages.set("/auto.js", `import "/dist/auto.js";`);
  stage.site.pages.set("/foreign.skosh", "GIF89a, but by another name: long enough to be looked at as a whole header");
});

async function withScript(script: string): Promise<Page> {
  const page = await stage.page();
  await page.addScriptTag({ url: script, type: "module" });
  return page;
}

/** A page with elements of these attributes, and what happens to them in `log`. */
async function shown(html: string): Promise<Page> {
  const page = await withScript("/element.js");
  await page.evaluate((inner) => {
    const log: string[] = ((window as any).log = []);
    for (const kind of ["load", "error"]) {
      document.addEventListener(
        kind,
        (event) =>
          log.push(`${(event.target as Element).id} ${kind} ${(event as ErrorEvent).error?.name ?? ""}`.trim()),
        true,
      );
    }
    document.body.innerHTML = inner;
  }, html);
  return page;
}

const log = (page: Page): Promise<string[]> => page.evaluate(() => (window as any).log);

async function settled(page: Page, id: string): Promise<void> {
  await page.evaluate(async (name) => {
    const element = document.getElementById(name) as any;
    while (!element.complete) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }, id);
}

/** The roles and names that Chromium tells a screen reader. */
async function described(page: Page): Promise<unknown[]> {
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send("Accessibility.getFullAXTree");
  return nodes.map(({ role, name }) => [role?.value, name?.value]);
}

/** The bytes of the element's canvas, or null where it shows none. */
const pixels = (page: Page, id: string): Promise<number[] | null> =>
  page.evaluate((name) => {
    const canvas = document.getElementById(name)?.shadowRoot?.querySelector("canvas");
    const context = canvas && !canvas.hidden ? canvas.getContext("2d") : null;
    return context && [...context.getImageData(0, 0, context.canvas.width, context.canvas.height).data];
  }, id);

test("it has its size before it is decoded, and shows the file's pixels afterwards", async () => {
  const page = await shown("");
  const found = await page.evaluate(
    async ({ file, bundle }) => {
      document.body.innerHTML = `<skosh-img id="a" src="${file}" bundle="${bundle}" alt="a cat" realism="0"></skosh-img>`;
      const element = document.getElementById("a") as any;
      const sizes: string[] = [];
      while (!element.complete) {
        const { width, height } = element.getBoundingClientRect();
        sizes.push(`${width}x${height}`);
        await new Promise((resolve) => setTimeout(resolve));
      }
      const { width, height } = element.getBoundingClientRect();
      const natural = [element.naturalWidth, element.naturalHeight];
      const picture = await window.skosh.decode(await window.inside.bytesOf(file), { bundle, realism: 0 });
      return { sizes: [...new Set(sizes)], last: `${width}x${height}`, natural, due: [...picture.data] };
    },
    { file: FILE, bundle: BUNDLE },
  );
  expect(found.natural).toEqual([75, 53]);
  expect(found.last).toBe("75x53");
  expect(found.sizes).toEqual(["0x0", "75x53"]); // nothing, then all of the place
  expect(await pixels(page, "a")).toEqual(found.due);
  expect(await log(page)).toEqual(["a load"]);
  expect(await described(page)).toContainEqual(["image", "a cat"]);
});

test("a preview is drawn first", async () => {
  const page = await shown("");
  const draws = await page.evaluate(
    async ({ file, bundle }) => {
      const found: number[] = [];
      const { prototype } = CanvasRenderingContext2D;
      const { putImageData } = prototype;
      prototype.putImageData = function (this: CanvasRenderingContext2D, ...given: [ImageData, number, number]) {
        found.push(given[0].width);
        Reflect.apply(putImageData, this, given);
      };
      document.body.innerHTML = `<skosh-img id="a" src="${file}" bundle="${bundle}"></skosh-img>`;
      const element = document.getElementById("a") as any;
      await new Promise((resolve) => element.addEventListener("load", resolve));
      return found;
    },
    { file: FILE, bundle: BUNDLE },
  );
  expect(draws).toEqual([10, 75]);
});

test("its attributes can change", async () => {
  const page = await shown(`<skosh-img id="a" src="${FILE}" bundle="${BUNDLE}" realism="0" width="150"></skosh-img>`);
  await settled(page, "a");
  const before = await pixels(page, "a");
  expect(await page.evaluate(() => document.getElementById("a")?.getBoundingClientRect().width)).toBe(150);
  expect(await page.evaluate(() => document.getElementById("a")?.getBoundingClientRect().height)).toBe(106);
  stage.site.asked.length = 0;
  await page.evaluate(() => ((document.getElementById("a") as any).realism = 1));
  await settled(page, "a");
  expect(await pixels(page, "a")).not.toEqual(before);
  expect(stage.site.asked).not.toContain(FILE); // the same file
  await page.evaluate(() => document.getElementById("a")?.setAttribute("src", "/spec/vectors/grey-alpha.skosh"));
  await settled(page, "a");
  expect((await pixels(page, "a"))?.length).toBe(4 * 40 * 30);
  expect(await log(page)).toEqual(["a load", "a load", "a load"]);
});

test("an error shows the fallback, else the alt text", async () => {
  const png = "/tests/golden/skosh-0fe9c06ba139bfc8/cat.png";
  const page = await shown(`
    <skosh-img id="missing" src="/nothing.skosh" bundle="${BUNDLE}" alt="lost" fallback="${png}"></skosh-img>
    <skosh-img id="foreign" src="/foreign.skosh" bundle="${BUNDLE}" alt="a gif"></skosh-img>
    <skosh-img id="unfit" src="${FILE}" bundle="/tests/bundles/tiny" alt="unfit" fallback="/no.png"></skosh-img>
    <skosh-img id="empty" alt="nothing"></skosh-img>`);
  for (const id of ["missing", "foreign", "unfit"]) {
    await settled(page, id);
  }
  const found = await log(page);
  expect(found.sort()).toEqual(["foreign error FormatError", "missing error SkoshError", "unfit error BundleError"]);
  const part = (id: string): Promise<string[]> =>
    page.evaluate(
      (name) =>
        [...(document.getElementById(name)?.shadowRoot?.children ?? [])]
          .filter((one) => !(one as HTMLElement).hidden)
          .map((one) => one.tagName + one.textContent),
      id,
    );
  expect(await part("missing")).toEqual(["IMG"]);
  expect(await part("foreign")).toEqual(["SPANa gif"]);
  await expect.poll(() => part("unfit")).toEqual(["SPANunfit"]); // its fallback is missing, too
  expect(await part("empty")).toEqual([]);
  await page.evaluate(({ file }) => document.getElementById("foreign")?.setAttribute("src", file), { file: FILE });
  await settled(page, "foreign");
  expect(await part("foreign")).toEqual(["CANVAS"]);
});

test("it is decoded when it comes into view", async () => {
  stage.site.asked.length = 0;
  const page = await shown(`<div id="far"></div>`);
  await page.evaluate(
    ({ file, bundle }) => {
      const far = document.getElementById("far") as HTMLElement;
      far.style.height = "5000px";
      far.insertAdjacentHTML("afterend", `<skosh-img id="a" src="${file}" bundle="${bundle}"></skosh-img>`);
    },
    { file: FILE, bundle: BUNDLE },
  );
  await expect.poll(() => page.evaluate(() => (document.getElementById("a") as any).naturalWidth)).toBe(75);
  await page.waitForTimeout(300);
  expect(await page.evaluate(() => (document.getElementById("a") as any).complete)).toBe(false);
  expect(stage.site.asked).not.toContain("/dist/worker.js");
  await page.evaluate(() => document.getElementById("a")?.scrollIntoView());
  await settled(page, "a");
  expect(await log(page)).toEqual(["a load"]);
});

test("what is removed is given up, and shown again when it comes back", async () => {
  const page = await shown(`<skosh-img id="a" src="${FILE}" bundle="${BUNDLE}"></skosh-img>`);
  const count = await page.evaluate(async () => {
    const element = document.getElementById("a") as any;
    element.remove();
    await new Promise((resolve) => setTimeout(resolve, 500));
    const events = (window as any).log.length;
    document.body.append(element);
    await new Promise((resolve) => element.addEventListener("load", resolve));
    return events;
  });
  expect(count).toBe(0);
});

test("plain images become it, also later ones", async () => {
  const page = await withScript("/auto.js");
  const { model_id } = jsonOf(ROOT, BUNDLE, "manifest.json");
  stage.site.pages.set("/settings.js", `import { configure } from "/dist/skosh.js"; configure({ models: "/models" });`);
  await page.addScriptTag({ url: "/settings.js", type: "module" });
  const asked = await page.evaluate(async (file) => {
    document.body.innerHTML = `<p><img id="a" class="b" src="${file}?x=1" alt="c" data-fallback="/d.png"><img id="png" src="/empty.png"></p>`;
    await new Promise((resolve) => setTimeout(resolve, 100));
    const [one, other] = [document.getElementById("a"), document.getElementById("png")];
    (document.getElementById("png") as HTMLImageElement).src = file;
    await new Promise((resolve) => setTimeout(resolve, 100));
    const names = [one?.tagName, other?.tagName, document.getElementById("png")?.tagName];
    return [...names, one?.className, one?.getAttribute("alt"), one?.getAttribute("fallback")];
  }, FILE);
  expect(asked).toEqual(["SKOSH-IMG", "IMG", "SKOSH-IMG", "b", "c", "/d.png"]);
  await settled(page, "a");
  expect(stage.site.asked).toContain(`/models/${model_id}/manifest.json`);
});
