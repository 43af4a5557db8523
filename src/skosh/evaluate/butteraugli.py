"""Butteraugli, by ``butteraugli_main`` of libjxl: how visible the difference between two pictures is; 0 where none is.

Debian has two programs. The package ``butteraugli`` is the algorithm as of 2017 and prints the maximum alone.
``butteraugli_main`` (package ``libjxl-devtools``) is the one that JPEG XL is developed with and that published figures
come from, takes half the time, and prints a mean as well. So it is this one.

It takes pictures for sRGB at 80 nits, its default.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from PIL import Image

import skosh

from .tool import find_tool, run_tool

TOOL = "butteraugli_main"
INSTALL = "apt-get install libjxl-devtools, or build libjxl with its development tools"
PRINTED = re.compile(r"^([0-9.]+)\s+3-norm: ([0-9.]+)", re.MULTILINE)


def butteraugli(original: Image.Image, decoded: Image.Image) -> tuple[float, float]:
    """Return the maximum over the picture, and what libjxl calls the 3-norm: the mean of its 3-, 6- and 12-norm.

    Both are distances: lower is better, and about 1 is where a difference begins to be seen. The pictures are RGB of
    one size, 8 pixels a side or more: the tool gives 0 for smaller ones.

    Raises DependencyError if the tool is missing, SkoshError if it fails.
    """
    tool = find_tool(TOOL, INSTALL)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("original.ppm", "decoded.ppm")]
        for path, image in zip(paths, (original, decoded), strict=True):
            image.save(path)
        printed = run_tool([tool, *paths])
    found = PRINTED.search(printed)
    if found is None:
        raise skosh.SkoshError(f"{TOOL} printed no distances but {' '.join(printed.split())[:200]!r}")
    return float(found[1]), float(found[2])
