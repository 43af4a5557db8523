/** The page: what its controls do. */

import { configure, type Picture } from "skosh";

import { button, element, input, part } from "./elements.js";
import { factsOf } from "./facts.js";
import { onFiles } from "./incoming.js";
import { opensOffline } from "./offline.js";
import { MODEL, Opened, compress, isSkosh, type Watch } from "./opening.js";
import { readPhotograph, type Photograph } from "./photograph.js";
import { renamed, save } from "./saving.js";
import { Stage } from "./stage.js";
import { isAtFault } from "./remedies.js";
import { begin, busy, say, show, showError } from "./work.js";

const EAGER = 4e6; // pixels of a picture for which every realism is made ready at once
const SKOSH = "image/x-skosh";

/** What is on the stage. */
interface Shown {
  readonly file: File;
  readonly opened: Opened;
  readonly photograph: { readonly bytes: number; readonly picture: Picture } | null;
  readonly encodeSeconds: number | null;
}

configure({ models: new URL("..", MODEL) });
const stage = new Stage();
const files: File[] = [];
let source: File | undefined; // of what is on the stage, or on its way there
let shown: Shown | undefined;

/** Opens a `.skosh` file, or compresses a photograph. */
function open(file: File): Promise<void> {
  source = file;
  list();
  return begin("Reading", async (watch) => {
    try {
      await openFile(file, watch);
    } catch (error) {
      if (isAtFault(error) && !watch.signal?.aborted) {
        drop(file);
      }
      throw error;
    }
  });
}

async function openFile(file: File, watch: Watch): Promise<void> {
  const start = new Uint8Array(await file.slice(0, 4).arrayBuffer());
  watch.signal?.throwIfAborted();
  if (isSkosh(start) || file.name.toLowerCase().endsWith(".skosh")) {
    part("compression").hidden = true;
    await decodeFile(file, new Uint8Array(await file.arrayBuffer()), null, null, watch);
  } else {
    await compressFile(file, watch);
  }
}

/** Takes a file that can't be opened off the list. What is on the stage stays. */
function drop(file: File): void {
  files.splice(files.indexOf(file), 1);
  source = shown?.file;
  part("compression").hidden = !shown?.photograph;
  list();
}

async function compressFile(file: File, watch: Watch): Promise<void> {
  const quality = Number(input("quality").value);
  const photograph = await readPhotograph(file, Number(element("side", HTMLSelectElement).value));
  watch.signal?.throwIfAborted();
  part("compression").hidden = false;
  describeSide(photograph);
  show("Compressing");
  const start = performance.now();
  const bytes = await compress(photograph, { quality }, watch);
  const seconds = (performance.now() - start) / 1e3;
  await decodeFile(file, bytes, photograph, seconds, watch);
}

/** Decodes a file and puts it on the stage: first an eighth of it, then the whole. */
async function decodeFile(
  file: File,
  bytes: Uint8Array,
  photograph: Photograph | null,
  encodeSeconds: number | null,
  watch: Watch,
): Promise<void> {
  show("Decoding");
  const another = shown?.file !== file;
  const opened = await Opened.from(bytes, watch, (preview, about) => {
    if (another && !watch.signal?.aborted) {
      stage.showBefore(null, "");
      stage.showAfter(preview, about.width, about.height, "Preview");
    }
  });
  watch.signal?.throwIfAborted();
  const picture = photograph && { bytes: file.size, picture: asPicture(photograph.image) };
  shown = { file, opened, photograph: picture, encodeSeconds };
  setRealism(opened.first.realism);
  describe(shown, another);
  draw();
  say(`${file.name} is shown.`);
  if (opened.about.width * opened.about.height <= EAGER) {
    show("Drawing detail");
    await complete(opened, watch);
  }
}

/** Makes pictures of every realism ready. */
async function complete(opened: Opened, watch: Watch): Promise<void> {
  await opened.completed(watch);
  if (shown?.opened === opened) {
    draw();
  }
}

/** Draws what the controls ask for. Pictures of other realism are made when they are asked for first. */
function draw(): void {
  if (!shown) {
    return;
  }
  const { opened, photograph } = shown;
  const realism = Number(input("realism").value);
  const wanted = before();
  const ready = opened.complete || (realism === opened.first.realism && wanted !== "faithful");
  if (!ready && !busy()) {
    void begin("Preparing", (watch) => complete(opened, watch));
  }
  const picture = opened.at(realism);
  const label = picture.realism > 0 ? `skosh, realism ${picture.realism.toFixed(2)}` : "skosh, nothing drawn";
  stage.showAfter(picture, opened.about.width, opened.about.height, label);
  if (wanted === "original" && photograph) {
    stage.showBefore(photograph.picture, "The photograph");
  } else if (wanted === "faithful" && opened.complete) {
    stage.showBefore(opened.at(0), "Nothing drawn");
  } else {
    stage.showBefore(null, "");
  }
}

/** What the result is compared with: "original", "faithful" or nothing. */
function before(): string {
  return document.querySelector<HTMLInputElement>('input[name="before"]:checked')?.value ?? "";
}

function describe({ file: { name }, opened, photograph, encodeSeconds }: Shown, another: boolean): void {
  const facts = factsOf(opened.about, { encode: encodeSeconds, decode: opened.seconds }, photograph?.bytes ?? null);
  const terms = facts.flatMap(([term, value]) => [filled("dt", term), filled("dd", value)]);
  part("facts").replaceChildren(...terms);
  part("name").textContent = name;
  for (const id of ["facts-group", "realism-group", "comparison"]) {
    part(id).hidden = false;
  }
  const original = document.querySelector<HTMLInputElement>('input[value="original"]') as HTMLInputElement;
  original.disabled = !photograph;
  if (another) {
    const choice = photograph ? "original" : opened.first.realism > 0 ? "faithful" : "";
    (document.querySelector<HTMLInputElement>(`input[name="before"][value="${choice}"]`) as HTMLInputElement).checked =
      true;
  }
  stage.describe(`${name}, ${opened.about.width} by ${opened.about.height} pixels`);
}

function filled(tag: string, text: string): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

function describeSide({ image, width, height }: Photograph): void {
  const whole = image.width === width && image.height === height;
  part("side-note").textContent = whole
    ? `The photograph has ${width} × ${height} pixels.`
    : `Reduced from ${width} × ${height} to ${image.width} × ${image.height} pixels before it is compressed.`;
}

function setRealism(realism: number): void {
  input("realism").value = String(realism);
  part("realism-value").textContent = realism.toFixed(2);
}

function asPicture(image: ImageData): Picture {
  const { data, width, height } = image;
  const metadata = { space: null, icc: null, exif: null, xmp: null };
  return { data, width, height, mode: "RGB", hasAlpha: false, metadata, realism: 0 };
}

/** Lists the files that have been opened, if they are several. */
function list(): void {
  const buttons = files.map((file) => {
    const made = filled("button", file.name) as HTMLButtonElement;
    made.type = "button";
    made.setAttribute("aria-current", String(file === source));
    made.addEventListener("click", () => void open(file));
    return made;
  });
  const { activeElement } = document;
  const focused = [...part("list").children].indexOf(activeElement as Element);
  part("list").replaceChildren(...buttons);
  part("list").hidden = files.length < 2;
  buttons[focused]?.focus(); // a new button stands where the old one was
}

function add(found: readonly File[]): void {
  if (found.length > 0) {
    files.push(...found);
    void open(found[0]);
  }
}

onFiles(add);
button("example").addEventListener("click", () => {
  void begin("Reading", async () => {
    const response = await fetch("./example.jpg");
    add([new File([await response.blob()], "example.jpg")]);
  });
});
let frame = 0;
input("realism").addEventListener("input", () => {
  setRealism(Number(input("realism").value));
  cancelAnimationFrame(frame);
  frame = requestAnimationFrame(draw);
});
input("quality").addEventListener("input", () => {
  part("quality-value").textContent = input("quality").value;
});
const again = (): void => void (source && open(source));
input("quality").addEventListener("change", again);
element("side", HTMLSelectElement).addEventListener("change", again);
part("comparison").addEventListener("change", draw);
button("save-skosh").addEventListener("click", () => {
  if (shown) {
    save(new Blob([shown.opened.bytes as Uint8Array<ArrayBuffer>], { type: SKOSH }), renamed(shown.file.name, "skosh"));
  }
});
button("save-png").addEventListener("click", () => {
  const name = renamed(shown?.file.name ?? "", "png");
  stage.canvas.toBlob((blob) =>
    blob ? save(blob, name) : showError(new RangeError("the picture is too large for a PNG")),
  );
});
void opensOffline(() => source === undefined);
