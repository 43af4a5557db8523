"""?"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

from ..bundle.bundle import Bundle
from ..bundle.manifest import CORRECTION
from ..errors import BundleError
from ..types import Floats, Symbols
from .boxes import Box

Place = tuple[int, int]  # row and column of a tile


class Corrections(NamedTuple):
    """The coefficients of the tiles that have a correction."""

    side: int  # pixels of a tile; 0 where one tile is the whole picture
    found: dict[Place, Symbols]  # (K,) each


def parts_of(core: Box, side: int) -> Iterator[tuple[Place, Box]]:
    """The tiles that a box of pixels meets, by row and column, and what of each lies in it."""
    if not side:
        yield (0, 0), core
        return
    rows, columns = range(core.top // side, -(-core.bottom // side)), range(core.left // side, -(-core.right // side))
    for row, column in itertools.product(rows, columns):
        tile = Box(row * side, column * side, (row + 1) * side, (column + 1) * side)
        yield (row, column), tile.cut_to(core)


def place_of(tile: Box, side: int) -> Place:
    """Where a tile is among others of this side, on whatever grid."""
    return (tile.top // side, tile.left // side) if side else (0, 0)


def margin(bundle: Bundle) -> int:
    """Pixels around a part that its correction looks at."""
    return bundle.halo[CORRECTION] if bundle.corrections else 0


def with_margin(bundle: Bundle, part: Box) -> Box:
    """A box of pixels and the margin around it, which may lie over the picture's edge."""
    around = margin(bundle)
    return part.moved(-around, -around, around, around)


def corrected(bundle: Bundle, x: Floats, core: Box, corrections: Corrections) -> Floats:
    """The picture in ``core``, (1, 3, H, W), from the networks' in it and the margin around it. BundleError where the filter gives another size."""
    outer = with_margin(bundle, core)
    out: Floats = core.inside(outer).of(x)
    if not corrections.found:
        return out
    for place, part in parts_of(core, corrections.side):
        symbols = corrections.found.get(place)
        if symbols is None:
            continue
        seen = with_margin(bundle, part).inside(outer)
        (found,) = bundle.run(CORRECTION, seen.of(x), symbols[None, :, None, None])
        check_shape(bundle, found, (1, 3, part.height, part.width))
        if part == core:
            return found
        out = out.copy() if out.base is not None else out
        part.inside(core).of(out)[:] = found
    return out


def check_shape(bundle: Bundle, found: Floats, due: tuple[int, ...]) -> None:
    """BundleError unless a graph's output is of the size that the manifest's halo and ``SAMPLED`` ask for."""
    if found.shape != due:
        raise BundleError(f"the corrections of the bundle {bundle.folder} are of the size {found.shape}, not {due}")
