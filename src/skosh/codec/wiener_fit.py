"""Fit each tile's Wiener filter (``wiener``) to the picture: least squares over a sample of its pixels."""

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

SAMPLED = 5  # every fifth row and column: enough for these few numbers; meets every place in the networks' blocks alike
SMALLEST = 128  # pixels a side of the smallest tiles that get a filter
# Errors of neighbouring pixels are alike, so the sample says less than as many independent ones (docs/experiments.md,
# 36).
DOUBT = 2.0
SPREAD = 5.0  # root mean square of a coefficient over many pictures; the kernels are scaled for it


Squares = npt.NDArray[np.float64]


def sampled(part: Box) -> Box:
    """Return the part from its first sampled row and column on; these do not depend on where parts begin."""
    top, left = (-(-edge // SAMPLED) * SAMPLED for edge in (part.top, part.left))
    return Box(top, left, part.bottom, part.right)


class Equations(NamedTuple):
    """Normal equations of a tile or a part of it: ``products c = towards`` minimises the squared error."""

    products: Squares  # (K, K), of the terms with each other
    towards: Squares  # (K,), of the terms with what the networks left over
    error: float  # the sum of squares of what the networks left over
    values: int  # number of sampled values

    def plus(self, other: Equations) -> Equations:
        """Return the equations of both parts together."""
        products, towards = self.products + other.products, self.towards + other.towards
        return Equations(products, towards, self.error + other.error, self.values + other.values)


def equations(bundle: Bundle, x: Floats, due: Floats) -> Equations:
    """Return the equations of a ``sampled`` part.

    ``x``: the networks' picture with a margin around it; ``due``: the original without; both (1, 3, H, W).

    Products are summed row by row: for one large product, NumPy's linear algebra would wake threads of its own, which
    keep a core busy for another 30 ms while the networks want it (docs/experiments.md, 47).
    """
    (terms,) = bundle.run("wiener_terms", x)
    around = margin(bundle)
    shown = x[..., around : x.shape[2] - around : SAMPLED, around : x.shape[3] - around : SAMPLED]
    bundle.check_shape("wiener_terms", terms, (1, 3 * bundle.wiener_terms, *shown.shape[2:]))
    width, last = shown.shape[3], bundle.wiener_terms
    left = due[..., ::SAMPLED, ::SAMPLED] - shown
    rows = np.concatenate([terms.reshape(last, -1, width), left.reshape(1, -1, width)]).transpose(1, 0, 2)
    sums = (rows @ rows.transpose(0, 2, 1)).sum(0, dtype=np.float64)  # products of all terms and the leftover
    return Equations(sums[:last, :last], sums[:last, last], float(sums[last, last]), left.size)


def solve(at: Point, tile: Equations, values: int) -> Symbols | None:
    """Return the coefficients of a tile of ``values`` values (three a pixel); None where they are not worth their bits.

    The squared error counts as in training, and a coefficient costs the bits of a normal distribution. Fitting to a
    sample overstates the saving, and makes coefficients too large: subtract the expected overfit, twice the variance
    for each coefficient (Mallows 1973).
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
    """Return the bits that the coder spends on a tile's coefficients."""
    return sum(-math.log2(int(table[c + HYPER_LIMIT]) / TOTAL) for table, c in zip(tables, symbols, strict=True))
