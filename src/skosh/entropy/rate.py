"""What symbols cost in bits, and which of them would better be another one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..types import Floats
from .tables import TOTAL, IntTable

# One step more or less adds half of its curvature to the objective, and a symbol is changed where slope and bits promise more than that. The squared error as the
# linear transform alone gives it has a known curvature for every symbol; the networks behind take some of it back, and symbols that change at once add to each other's
# errors. What that comes to was found by trying (docs/experiments.md, 35).
OWN = 0.6  # of the linear transform's curvature


OTHERS = 8.0  # bits beside it


ESCAPED = 5.0  # bits of the first symbol outside of a table, beside the escape's: its sign, and that its distance has no bits but the first


PAST = 0.6  # how far towards its new symbol a latent goes: past the boundary, so that a mean may move a little


class Rate:
    """Bits of symbols by scale index, from the coder's tables. All symbols outside of a table cost what the first one outside does."""

    def __init__(self, tables: list[IntTable]):
        """``tables``: one per scale index; the last entry of each is the escape."""
        bits = []
        for table in tables:
            *inside, escape = -np.log2(table / TOTAL)
            bits.append([escape + ESCAPED, *inside, escape + ESCAPED])
        self.reach = np.array([len(row) // 2 for row in bits], np.float32)
        # Each row is followed by two zeros, so that no step beyond a table's ends costs anything, from whichever side it is looked up.
        ends = np.cumsum([len(row) + 2 for row in bits])
        self.centre = (np.r_[0, ends[:-1]] + self.reach).astype(np.intp)
        self.bits = np.concatenate([[*row, 0.0, 0.0] for row in bits]).astype(np.float32)
        self.rise = np.concatenate([[*np.diff(row), 0.0, 0.0, 0.0] for row in bits]).astype(np.float32)  # to the next

    def places(self, q: Floats, index: npt.NDArray[np.uint8], beyond: int) -> npt.NDArray[np.intp]:
        """Where whole symbols stand in the tables; all that are further outside than ``beyond`` stand there."""
        reach = self.reach.take(index) + beyond
        found: npt.NDArray[np.intp] = self.centre.take(index) + np.clip(q, -reach, reach).astype(np.intp)
        return found

    def of(self, q: Floats, index: npt.NDArray[np.uint8]) -> Floats:
        """Bits of whole symbols."""
        return self.bits.take(self.places(q, index, 0))

    def slope(self, low: Floats, index: npt.NDArray[np.uint8]) -> Floats:
        """Bits that the next symbol costs more than ``low``."""
        return self.rise.take(self.places(low, index, 1), mode="wrap")

    def moves(self, q: Floats, index: npt.NDArray[np.uint8], slope: Floats, curvature: Floats) -> Floats:
        """How far each latent should go, in quantisation steps: ``PAST`` up or down where another symbol promises less of the objective, else 0.

        Whole symbols, the slope of the squared error with respect to each, in bits, and its curvature in the linear transform, likewise; all of one shape. Where nothing is
        coded nothing may change: that is left to the caller.
        """
        places = self.places(q, index, 1)
        up = slope + self.rise.take(places, mode="wrap")
        down = -slope - self.rise.take(places - 1, mode="wrap")
        better = np.minimum(up, down) < -0.5 * (OWN * curvature + OTHERS)
        moves: Floats = np.copysign(np.float32(PAST), down - up) * better
        return moves
