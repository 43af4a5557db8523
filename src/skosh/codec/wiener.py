"""The Wiener filter of a tile: a small linear filter, fitted by the encoder and carried by the file.

The networks are the same for all pictures, but their errors are not. A bundle may hold K *terms*: functions of the
networks' picture around a pixel, learned from many pictures. K integers c_k in a tile's stream weigh them: ``x + sum_k
c_k term_k(x)``. This is an adaptive loop filter (Tsai et al. 2013) with a learned basis. The coefficients decide no
symbol, so floats are safe here. Pixels beyond the padded picture repeat its edge.
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
    """Coefficients of the tiles that have a filter."""

    side: int  # pixels of a tile; 0 where one tile is the whole picture
    found: dict[Place, Symbols]  # (K,) each


def parts_of(core: Box, side: int) -> Iterator[tuple[Place, Box]]:
    """Yield the tiles that a box of pixels meets, by row and column, and their common part."""
    if not side:
        yield (0, 0), core
        return
    rows, columns = range(core.top // side, -(-core.bottom // side)), range(core.left // side, -(-core.right // side))
    for row, column in itertools.product(rows, columns):
        tile = Box(row * side, column * side, (row + 1) * side, (column + 1) * side)
        yield (row, column), tile.cut_to(core)


def place_of(tile: Box, side: int) -> Place:
    """Return the row and column of a tile among tiles of this side, on any grid."""
    return (tile.top // side, tile.left // side) if side else (0, 0)


def margin(bundle: Bundle) -> int:
    """Return the reach of the filter, in pixels."""
    return bundle.halo["wiener"] if bundle.wiener_terms else 0


def with_margin(bundle: Bundle, part: Box) -> Box:
    """Return a box of pixels grown by the filter's margin, perhaps over the picture's edge."""
    around = margin(bundle)
    return part.moved(-around, -around, around, around)


def filtered(bundle: Bundle, x: Floats, core: Box, filters: Filters) -> Floats:
    """Return the filtered picture (1, 3, H, W) in ``core``, from the networks' picture there with a margin."""
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
