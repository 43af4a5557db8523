"""What symbols cost in bits, and which of them would better be another one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .pixels import Floats
from .tables import TOTAL, IntTable

# One step more or less adds half of its curvature to the objective, and a symbol is changed where slope and bits promise more than that. The squared error as the
# linear transform alone gives it has a known curvature for every symbol; the networks behind take some of it back, and symbols that change at once add to each other's
# errors. What that comes to was found by trying (docs/experiments.md, 35).
OWN = 0.6  # of the linear transform's curvature
OTHERS = 8.0  # bits beside it
ESCAPED = 5.0  # bits of the first symbol outside of a table, beside the escape's: its sign, and that its distance has no bits but the first
PAST = 0.6  # how far towards its new symbol a latent goes: past the boundary, so that a mean may move a little


class Costs:
    """Bits of symbols by scale index, from the coder's tables. All symbols outside of a table cost what the first one outside does."""

    def __init__(self, tables: list[IntTable]):
        """``tables``: one per scale index; the last entry of each is the escape."""
        bits = []
        for table in tables:
            *inside, escape = -np.log2(table / TOTAL)
            bits.append([escape + ESCAPED, *inside, escape + ESCAPED])
        self.reach = np.array([len(row) // 2 for row in bits], np.float32)
        ends = np.cumsum([len(row) for row in bits])
        self.centre = (np.r_[0, ends[:-1]] + self.reach).astype(np.int32)
        self.bits = np.concatenate(bits).astype(np.float32)
        self.rise = np.concatenate([[*np.diff(row), 0.0] for row in bits]).astype(np.float32)  # to the next symbol

    def of(self, q: Floats, index: npt.NDArray[np.uint8]) -> Floats:
        """Bits of whole symbols."""
        reach = self.reach[index]
        found: Floats = self.bits[self.centre[index] + np.clip(q, -reach, reach).astype(np.int32)]
        return found

    def slope(self, low: Floats, index: npt.NDArray[np.uint8]) -> Floats:
        """Bits that the next symbol costs more than ``low``."""
        reach = self.reach[index]
        found: Floats = self.rise[self.centre[index] + np.clip(low, -reach - 1, reach).astype(np.int32)]
        return found

    def moves(self, q: Floats, index: npt.NDArray[np.uint8], slope: Floats, curvature: Floats) -> Floats:
        """How far each latent should go, in quantisation steps: ``PAST`` up or down where another symbol promises less of the objective, else 0.

        Whole symbols, the slope of the squared error with respect to each, in bits, and its curvature in the linear transform, likewise; all of one shape. Where nothing is
        coded nothing may change: that is left to the caller.
        """
        up = slope + self.slope(q, index)
        down = -slope - self.slope(q - 1.0, index)
        better = np.minimum(up, down) < -0.5 * (OWN * curvature + OTHERS)
        moves: Floats = np.where(better, np.where(up < down, np.float32(PAST), np.float32(-PAST)), np.float32(0.0))
        return moves
