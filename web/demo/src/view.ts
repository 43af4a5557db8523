/** Where the picture lies on the stage: zoom and place, by pointer, wheel and keys. */

const LEAST = 1 / 32; // pixels of the stage for one of the picture
const MOST = 32;
const FIT_MOST = 2; // a small picture is not enlarged more to fit
const STEP = 1.25; // of a key or a button
const WHEEL = 0.002; // of the logarithm, for a pixel of the wheel
const LINE = 16; // pixels for a line of the wheel
const PAN = 48; // pixels, of a key

interface Point {
  readonly x: number;
  readonly y: number;
}

export class View {
  scale = 1; // pixels of the stage for one of the picture
  x = 0; // of the picture's corner on the stage
  y = 0;
  private size = { width: 0, height: 0 }; // of the picture
  private fitted = true; // until the user zooms or moves
  private readonly pointers = new Map<number, Point>();

  /** `changed`: called when the picture has to be drawn elsewhere. */
  constructor(
    private readonly stage: HTMLElement,
    private readonly changed: () => void,
  ) {
    stage.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    stage.addEventListener("pointerdown", (event) => this.down(event));
    stage.addEventListener("pointermove", (event) => this.move(event));
    stage.addEventListener("pointerup", (event) => this.pointers.delete(event.pointerId));
    stage.addEventListener("pointercancel", (event) => this.pointers.delete(event.pointerId));
    stage.addEventListener("dblclick", (event) => (this.fitted ? this.zoomTo(1, this.place(event)) : this.fit()));
    stage.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => (this.fitted ? this.fit() : this.settle())).observe(stage);
  }

  /** Begins with another picture. One of the same size stays where it is. */
  begin(width: number, height: number): void {
    const same = this.size.width === width && this.size.height === height;
    this.size = { width, height };
    if (!same) {
      this.fit();
    }
  }

  /** Shows the whole picture. */
  fit(): void {
    if (this.size.width === 0) {
      return;
    }
    const { clientWidth, clientHeight } = this.stage;
    const { width, height } = this.size;
    this.fitted = true;
    this.scale = Math.min(clientWidth / width, clientHeight / height, FIT_MOST);
    this.x = (clientWidth - width * this.scale) / 2;
    this.y = (clientHeight - height * this.scale) / 2;
    this.changed();
  }

  /** A pixel of the picture for one of the screen. */
  actual(): void {
    this.zoomTo(1 / devicePixelRatio, this.centre());
  }

  zoomIn(): void {
    this.zoomTo(this.scale * STEP, this.centre());
  }

  zoomOut(): void {
    this.zoomTo(this.scale / STEP, this.centre());
  }

  /** Changes the scale so that what lies at a place of the stage stays there. */
  private zoomTo(scale: number, at: Point): void {
    if (this.size.width === 0) {
      return;
    }
    const next = Math.min(Math.max(scale, LEAST), MOST);
    this.x = at.x - ((at.x - this.x) * next) / this.scale;
    this.y = at.y - ((at.y - this.y) * next) / this.scale;
    this.scale = next;
    this.fitted = false;
    this.settle();
  }

  private pan(right: number, down: number): void {
    if (this.size.width === 0) {
      return;
    }
    this.x += right;
    this.y += down;
    this.fitted = false;
    this.settle();
  }

  /** Keeps at least the stage's middle on the picture, then draws. */
  private settle(): void {
    const { x, y } = this.centre();
    this.x = Math.min(Math.max(this.x, x - this.size.width * this.scale), x);
    this.y = Math.min(Math.max(this.y, y - this.size.height * this.scale), y);
    this.changed();
  }

  private centre(): Point {
    return { x: this.stage.clientWidth / 2, y: this.stage.clientHeight / 2 };
  }

  private place(event: MouseEvent): Point {
    const { left, top } = this.stage.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  }

  private wheel(event: WheelEvent): void {
    if (this.size.width > 0) {
      event.preventDefault();
      const turned = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE : 1);
      this.zoomTo(this.scale * Math.exp(-turned * WHEEL), this.place(event));
    }
  }

  private down(event: PointerEvent): void {
    if (this.size.width > 0 && event.button === 0) {
      this.stage.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, this.place(event));
    }
  }

  /** One pointer moves the picture; two zoom it, and move it with their middle. */
  private move(event: PointerEvent): void {
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      return;
    }
    const after = this.place(event);
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.pointers.set(event.pointerId, after);
    if (!other) {
      this.pan(after.x - before.x, after.y - before.y);
      return;
    }
    const middle = { x: (after.x + other.x) / 2, y: (after.y + other.y) / 2 };
    const apart = (point: Point): number => Math.hypot(point.x - other.x, point.y - other.y);
    this.pan((after.x - before.x) / 2, (after.y - before.y) / 2);
    this.zoomTo((this.scale * apart(after)) / Math.max(apart(before), 1), middle);
  }

  private key(event: KeyboardEvent): void {
    const step = event.shiftKey ? 4 * PAN : PAN;
    const keys: Record<string, () => void> = {
      ArrowLeft: () => this.pan(step, 0),
      ArrowRight: () => this.pan(-step, 0),
      ArrowUp: () => this.pan(0, step),
      ArrowDown: () => this.pan(0, -step),
      "+": () => this.zoomIn(),
      "=": () => this.zoomIn(),
      "-": () => this.zoomOut(),
      "0": () => this.fit(),
      "1": () => this.actual(),
    };
    const action = keys[event.key];
    if (action && event.target === this.stage && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      action();
    }
  }
}
