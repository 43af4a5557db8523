"""Make the gallery of the documentation site: pictures and a piece of a page in build/gallery, for ``make docs``.

Openly licensed photographs of scikit-image and scikit-learn, each as the original, as skosh shows it, as skosh shows it
without drawn detail, and as AVIF of at most as many bytes.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

import skosh

OUT = Path(__file__).parents[1] / "build" / "gallery"
QUALITY = 30  # about 0.2 bits a pixel


class Photograph(NamedTuple):
    title: str
    package: str
    path: str
    credit: str


PHOTOGRAPHS = {
    "astronaut": Photograph("An astronaut", "skimage", "data/astronaut.png", "NASA, public domain"),
    "cat": Photograph("A cat", "skimage", "data/chelsea.png", "Stefan van der Walt, CC0"),
    "temple": Photograph("A temple", "sklearn", "datasets/images/china.jpg", "danielbuechele, CC BY 2.0"),
    "coffee": Photograph("A cup of coffee", "skimage", "data/coffee.png", "Rachel Michetti, CC0"),
    "flower": Photograph("A flower", "sklearn", "datasets/images/flower.jpg", "dany eid, CC BY 2.0"),
}


class Version(NamedTuple):
    label: str
    image: Image.Image
    size: int | None  # bytes of its file; none for the original


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(PHOTOGRAPHS), help=f"of {', '.join(PHOTOGRAPHS)}")
    parser.add_argument("-q", "--quality", type=float, default=QUALITY)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    sections = []
    for name in arguments.names:
        versions = versions_of(read(PHOTOGRAPHS[name]), arguments.quality)
        for version in versions:
            path = arguments.out / file_of(name, version)
            version.image.save(path, "JPEG", quality=90, subsampling=0, optimize=True, progressive=True)
        sections.append(section(name, versions))
        print(name, *(version.size for version in versions[1:]))
    (arguments.out / "gallery.md").write_text("\n".join(sections))


def read(photograph: Photograph) -> Image.Image:
    """Return a photograph without metadata."""
    spec = importlib.util.find_spec(photograph.package)
    if spec is None or spec.origin is None:
        raise SystemExit(f"{photograph.title} comes with {photograph.package}, which is not installed")
    with Image.open(Path(spec.origin).parent / photograph.path) as opened:
        image = opened.convert("RGB")
    image.info.clear()
    return image


def versions_of(image: Image.Image, quality: float) -> list[Version]:
    """Return a picture, skosh's two renditions of one file, and AVIF of at most its bytes."""
    data = skosh.encode(image, quality)
    avif = avif_of_size(image, len(data))
    return [
        Version("original", image, None),
        Version("skosh, natural", skosh.decode(data), len(data)),
        Version("skosh, faithful", skosh.decode(data, realism=0), len(data)),
        Version("AVIF", Image.open(io.BytesIO(avif)).convert("RGB"), len(avif)),
    ]


def avif_of_size(image: Image.Image, size: int) -> bytes:
    """Return the best AVIF of at most ``size`` bytes, else the smallest there is."""
    low, high = 0, 100  # qualities; that of low is taken
    best = avif_of(image, low)
    while high - low > 1:
        middle = (low + high) // 2
        data = avif_of(image, middle)
        if len(data) <= size:
            low, best = middle, data
        else:
            high = middle
    return best


def avif_of(image: Image.Image, quality: int) -> bytes:
    """Encode as ``skosh eval`` does."""
    buffer = io.BytesIO()
    image.save(buffer, "AVIF", quality=quality, speed=4, subsampling="4:4:4")
    return buffer.getvalue()


def section(name: str, versions: list[Version]) -> str:
    """Return the piece of the page that shows a photograph."""
    photograph = PHOTOGRAPHS[name]
    width, height = versions[0].image.size
    lines = [f"## {photograph.title}", "", f"{width}x{height}, {photograph.credit}.", ""]
    lines.append('<div class="slider" markdown>')
    for version in versions:
        about = f'width={width} height={height} loading=lazy data-label="{version.label}"'
        lines.append(f"![{photograph.title}: {version.label}](gallery/{file_of(name, version)}){{ {about} }}")
    lines += ["</div>", "", "| version | bytes | bits a pixel | PSNR (dB) |", "| --- | ---: | ---: | ---: |"]
    for version in versions[1:]:
        size = version.size or 0
        bpp, db = 8 * size / width / height, psnr(versions[0].image, version.image)
        lines.append(f"| {version.label} | {size:,} | {bpp:.3f} | {db:.2f} |")
    return "\n".join([*lines, ""])


def file_of(name: str, version: Version) -> str:
    """Return the name of a picture's file."""
    return f"{name}-{version.label.replace(', ', '-').lower()}.jpg"


def psnr(a: Image.Image, b: Image.Image) -> float:
    """Return the PSNR of two pictures over RGB, in dB."""
    error = float(np.mean((np.asarray(a, np.float64) - np.asarray(b, np.float64)) ** 2))
    return 10 * float(np.log10(255**2 / error)) if error else float("inf")


if __name__ == "__main__":
    try:
        main()
    except (skosh.SkoshError, OSError) as error:
        raise SystemExit(f"gallery: {error}") from error
