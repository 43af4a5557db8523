"""Writes the seed corpus: small files with each of the things that a file can hold. They are kept in fuzz/corpus."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

import skosh
from skosh.picture.spaces import ADOBE_RGB, POWER, Space
from skosh.picture.standard import profile

CORPUS = Path(__file__).parent / "corpus"


def picture(width: int, height: int) -> Image.Image:
    """Smooth colours with some noise."""
    y, x = np.mgrid[:height, :width]
    noise = np.random.default_rng(0).integers(0, 20, (height, width))
    return Image.fromarray(np.stack([x * 2 + noise, y * 2, 200 - x + noise], 2).clip(0, 255).astype(np.uint8))


def main() -> None:
    """Write them."""
    CORPUS.mkdir(exist_ok=True)
    small, wide = picture(40, 30), picture(150, 100)
    alpha = wide.copy()
    alpha.putalpha(Image.linear_gradient("L").resize(wide.size))
    carrying = small.copy()
    exif = Image.Exif()
    exif[0x010E], exif[0x0112] = "a picture", 1
    carrying.info |= {"exif": exif.tobytes(), "icc_profile": b"profile" * 9, "xmp": b"<x:xmpmeta/>" * 3}
    seeds = {
        "plain": skosh.encode(small, 50),
        "tiles": skosh.encode(wide, 30, tile=64),
        "grey": skosh.encode(small.convert("L"), 99.125),
        "alpha": skosh.encode(alpha, 10, tile=64),
        "metadata": skosh.encode(carrying, 0),
        "space": skosh.encode(small, 20, metadata=skosh.Metadata(profile(Space(ADOBE_RGB, POWER, 563)))),
        "one-pixel": skosh.encode(small.crop((0, 0, 1, 1)), 100),
    }
    for name, data in seeds.items():
        (CORPUS / f"{name}.skosh").write_bytes(data)


if __name__ == "__main__":
    main()
