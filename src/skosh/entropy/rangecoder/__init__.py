"""The range coder: symbols with integer frequencies become words of 32 bits, and back. ``docs/format.md`` has its arithmetic.

Several implementations agree on every byte, one file each. ``backend`` names the one in use: ``native`` (the package constriction) where it is
installed, else ``plain`` (Python integers, a hundred times slower).
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ...types import Symbols
from ..tables import IntTable

Words = npt.NDArray[np.uint32]
Model = Any  # a table as a backend keeps it


class RangeEncoder(Protocol):
    """Collects symbols."""

    def encode(self, symbols: Symbols, model: Model) -> None:
        """Append symbols, each an index into the model's table."""

    def words(self) -> Words:
        """All words so far and the end; the encoder is not changed. Zero words at the end may be left out."""


class RangeDecoder(Protocol):
    """Takes symbols out of words in the order in which they were put. Words past the end are zeros."""

    def decode(self, model: Model, count: int) -> Symbols:
        """The next symbols. ValueError where the words point outside of the table."""


class Backend(Protocol):
    """An implementation: a module with these."""

    NAME: str

    def model(self, table: IntTable) -> Model:
        """A table (``tables.check_table``) as this backend wants it."""

    def encoder(self) -> RangeEncoder:
        """One that holds nothing yet."""

    def decoder(self, words: Words) -> RangeDecoder:
        """One at the first word."""


@cache
def backend() -> Backend:
    """The implementation in use."""
    found: Any
    try:
        found = import_module(".native", __name__)
    except ImportError:  # there is no wheel for this machine
        found = import_module(".plain", __name__)
    return found  # type: ignore[no-any-return]
