"""The compiled range coder of the package constriction (``queue``)."""

from __future__ import annotations

from typing import Any

import constriction
import numpy as np

from ...types import Symbols
from ..tables import IntTable
from . import Words

NAME = f"constriction {getattr(constriction, '__version__', '')}".strip()


def model(table: IntTable) -> Any:
    """Return a model with exactly the table's frequencies.

    constriction gives every symbol one count and shares out the rest in proportion. Our tables less 1 add up to exactly
    that rest, so nothing is scaled or rounded.
    """
    return constriction.stream.model.Categorical((table - 1).astype(np.float64), lazy=False, perfect=False)


class Encoder:
    """Implements ``rangecoder.RangeEncoder``."""

    def __init__(self) -> None:
        self.coder = constriction.stream.queue.RangeEncoder()

    def encode(self, symbols: Symbols, model: Any) -> None:
        self.coder.encode(np.ascontiguousarray(symbols, dtype=np.int32), model)

    def words(self) -> Words:
        found: Words = self.coder.get_compressed()
        return found


class Decoder:
    """Implements ``rangecoder.RangeDecoder``."""

    def __init__(self, words: Words):
        self.coder = constriction.stream.queue.RangeDecoder(words)

    def decode(self, model: Any, count: int) -> Symbols:
        try:
            found: Symbols = self.coder.decode(model, count)
        except AssertionError as error:
            raise ValueError(str(error)) from error
        return found


encoder, decoder = Encoder, Decoder
