"""Rate: bits of symbols, and which symbols to change by one (rate-distortion optimised quantisation)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..types import Floats
from .tables import TOTAL, IntTable

# A step of one adds half of its curvature to the objective. A symbol changes where slope and bits save more than that.
# The curvature of the squared error through the linear transform is known for every symbol. The networks behind reduce
# it, and symbols that change together add to each other's errors. The two numbers were found by trying
# (docs/experiments.md, 35).
OWN = 0.6  # share of the linear transform's curvature
OTHERS = 8.0  # bits added to it
ESCAPED = 5.0  # bits of the first symbol beyond a table, besides the escape: its sign and the length of its distance
PAST = 0.6  # how far a latent goes towards its new symbol: past the boundary, so that its mean may move a little


class Rate:
    """Bits of symbols by scale index, from the coder's tables.

    Every symbol outside of a table costs what the first one outside costs.
    """

    def __init__(self, tables: list[IntTable]):
        """Build the costs. ``tables``: one per scale index; the last entry of each is the escape."""
        bits = []
        for table in tables:
            *inside, escape = -np.log2(table / TOTAL)
            bits.append([escape + ESCAPED, *inside, escape + ESCAPED])
        self.reach = np.array([len(row) // 2 for row in bits], np.float32)
        # Two zeros follow each row: a step beyond either end of a table costs nothing.
        ends = np.cumsum([len(row) + 2 for row in bits])
        self.centre = (np.r_[0, ends[:-1]] + self.reach).astype(np.intp)
        self.bits = np.concatenate([[*row, 0.0, 0.0] for row in bits]).astype(np.float32)
        self.rise = np.concatenate([[*np.diff(row), 0.0, 0.0, 0.0] for row in bits]).astype(np.float32)  # to the next

    def places(self, q: Floats, index: npt.NDArray[np.uint8], beyond: int) -> npt.NDArray[np.intp]:
        """Return the positions of whole symbols in the tables.

        Symbols further out than ``beyond`` get the position of ``beyond``.
        """
        reach = self.reach.take(index) + beyond
        found: npt.NDArray[np.intp] = self.centre.take(index) + np.clip(q, -reach, reach).astype(np.intp)
        return found

    def of(self, q: Floats, index: npt.NDArray[np.uint8]) -> Floats:
        """Return the bits of whole symbols."""
        return self.bits.take(self.places(q, index, 0))

    def slope(self, low: Floats, index: npt.NDArray[np.uint8]) -> Floats:
        """Return how many more bits the symbol above ``low`` costs."""
        return self.rise.take(self.places(low, index, 1), mode="wrap")

    def moves(self, q: Floats, index: npt.NDArray[np.uint8], slope: Floats, curvature: Floats) -> Floats:
        """Return the move of each latent in quantisation steps: ``PAST`` up or down, or 0 to keep the symbol.

        A latent moves where another symbol lowers the objective. All arrays have one shape: whole symbols ``q``, their
        scale indices, the ``slope`` of the squared error by each symbol, in bits, and its ``curvature`` in the linear
        transform, likewise. The caller must leave elements alone that are not coded.
        """
        places = self.places(q, index, 1)
        up = slope + self.rise.take(places, mode="wrap")
        down = -slope - self.rise.take(places - 1, mode="wrap")
        better = np.minimum(up, down) < -0.5 * (OWN * curvature + OTHERS)
        moves: Floats = np.copysign(np.float32(PAST), down - up) * better
        return moves
