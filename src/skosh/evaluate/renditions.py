"""Pictures of a folder as several codecs show them at one rate, for the guards (scripts/patterns.py and others).

Renditions of one stream, as ``skosh@realism=0`` and ``skosh@realism=1``, are decoded from one file.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image

import skosh

from . import codecs, pictures
from .codec import Codec
from .search import Sizes

Pixels = npt.NDArray[np.uint8]
T = TypeVar("T")


@dataclass(frozen=True)
class Asked:
    """What a guard's command line asks for."""

    folder: Path
    codecs: tuple[Codec, ...]
    bpp: float
    options: argparse.Namespace  # of this guard


def asked(text: str | None, add: Callable[[argparse.ArgumentParser], None] = lambda parser: None) -> Asked:
    """Parse a guard's command line. ``text``: what --help says first. ``add``: adds options of its own."""
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of pictures")
    parser.add_argument("--model", help="an installed bundle's name or a bundle's folder")
    parser.add_argument("--realism", nargs="+", help="values from 0 to 1; default: 0, and what decode does by itself")
    parser.add_argument("--codecs", nargs="+", help="instead of those, as skosh eval takes them")
    parser.add_argument("--bpp", type=float, default=0.25, help="bits a pixel of every file (default: %(default)s)")
    add(parser)
    options = parser.parse_args()
    try:
        made = tuple(codecs.make(spec) for spec in options.codecs or specs(options.model, options.realism))
        for codec in made:
            codec.version()
    except skosh.SkoshError as error:
        parser.error(str(error))
    return Asked(options.folder, made, options.bpp, options)


def specs(model: str | None, realism: Sequence[str] | None) -> list[str]:
    """The renditions of a bundle as names of codecs: by realism, or the faithful and the default one."""
    base = "skosh" if model is None else f"skosh={model}"
    return [f"{base}@realism={value}" for value in realism] if realism else [f"{base}@realism=0", base]


def measured(
    asked: Asked,
    measure: Callable[[Pixels, Pixels], T],
    prepare: Callable[[Image.Image], Image.Image] = lambda image: image,
) -> dict[str, list[tuple[float, T]]]:
    """Return bits a pixel and a measure of every picture, by codec's label.

    ``measure`` sees the original, one array for all codecs, and the decoded picture, (H, W, 3) each. ``prepare``
    changes the original before.
    """
    found: dict[str, list[tuple[float, T]]] = {codec.label: [] for codec in asked.codecs}
    for picture in pictures.find(asked.folder):
        original = prepare(pictures.read(picture.path))
        seen = np.asarray(original)
        for codec, bpp, decoded in renditions(original, asked.codecs, asked.bpp):
            found[codec.label].append((bpp, measure(seen, np.asarray(decoded))))
        print(picture.name, file=sys.stderr)
    return found


def renditions(original: Image.Image, made: Sequence[Codec], bpp: float) -> Iterator[tuple[Codec, float, Image.Image]]:
    """Yield each codec with the bits a pixel of its file nearest to a rate and the picture in it."""
    files: dict[str, bytes] = {}
    pixels = original.width * original.height
    for codec in made:
        if codec.encoder not in files:
            sizes = Sizes(codec, original)
            place = sizes.nearest(bpp * pixels / 8)
            sizes.size(place)  # makes the file
            files[codec.encoder] = sizes.files[place]
        data = files[codec.encoder]
        yield codec, 8 * len(data) / pixels, codec.decode(data)
