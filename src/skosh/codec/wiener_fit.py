"""The encoder fits each tile's Wiener filter (``wiener``) to the picture: least squares over a sample of its pixels."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..bundle.bundle import Bundle
from ..bundle.point import Point
from ..entropy.tables import HYPER_LIMIT, TOTAL, IntTable
from ..types import Floats, Symbols
from .boxes import Box
from .wiener import margin

SAMPLED = 5  # every fifth row and column is enough to fit so few numbers, and meets every place in the networks' blocks of pixels alike
SMALLEST = 128  # pixels a side of tiles that are worth a try
DOUBT = 2.0  # the errors of pixels near each other are alike, so that those looked at say less than as many independent ones would (docs/experiments.md, 36)
SPREAD = 5.0  # root mean square of a coefficient over many pictures: the kernels are scaled for that


Squares = npt.NDArray[np.float64]


def sampled(part: Box) -> Box:
    """From the first row and column of a part that are looked at; those are the same wherever parts begin."""
    top, left = (-(-edge // SAMPLED) * SAMPLED for edge in (part.top, part.left))
    return Box(top, left, part.bottom, part.right)


class Equations(NamedTuple):
    """What a tile's pixels, or those of a part of it, say of its coefficients: ``products c = towards`` leaves the least squared error."""

    products: Squares  # (K, K), of the terms with each other
    towards: Squares  # (K,), of the terms with what the networks left over
    error: float  # the sum of squares of that
    values: int  # that were looked at

    def plus(self, other: Equations) -> Equations:
        """Those of both parts together."""
        products, towards = self.products + other.products, self.towards + other.towards
        return Equations(products, towards, self.error + other.error, self.values + other.values)


def equations(bundle: Bundle, x: Floats, due: Floats) -> Equations:
    """Of the networks' picture in a ``sampled`` part with a margin around it, and the true one without, both (1, 3, H, W).

    The products are summed row of pixels by row of pixels: for one large product NumPy's linear algebra would wake threads of its own, which keep a core busy for another
    30 ms while the networks want it (docs/experiments.md, 47).
    """
    (terms,) = bundle.run("wiener_terms", x)
    around = margin(bundle)
    shown = x[..., around : x.shape[2] - around : SAMPLED, around : x.shape[3] - around : SAMPLED]
    bundle.check_shape("wiener_terms", terms, (1, 3 * bundle.wiener_terms, *shown.shape[2:]))
    width, last = shown.shape[3], bundle.wiener_terms
    left = due[..., ::SAMPLED, ::SAMPLED] - shown
    rows = np.concatenate([terms.reshape(last, -1, width), left.reshape(1, -1, width)]).transpose(1, 0, 2)
    sums = (rows @ rows.transpose(0, 2, 1)).sum(0, dtype=np.float64)  # of all terms and what is left, with each other
    return Equations(sums[:last, :last], sums[:last, last], float(sums[last, last]), left.size)


def solve(at: Point, tile: Equations, values: int) -> Symbols | None:
    """The coefficients of a tile of so many values (three a pixel), or None where they would not be worth their bits.

    The squared error counts as it does in training, and a coefficient as many bits as a normal distribution would ask. What the pixels that were looked at have
    of their own, and the others do not, is taken off: it makes the saving look larger by twice the variance for each coefficient (Mallows 1973), and coefficients too large.
    """
    weight = float(at.lambda_of) * values / tile.values
    h, b, noise = weight * tile.products, weight * tile.towards, DOUBT * weight * tile.error / tile.values
    with np.errstate(all="ignore"):
        best = np.linalg.solve(h + (0.5 * np.log2(np.e) + noise) / SPREAD**2 * np.eye(len(h)), b)
    if not np.isfinite(best).all():
        return None
    c = np.clip(np.rint(best), -HYPER_LIMIT, HYPER_LIMIT).astype(np.int32)
    saved = 2.0 * c @ b - c @ h @ c - 2.0 * len(c) * noise
    return c if saved > bits(at.bundle.wiener_tables, c) else None


def bits(tables: list[IntTable], symbols: Symbols) -> float:
    """What the coder takes for the coefficients of a tile."""
    return sum(-math.log2(int(table[c + HYPER_LIMIT]) / TOTAL) for table, c in zip(tables, symbols, strict=True))
