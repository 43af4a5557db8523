"""The Wiener filter: a small linear filter for each tile, which the encoder fits to the picture and the file carries.

The networks are the same for all pictures; what they leave over is not. A bundle may bring K *terms*, functions of the networks' picture
around a pixel, learned from many pictures: ``x + sum_k c_k term_k(x)``. K whole numbers in a tile's stream say how much of each. The idea is that
of adaptive loop filters (Tsai et al. 2013) with a learned basis. The coefficients decide no symbol, so they may act on floats; pixels beyond
the padded picture repeat its edge.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

from ..bundle.bundle import Bundle
from ..types import Floats, Symbols
from .boxes import Box

Place = tuple[int, int]  # row and column of a tile


class Filters(NamedTuple):
    """The coefficients of the tiles that have a filter."""

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
    """Pixels around a part that its filter looks at."""
    return bundle.halo["wiener"] if bundle.wiener_terms else 0


def with_margin(bundle: Bundle, part: Box) -> Box:
    """A box of pixels and the margin around it, which may lie over the picture's edge."""
    around = margin(bundle)
    return part.moved(-around, -around, around, around)


def filtered(bundle: Bundle, x: Floats, core: Box, filters: Filters) -> Floats:
    """The picture in ``core``, (1, 3, H, W), from the networks' in it and the margin around it."""
    outer = with_margin(bundle, core)
    out: Floats = core.inside(outer).of(x)
    if not filters.found:
        return out
    for place, part in parts_of(core, filters.side):
        symbols = filters.found.get(place)
        if symbols is None:
            continue
        seen = with_margin(bundle, part).inside(outer)
        (found,) = bundle.run("wiener", seen.of(x), symbols[None, :, None, None])
        bundle.check_shape("wiener", found, (1, 3, part.height, part.width))
        if part == core:
            return found
        out = out.copy() if out.base is not None else out
        part.inside(core).of(out)[:] = found
    return out
