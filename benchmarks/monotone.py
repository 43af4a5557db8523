"""Does a higher -q always mean more bytes and a better picture? Tries every quality on every picture of a folder.

python benchmarks/monotone.py [--data DIR] [--model NAME] [--write]
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from page import SHARED, replace_section, table
from PIL import Image

from skosh.codec.encoder import Encoder, take_apart
from skosh.evaluate import pictures

QUALITIES = range(101)


@dataclass
class Curve:
    """One picture at every quality."""

    sizes: list[int]  # bytes
    psnrs: list[float]  # dB, of what the decoder shows

    @property
    def size_drops(self) -> list[int]:
        """Qualities whose file is smaller than that of the quality below."""
        return [q for q in QUALITIES[1:] if self.sizes[q] < self.sizes[q - 1]]

    @property
    def psnr_drops(self) -> list[int]:
        """Qualities whose picture is worse than that of the quality below."""
        return [q for q in QUALITIES[1:] if self.psnrs[q] < self.psnrs[q - 1]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "val", help="a folder of pictures")
    parser.add_argument("--model", help="an installed model's name or a bundle's folder")
    parser.add_argument("--write", action="store_true", help="write the section into docs/results.md")
    arguments = parser.parse_args()
    curves = {picture.name: measured(picture.path, arguments.model) for picture in pictures.find(arguments.data)}
    for name, curve in curves.items():
        if curve.size_drops or curve.psnr_drops:
            print(f"{name}: fewer bytes at {curve.size_drops}, lower PSNR at {curve.psnr_drops}")
    text = finding(list(curves.values()))
    print(text)
    if arguments.write:
        replace_section("monotone", text)


def measured(path: Path, model: str | None) -> Curve:
    """Return a picture at every quality, after one run of the analysis network."""
    with Image.open(path) as image:
        encoder = Encoder(take_apart(image), model)
    return Curve([len(encoder.file(q)) for q in QUALITIES], [encoder.psnr(q) for q in QUALITIES])


def finding(curves: list[Curve]) -> str:
    """The section of the page."""
    steps = len(curves) * (len(QUALITIES) - 1)
    growth = [after / before for curve in curves for before, after in zip(curve.sizes, curve.sizes[1:], strict=False)]
    gains = [after - before for curve in curves for before, after in zip(curve.psnrs, curve.psnrs[1:], strict=False)]
    rows = [
        ["steps of one, from -q 0 to 100", str(steps)],
        ["steps to a smaller file", str(sum(len(curve.size_drops) for curve in curves))],
        ["steps to a lower PSNR", str(sum(len(curve.psnr_drops) for curve in curves))],
        [
            "least and median growth of the file in a step",
            f"{100 * (min(growth) - 1):.2f} %, {100 * (np.median(growth) - 1):.2f} %",
        ],
        ["least and median gain of PSNR in a step", f"{min(gains):.4f} dB, {np.median(gains):.4f} dB"],
    ]
    return table([f"{len(curves)} pictures", "found"], rows)


if __name__ == "__main__":
    main()
