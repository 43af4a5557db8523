"""Run the demo: a photograph to a .skosh file and back, beside a JPEG of the same size."""

from __future__ import annotations

import argparse
import importlib.util
import io
import math
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import skosh
from skosh.picture.picture import from_image

OUT = Path("demo-out")
BAND = 22  # pixels of the caption over each picture


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "image", nargs="?", type=Path, help="a picture; by default a photograph that scikit-learn brings"
    )
    parser.add_argument("-q", "--quality", type=int, default=20, help="0 to 100")
    arguments = parser.parse_args()
    source = arguments.image or sample()
    OUT.mkdir(exist_ok=True)
    with Image.open(source) as opened:
        original = Image.fromarray(from_image(opened).pixels)  # neither file is to carry metadata

    coded_file = OUT / (source.stem + ".skosh")
    skosh.decode(skosh.encode(original, arguments.quality))  # the first call loads the networks
    start = time.perf_counter()
    coded_file.write_bytes(skosh.encode(original, arguments.quality))
    middle = time.perf_counter()
    decoded = skosh.decode(coded_file.read_bytes())
    end = time.perf_counter()
    decoded_file = OUT / (source.stem + ".png")
    decoded.save(decoded_file)

    size = coded_file.stat().st_size
    jpeg = jpeg_of_size(original, size)
    rows = [("original", original, source.stat().st_size), ("skosh", decoded, size), ("JPEG", *jpeg)]
    print(f"{source} ({original.width}x{original.height}), -q {arguments.quality}\n")
    for name, picture, count in rows:
        bpp = 8 * count / (original.width * original.height)
        quality = "" if name == "original" else f"{psnr(original, picture):6.2f} dB"
        print(f"{name:9} {count:9,} bytes {bpp:7.3f} bits a pixel {quality}")
    side_by_side(rows).save(OUT / "side-by-side.png")
    print(f"\nencoded in {1000 * (middle - start):.0f} ms, decoded in {1000 * (end - middle):.0f} ms (networks loaded)")
    print(f"{coded_file}, {decoded_file}; look at all three in {OUT / 'side-by-side.png'}")


def sample() -> Path:
    """A photograph of a temple that scikit-learn brings (danielbuechele, CC BY 2.0)."""
    spec = importlib.util.find_spec("sklearn")
    if spec is None or spec.origin is None:
        raise SystemExit("name a picture, or install scikit-learn, which brings one")
    return Path(spec.origin).parent / "datasets" / "images" / "china.jpg"


def jpeg_of_size(image: Image.Image, size: int) -> tuple[Image.Image, int]:
    """Return the best JPEG of at most ``size`` bytes (else the smallest there is), decoded, and its size."""
    best = b""
    for quality in range(1, 96):
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality, optimize=True)
        if best and buffer.tell() > size:
            break
        best = buffer.getvalue()
    return Image.open(io.BytesIO(best)).convert("RGB"), len(best)


def psnr(a: Image.Image, b: Image.Image) -> float:
    error = np.mean((np.asarray(a, np.float64) - np.asarray(b, np.float64)) ** 2)
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def side_by_side(rows: list[tuple[str, Image.Image, int]]) -> Image.Image:
    width, height = rows[0][1].size
    sheet = Image.new("RGB", (width * len(rows), height + BAND), "white")
    draw = ImageDraw.Draw(sheet)
    for i, (name, picture, count) in enumerate(rows):
        sheet.paste(picture, (i * width, BAND))
        draw.text((i * width + 6, 5), f"{name}: {count:,} bytes", fill="black")
    return sheet


if __name__ == "__main__":
    try:
        main()
    except (skosh.SkoshError, OSError) as error:
        raise SystemExit(f"demo: {error}") from error
