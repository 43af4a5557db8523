"""The correction: a small linear filter for each tile, which the encoder fits to the picture and the file carries.

The networks are the same for all pictures; what they leave over is not. A bundle may bring K *terms*, functions of the networks' picture around a pixel, learned from
many pictures: ``x + sum_k c_k term_k(x)``. K whole numbers in a tile's stream say how much of each. The idea is that of adaptive loop filters (Tsai et al. 2013), with
a learned basis for the filters.

The coefficients do not decide any symbol, so that they may be floats; pixels beyond the padded picture repeat its edge.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .boxes import Box
from .bundle import Bundle
from .entropy import Symbols
from .manifest import CORRECTION, CORRECTION_TERMS
from .pixels import Floats
from .tables import HYPER_LIMIT, TOTAL, IntTable

SAMPLED = 5  # every fifth row and column is enough to fit so few numbers, and meets every place in the networks' blocks of pixels alike
SPREAD = 5.0  # root mean square of a coefficient over many pictures: the kernels are scaled for that


Squares = npt.NDArray[np.float64]


class Correction(NamedTuple):
    """The coefficients of a tile."""

    tile: Box  # in pixels
    symbols: Symbols  # (K,)


def margin(bundle: Bundle) -> int:
    """Pixels around a part that its correction looks at."""
    return bundle.halo[CORRECTION] if bundle.corrections else 0


def corrected(bundle: Bundle, x: Floats, core: Box, corrections: list[Correction]) -> Floats:
    """The picture in ``core``, (1, 3, H, W), from the networks' in it and the margin around it."""
    around = margin(bundle)
    outer = core.moved(-around, -around, around, around)
    out: Floats = core.inside(outer).of(x)
    for tile, symbols in corrections:
        if not tile.meets(core):
            continue
        part = tile.cut_to(core)
        seen = part.moved(-around, -around, around, around).inside(outer)
        (found,) = bundle.run(CORRECTION, seen.of(x), symbols[None, :, None, None])
        if part == core:
            return found
        out = out.copy() if out.base is not None else out
        part.inside(core).of(out)[:] = found
    return out


def sampled(part: Box) -> Box:
    """From the first row and column of a part that are looked at; those are the same wherever parts begin."""
    top, left = (-(-edge // SAMPLED) * SAMPLED for edge in (part.top, part.left))
    return Box(top, left, part.bottom, part.right)


class Equations(NamedTuple):
    """The normal equations of a part of a tile, or of all of it: ``products c = towards`` has the least squared error."""

    products: Squares  # (K, K), of the terms with each other
    towards: Squares  # (K,), of the terms with what the networks left over

    def plus(self, other: Equations) -> Equations:
        """Those of both parts together."""
        return Equations(self.products + other.products, self.towards + other.towards)


def equations(bundle: Bundle, x: Floats, due: Floats) -> Equations:
    """Of the networks' picture in a ``sampled`` part with a margin around it, and the true one without, both (1, 3, H, W)."""
    (terms,) = bundle.run(CORRECTION_TERMS, x)
    around = margin(bundle)
    shown = x[..., around : x.shape[2] - around : SAMPLED, around : x.shape[3] - around : SAMPLED]
    rows = terms.reshape(bundle.corrections, -1)
    left = (due[..., ::SAMPLED, ::SAMPLED] - shown).reshape(-1)
    weight = float(SAMPLED**2)
    return Equations(weight * (rows @ rows.T).astype(np.float64), weight * (rows @ left).astype(np.float64))


def solve(bundle: Bundle, tile: Equations, quality: float) -> Symbols | None:
    """The coefficients of a tile, or None where they would not be worth their bits.

    The squared error counts as it does in training, and a coefficient as many bits as a normal distribution would ask.
    """
    worth = float(bundle.level("distortion", quality)[0, 0, 0, 0])  # bits for a squared error of 1
    h, b = worth * tile.products, worth * tile.towards
    best = np.linalg.solve(h + 0.5 * np.log2(np.e) / SPREAD**2 * np.eye(len(h)), b)
    c = np.clip(np.rint(best), -HYPER_LIMIT, HYPER_LIMIT).astype(np.int32)
    saved = 2.0 * c @ b - c @ h @ c
    return c if saved > bits(bundle.correction_tables, c) else None


def bits(tables: list[IntTable], symbols: Symbols) -> float:
    """What the coder takes for the coefficients of a tile."""
    return sum(-math.log2(int(table[c + HYPER_LIMIT]) / TOTAL) for table, c in zip(tables, symbols, strict=True))
