"""The grid of scales and the integer frequency tables: numbers that training, export and both coders share.

A *scale index* ``i`` in ``0..SCALES - 1`` stands for the standard deviation ``SCALE_MIN * exp(i * LOG_STEP)`` of a
symbol. Index 0 is so narrow that its symbols are not coded: they are known to be 0.

A *table* is a row of positive integers that sum to ``TOTAL``. The coder sees only these integers, so a file decodes to
the same symbols on every machine.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

SCALES = 64  # number of scale indices
SCALE_MIN = 0.11  # standard deviation at index 0, in quantisation steps
SCALE_MAX = 256.0  # standard deviation at index 63
LOG_STEP = math.log(SCALE_MAX / SCALE_MIN) / (SCALES - 1)  # one index, in nepers (0.123)
PRECISION = 24  # bits of a frequency: the range coder's own precision, so the integers are kept exactly
TOTAL = 1 << PRECISION
HYPER_LIMIT = 63  # z, and the latent of a factorised model, are clamped to -HYPER_LIMIT..HYPER_LIMIT
HYPER_SYMBOLS = 2 * HYPER_LIMIT + 1
REACH_MAX = 1023  # the widest table covers -REACH_MAX..REACH_MAX; symbols beyond are escaped
TAIL_SIGMAS = 5.0  # standard deviations that a table covers; symbols beyond are escaped


IntTable = npt.NDArray[np.int64]


def scales() -> npt.NDArray[np.float64]:
    """Return the standard deviation of each scale index, shape (SCALES,)."""
    grid: npt.NDArray[np.float64] = SCALE_MIN * np.exp(LOG_STEP * np.arange(SCALES))
    return grid


def reaches() -> IntTable:
    """Return the half-width of each index's table, shape (SCALES,): symbols ``-reach..reach`` have their own entry."""
    return np.clip(np.ceil(TAIL_SIGMAS * scales()), 1, REACH_MAX).astype(np.int64)


def integer_table(probabilities: npt.NDArray[np.float64]) -> IntTable:
    """Round probabilities to positive integers that sum to TOTAL.

    Every entry is at least 1, so that every symbol can be coded. The rest is shared out in proportion. What rounding
    down leaves over goes to the largest remainders, one each.
    """
    if probabilities.ndim != 1 or probabilities.size < 2 or not np.all(np.isfinite(probabilities)):
        raise ValueError("a table needs at least two finite probabilities in one row")
    share = np.maximum(probabilities, 0.0)
    share = share / share.sum()
    due = share * (TOTAL - share.size)
    table: IntTable = 1 + np.floor(due).astype(np.int64)
    left = TOTAL - int(table.sum())
    table[np.argsort(np.floor(due) - due, kind="stable")[:left]] += 1
    return table


def check_table(table: npt.NDArray[np.integer]) -> None:
    """Raise ValueError unless these are positive frequencies that sum to TOTAL."""
    if table.size < 1 or int(table.min()) < 1 or int(table.sum()) != TOTAL:
        raise ValueError(f"a table needs positive frequencies that sum to {TOTAL}")


def normal_mass(low: npt.NDArray[np.float64], high: npt.NDArray[np.float64], scale: float) -> npt.NDArray[np.float64]:
    """Return the mass of a centred normal distribution of this standard deviation between ``low`` and ``high``."""

    def upper(v: float) -> float:
        return 0.5 * math.erfc(v / (scale * math.sqrt(2.0)))

    # Work in the upper tail, where differences keep their precision.
    return np.array([upper(a) - upper(b) if a >= 0 else upper(-b) - upper(-a) for a, b in zip(low, high, strict=True)])


def normal_tables() -> list[IntTable]:
    """Return one table per scale index, from the normal distribution: symbols ``-reach..reach``, then the escape."""
    tables = []
    for scale, reach in zip(scales(), reaches(), strict=True):
        edges = np.arange(-reach, reach + 2) - 0.5
        inside = normal_mass(edges[:-1], edges[1:], float(scale))
        tables.append(integer_table(np.append(inside, max(1.0 - float(inside.sum()), 0.0))))
    return tables
