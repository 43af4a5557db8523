/**
 * `<skosh-img src alt realism fallback>`: shows a `.skosh` file as `<img>` shows others.
 *
 *     src        the file's address
 *     alt        text in the place of the picture, for who can't see it, and where there is an error
 *     realism    0 to 1; missing: what the file asks for
 *     fallback   the address of another picture, shown where there is an error
 *     bundle     the address of the bundle's folder; missing: below `configure({ models })`
 *     width, height, loading="eager"   as of <img>
 *
 * The file is fetched at once, and its size known from the first bytes: nothing moves on the page afterwards. It is
 * decoded when it comes near the view, first an eighth of it, then the whole. Events: `load`, and `error` with `error`
 * and `message`.
 */

import { decode } from "../decode.js";
import type { Picture } from "../codec/decoder.js";
import { messageOf } from "../errors.js";
import { draw } from "./drawing.js";
import { fetchFile } from "./arrival.js";

const NEAR = "50%"; // of the view, around it
const STYLE = `
  :host { display: inline-block; vertical-align: bottom; max-width: 100%; }
  :host([hidden]) { display: none; }
  canvas, img { display: block; width: 100%; height: auto; }
  [hidden] { display: none; }
  img { object-fit: inherit; }`;

const Base = globalThis.HTMLElement ?? (class {} as typeof HTMLElement); // the module can be imported in Node

export class SkoshImg extends Base {
  static readonly observedAttributes = ["src", "alt", "realism", "fallback", "bundle", "width", "height", "loading"];

  private readonly internals = this.attachInternals();
  private canvas = document.createElement("canvas");
  private readonly image = document.createElement("img"); // the fallback
  private readonly text = document.createElement("span"); // the alt text, where nothing else is left
  private size = { width: 0, height: 0 }; // of the file, in pixels
  private file: Promise<Uint8Array> | undefined; // of `src`
  private fetching = new AbortController(); // of the file
  private showing = new AbortController(); // of what is made of it
  private state: "empty" | "loading" | "shown" | "failed" = "empty";

  constructor() {
    super();
    const sheet = new CSSStyleSheet(); // a style element would not pass a strict content security policy
    sheet.replaceSync(STYLE);
    this.internals.role = "img";
    this.image.onerror = () => this.reveal(this.text);
    const shadow = this.attachShadow({ mode: "open" });
    shadow.adoptedStyleSheets = [sheet];
    shadow.append(this.canvas, this.image, this.text);
    this.reveal(undefined);
  }

  /** Whether there is nothing left to wait for: the picture is shown, or there was an error, or there is no `src`. */
  get complete(): boolean {
    return this.state !== "loading";
  }

  /** The picture's size in pixels; 0 until the first bytes have come. */
  get naturalWidth(): number {
    return this.size.width;
  }

  get naturalHeight(): number {
    return this.size.height;
  }

  get src(): string {
    return this.getAttribute("src") ?? "";
  }

  set src(address: string) {
    this.setAttribute("src", address);
  }

  get alt(): string {
    return this.getAttribute("alt") ?? "";
  }

  set alt(text: string) {
    this.setAttribute("alt", text);
  }

  /** 0 to 1; null for what the file asks for. */
  get realism(): number | null {
    const found = this.getAttribute("realism");
    return found === null ? null : Number(found);
  }

  set realism(realism: number | null) {
    if (realism === null) {
      this.removeAttribute("realism");
    } else {
      this.setAttribute("realism", String(realism));
    }
  }

  connectedCallback(): void {
    this.describe();
    this.start(false);
  }

  disconnectedCallback(): void {
    this.fetching.abort();
    this.showing.abort();
  }

  attributeChangedCallback(name: string, old: string | null, value: string | null): void {
    if (old === value || !this.isConnected) {
      return;
    }
    if (name === "src" || name === "bundle") {
      this.start(false);
    } else if (name === "realism" || name === "loading") {
      this.start(true);
    } else if (name === "fallback" && this.state === "failed") {
      this.showFallback();
    } else {
      this.describe();
    }
  }

  /** Shows the file. `again`: it is the same one, and need not be fetched. */
  private start(again: boolean): void {
    this.showing.abort();
    const { signal } = (this.showing = new AbortController());
    const preview = !again || !this.file;
    if (preview) {
      this.fetching.abort();
      this.fetching = new AbortController();
      this.file = undefined;
    }
    if (!this.src) {
      this.state = "empty";
      this.reveal(undefined);
      return;
    }
    this.state = "loading";
    this.show(preview, signal).then(
      () => this.finish(signal, "shown", new Event("load")),
      (error: unknown) => {
        if (!signal.aborted) {
          this.file = undefined;
          this.showFallback();
        }
        this.finish(signal, "failed", new ErrorEvent("error", { error, message: messageOf(error) }));
      },
    );
  }

  private finish(signal: AbortSignal, state: "shown" | "failed", event: Event): void {
    if (!signal.aborted) {
      this.state = state;
      this.dispatchEvent(event);
    }
  }

  private async show(preview: boolean, signal: AbortSignal): Promise<void> {
    this.file ??= this.fetched(this.fetching.signal);
    const bytes = await this.file;
    signal.throwIfAborted();
    await this.nearView(signal);
    const picture = await decode(bytes, {
      signal,
      bundle: this.getAttribute("bundle") ?? undefined,
      realism: this.realism ?? undefined,
      preview: preview ? (small: Picture) => draw(this.canvas, small) : undefined, // the picture is better than nothing
    });
    signal.throwIfAborted();
    draw(this.canvas, picture);
  }

  private fetched(signal: AbortSignal): Promise<Uint8Array> {
    const reserve = (size: { width: number; height: number }): void => {
      if (!signal.aborted) {
        this.reserve(size);
      }
    };
    return fetchFile(new URL(this.src, document.baseURI).href, reserve, signal);
  }

  /** Takes the place that the picture will have. A new canvas has no memory until something is drawn. */
  private reserve({ width, height }: { width: number; height: number }): void {
    this.size = { width, height };
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [width, height];
    this.canvas.replaceWith(canvas);
    this.canvas = canvas;
    this.describe();
    this.reveal(canvas);
  }

  /** Waits until the element comes near the view. */
  private async nearView(signal: AbortSignal): Promise<void> {
    if (this.getAttribute("loading") === "eager") {
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const end = (): void => {
        observer.disconnect();
        reject(signal.reason);
      };
      const observer = new IntersectionObserver(
        (entries) => {
          if (entries.some((entry) => entry.isIntersecting)) {
            observer.disconnect();
            signal.removeEventListener("abort", end);
            resolve();
          }
        },
        { rootMargin: NEAR },
      );
      signal.throwIfAborted();
      signal.addEventListener("abort", end, { once: true });
      observer.observe(this);
    });
  }

  private showFallback(): void {
    const fallback = this.getAttribute("fallback");
    if (fallback) {
      this.image.src = fallback;
    }
    this.reveal(fallback ? this.image : this.text);
  }

  private reveal(part: HTMLElement | undefined): void {
    for (const one of [this.canvas, this.image, this.text]) {
      one.hidden = one !== part;
    }
  }

  /** Takes over what attributes say of the element itself. */
  private describe(): void {
    this.internals.ariaLabel = this.alt;
    this.text.textContent = this.alt;
    this.image.alt = this.alt;
    for (const side of ["width", "height"] as const) {
      const found = Number(this.getAttribute(side));
      const length = found > 0 ? `${found}px` : "";
      this.canvas.style[side] = length;
      this.image.style[side] = length;
    }
  }
}
