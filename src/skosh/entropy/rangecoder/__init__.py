"""The range coder: symbols with integer frequencies to 32-bit words, and back (arithmetic: ``docs/format.md``).

All implementations agree on every byte, one file each. ``backend`` returns the first that is there: ``native`` (the
package constriction), ``compiled`` (by numba, where constriction has no wheel) or ``plain`` (Python integers, a hundred
times slower).
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ...types import Symbols
from ..tables import IntTable

Words = npt.NDArray[np.uint32]
BACKENDS = ("native", "compiled", "plain")  # the fastest first
Model = Any  # a table in a backend's own form


class RangeEncoder(Protocol):
    """Collects symbols."""

    def encode(self, symbols: Symbols, model: Model) -> None:
        """Append symbols, each an index into the model's table."""

    def words(self) -> Words:
        """Return all words with an end; the encoder does not change. Zero words at the end may be missing."""


class RangeDecoder(Protocol):
    """Takes symbols out of words, in the order of encoding. Words past the end are zeros."""

    def decode(self, model: Model, count: int) -> Symbols:
        """Return the next ``count`` symbols. Raises ValueError where the words point outside of the table."""


class Backend(Protocol):
    """What a module of this package must offer."""

    NAME: str

    def model(self, table: IntTable) -> Model:
        """Return a valid table (``tables.check_table``) in this backend's form."""

    def encoder(self) -> RangeEncoder:
        """Return an empty encoder."""

    def decoder(self, words: Words) -> RangeDecoder:
        """Return a decoder at the first word."""


@cache
def backend() -> Backend:
    """Return the implementation in use."""
    found: Any = None
    for name in BACKENDS:
        with suppress(ImportError, OSError):  # no wheel for this machine, or one that does not load (llvmlite: OSError)
            found = import_module(f".{name}", __name__)
            break
    return found  # type: ignore[no-any-return]
