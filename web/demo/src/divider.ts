/** The divider between two pictures that lie on each other: a slider for pointer and keys. */

const KEYS: Record<string, number> = {
  ArrowLeft: -2,
  ArrowRight: 2,
  ArrowDown: -2,
  ArrowUp: 2,
  PageDown: -10,
  PageUp: 10,
  Home: -100,
  End: 100,
};

export class Divider {
  private share = 50; // percent of the stage's width that shows the picture before

  /** `moved`: called with the share when it changes. */
  constructor(
    private readonly handle: HTMLElement,
    private readonly stage: HTMLElement,
    private readonly moved: (share: number) => void,
  ) {
    handle.addEventListener("pointerdown", (event) => {
      event.stopPropagation(); // the picture stays
      handle.setPointerCapture(event.pointerId);
    });
    handle.addEventListener("pointermove", (event) => {
      if (handle.hasPointerCapture(event.pointerId)) {
        const { left, width } = stage.getBoundingClientRect();
        this.put((100 * (event.clientX - left)) / width);
      }
    });
    handle.addEventListener("dblclick", (event) => event.stopPropagation());
    handle.addEventListener("keydown", (event) => {
      const step = KEYS[event.key];
      if (step !== undefined) {
        event.preventDefault();
        event.stopPropagation();
        this.put(this.share + step);
      }
    });
    this.put(50);
  }

  private put(share: number): void {
    this.share = Math.min(Math.max(share, 0), 100);
    this.handle.style.left = `${this.share}%`;
    this.handle.setAttribute("aria-valuenow", String(Math.round(this.share)));
    this.handle.setAttribute("aria-valuetext", `${Math.round(this.share)} percent of the left picture`);
    this.stage.style.setProperty("--share", `${this.share}%`);
    this.moved(this.share);
  }
}
