"""Encode files on one setting of ONNX Runtime, decode them on others, and compare symbols, scale indices and pixels.

python benchmarks/exactness.py [--data DIR] [--write]
"""

from __future__ import annotations

import argparse
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt
from page import SHARED, machine, replace_section, table
from PIL import Image

import skosh
from skosh.bundle.bundle import Bundle
from skosh.bundle.manifest import find
from skosh.bundle.scale_map import scale_map_reference, shifted
from skosh.codec.decoder import take_symbols
from skosh.codec.planes import padded
from skosh.container.chunks import read
from skosh.evaluate import pictures

QUALITIES = (10, 60, 95)
SETTINGS = tuple(product((1, 2), (True, False)))  # threads, graph optimisation


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "kodak", help="a folder of pictures")
    parser.add_argument("--write", action="store_true", help="write the section into docs/results.md")
    arguments = parser.parse_args()
    ways = [Bundle(find(None), threads, optimise) for threads, optimise in SETTINGS]
    paths = [picture.path for picture in pictures.find(arguments.data)[::4]]
    files = wrong = 0
    worst, share = 0, 0.0
    for place, (path, quality) in enumerate(product(paths, QUALITIES)):
        with Image.open(path) as image:
            file = skosh.encode(image, quality, ways[place % len(ways)])
        found = [symbols(way, file) for way in ways]
        index = reference_index(ways[0], found[0][0], quality)
        files += 1
        equal = all(np.array_equal(a, b) for other in found[1:] for a, b in zip(found[0], other, strict=True))
        wrong += not (equal and np.array_equal(found[0][2], index))
        shown = [np.asarray(skosh.decode(file, way), dtype=np.int16) for way in ways]
        worst = max(worst, *(int(np.abs(picture - shown[0]).max()) for picture in shown))
        share = max(share, *(float(np.mean(picture != shown[0])) for picture in shown))
    rows = [
        [
            "files, each encoded on one setting and decoded on all four (1 or 2 threads, optimised graphs or not)",
            str(files),
        ],
        ["files whose symbols or scale indices differ anywhere, the int64 reference included", str(wrong)],
        ["largest difference of a pixel, in grey levels", str(worst)],
        ["largest share of differing values in a picture", f"{share:.6f}"],
    ]
    text = f"{machine()}.\n\n" + table(["", "found"], rows)
    print(text)
    if arguments.write:
        replace_section("exactness", text)
    if wrong or worst > 1:
        raise SystemExit("decoding is not the same everywhere")


def symbols(bundle: Bundle, file: bytes) -> list[npt.NDArray[np.integer]]:
    """z, q, the scale indices and the Wiener filter, if there is one, that a bundle takes out of a file."""
    contents = read(file)
    header, (stream,) = contents.header, contents.tiles
    height, width = (padded(n, bundle.multiple) // bundle.multiple for n in (header.height, header.width))
    assert stream is not None
    taken = take_symbols(bundle.at(header.quality), stream, height, width)
    return [part for part in taken if part is not None]


def reference_index(bundle: Bundle, z: npt.NDArray[np.integer], quality: int) -> npt.NDArray[np.integer]:
    """The scale indices by plain integer arithmetic."""
    arrays = bundle.arrays
    plain = scale_map_reference(
        z, arrays["scale_weight"], arrays["scale_bias"], int(arrays["scale_bits"]), bundle.reduction
    )
    return shifted(plain, bundle.at(quality).shift)


if __name__ == "__main__":
    main()
