/** A real Chromium, and pages in it that may ask one origin alone. */

import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect } from "vitest";

import { MADE } from "../making.js";
import { serve, type Site } from "./server.js";

const FLAGS = process.getuid?.() === 0 ? ["--no-sandbox"] : []; // Chromium refuses to run as root with its sandbox

export interface Stage {
  browser: Browser;
  site: Site;
  page(context?: BrowserContext): Promise<Page>; // a fresh page, where the package is loaded
  open(context: BrowserContext, path: string): Promise<Page>; // another page
}

/** Sets the stage for the tests of a file; each fails if a page asked another origin, or threw an error of its own. */
export function onStage({ isolated = false } = {}): Stage {
  const stage = {} as Stage;
  let foreign: string[] = [];
  let errors: string[] = [];
  const contexts = new Set<BrowserContext>();
  beforeAll(async () => {
    stage.site = await serve({ isolated, made: MADE });
    stage.browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: FLAGS,
    });
  });
  stage.page = async (given) => {
    const page = await stage.open(given ?? (await stage.browser.newContext()), "/page.html");
    await page.waitForSelector("html.ready"); // which, unlike waitForFunction, evaluates no text
    return page;
  };
  stage.open = async (context, path) => {
    contexts.add(context);
    context.on("request", (request) => {
      if (!request.url().startsWith(`${stage.site.origin}/`)) {
        foreign.push(request.url());
      }
    });
    const page = await context.newPage();
    page.on("pageerror", (error) => errors.push(error.message));
    await page.goto(stage.site.origin + path);
    return page;
  };
  afterEach(async () => {
    await Promise.all([...contexts].map((context) => context.close())); // a page in the background takes time
    contexts.clear();
    const found = { foreign, errors };
    [foreign, errors] = [[], []];
    expect(found).toEqual({ foreign: [], errors: [] });
  });
  afterAll(async () => {
    await stage.browser?.close();
    await stage.site?.close();
  });
  return stage;
}
