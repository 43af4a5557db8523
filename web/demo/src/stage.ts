/** The stage: one picture, or two on each other with a divider between them. */

import type { Picture } from "skosh";

import { draw } from "../../src/element/drawing.js";
import { Divider } from "./divider.js";
import { button, element, part } from "./elements.js";
import { View } from "./view.js";

const PIXELS_FROM = 3; // screen pixels for one of the picture: from here on they are shown as squares

/** One of the two pictures. */
class Layer {
  readonly canvas = document.createElement("canvas");

  constructor(
    private readonly box: HTMLElement,
    private readonly label: HTMLElement,
  ) {
    box.append(this.canvas);
  }

  /** Shows a picture; a smaller one is enlarged to `width` x `height`. */
  show(picture: Picture, width: number, height: number, label: string): void {
    if (this.canvas.width !== width || this.canvas.height !== height) {
      [this.canvas.width, this.canvas.height] = [width, height];
    }
    draw(this.canvas, picture);
    this.canvas.classList.toggle("clear", picture.hasAlpha);
    this.label.textContent = label;
    this.hidden = false;
  }

  get hidden(): boolean {
    return this.box.hidden === true;
  }

  set hidden(hidden: boolean) {
    this.box.hidden = this.label.hidden = hidden;
  }

  place({ x, y, scale }: View): void {
    this.canvas.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
    this.canvas.classList.toggle("pixels", scale * devicePixelRatio >= PIXELS_FROM);
  }
}

export class Stage {
  private readonly stage = part("stage");
  private readonly before = new Layer(part("before"), part("before-label"));
  private readonly after = new Layer(part("after"), part("after-label"));
  private readonly view = new View(this.stage, () => this.place());
  private share = 50;

  constructor() {
    new Divider(part("divider"), this.stage, (share) => {
      this.share = share;
      this.clip();
    });
    button("zoom-in").addEventListener("click", () => this.view.zoomIn());
    button("zoom-out").addEventListener("click", () => this.view.zoomOut());
    button("zoom-fit").addEventListener("click", () => this.view.fit());
    button("zoom-pixels").addEventListener("click", () => this.view.actual());
  }

  /** The canvas of the result. */
  get canvas(): HTMLCanvasElement {
    return this.after.canvas;
  }

  /** Shows the result, perhaps a small preview of it; its whole size is `width` x `height`. */
  showAfter(picture: Picture, width: number, height: number, label: string): void {
    this.stage.querySelector(".nothing")?.remove();
    this.after.show(picture, width, height, label);
    this.view.begin(width, height);
    this.place();
  }

  /** Shows what the result is compared with, of the same size; null for nothing. */
  showBefore(picture: Picture | null, label: string): void {
    if (picture) {
      this.before.show(picture, picture.width, picture.height, label);
    } else {
      this.before.hidden = true;
    }
    part("divider").hidden = this.before.hidden;
    this.clip();
    this.place();
  }

  describe(text: string): void {
    this.stage.setAttribute("aria-label", text);
  }

  private clip(): void {
    part("after").style.clipPath = this.before.hidden ? "" : `inset(0 0 0 ${this.share}%)`;
    part("before").style.clipPath = `inset(0 ${100 - this.share}% 0 0)`;
  }

  private place(): void {
    this.before.place(this.view);
    this.after.place(this.view);
    element("zoom", HTMLOutputElement).value = `${Math.round(100 * this.view.scale * devicePixelRatio)} %`;
  }
}
