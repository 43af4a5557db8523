"""The range coder in Python integers: slow, and the same everywhere. It follows ``docs/format.md`` line by line.

The state is an interval: ``lower`` and ``width``, 64 bits each. A symbol narrows the interval to its share. Once the
width is below 2^32, the top word of ``lower`` is final but for a carry, and is put out.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

import numpy as np

from ...types import Symbols
from ..tables import PRECISION, TOTAL, IntTable
from . import Words

NAME = "plain Python"
WORD, STATE = 32, 64  # bits
WORD_MASK, STATE_MASK = (1 << WORD) - 1, (1 << STATE) - 1


class Table(NamedTuple):
    """Frequencies, and cumulative sums from 0 to TOTAL."""

    frequency: list[int]
    cumulative: list[int]


def model(table: IntTable) -> Table:
    """Return a table's frequencies and their cumulative sums."""
    return Table(table.tolist(), [0, *np.cumsum(table).tolist()])


class Encoder:
    """Implements ``rangecoder.RangeEncoder``."""

    def __init__(self) -> None:
        self.out: list[int] = []
        self.lower, self.width = 0, STATE_MASK

    def encode(self, symbols: Symbols, model: Table) -> None:
        for symbol in symbols.tolist():
            if not 0 <= symbol < len(model.frequency):
                raise ValueError(f"symbol {symbol} is outside of a table of {len(model.frequency)}")
            scale = self.width >> PRECISION
            self.width = scale * model.frequency[symbol]
            self.lower = settled(self.out, self.lower + scale * model.cumulative[symbol])
            if self.width <= WORD_MASK:
                self.out.append(self.lower >> WORD)
                self.lower = self.lower << WORD & STATE_MASK
                self.width <<= WORD

    def words(self) -> Words:
        out = list(self.out)
        if out or self.width != STATE_MASK:  # one word names a point in the interval, whatever follows it
            out.append(settled(out, self.lower + WORD_MASK) >> WORD)
        return np.array(out, np.uint32)


def settled(out: list[int], lower: int) -> int:
    """Return ``lower`` within 64 bits; add a carry to the words already put out."""
    if lower > STATE_MASK:
        place = len(out) - 1
        while out[place] == WORD_MASK:
            out[place] = 0
            place -= 1
        out[place] += 1
    return lower & STATE_MASK


class Decoder:
    """Implements ``rangecoder.RangeDecoder``. ``offset``: the stream's point less the interval's lower end."""

    def __init__(self, words: Words):
        self.words, self.next = words.tolist(), 2
        first, second = (*self.words[:2], 0, 0)[:2]
        self.offset, self.width = first << WORD | second, STATE_MASK

    def decode(self, model: Table, count: int) -> Symbols:
        found = np.empty(count, np.int32)
        for place in range(count):
            scale = self.width >> PRECISION
            share = self.offset // scale
            if share >= TOTAL:
                raise ValueError("the words point outside of the table")
            symbol = bisect_right(model.cumulative, share) - 1
            self.offset -= scale * model.cumulative[symbol]
            self.width = scale * model.frequency[symbol]
            if self.width <= WORD_MASK:
                word = self.words[self.next] if self.next < len(self.words) else 0
                self.next += 1
                self.offset = self.offset << WORD | word
                self.width <<= WORD
            found[place] = symbol
        return found


encoder, decoder = Encoder, Decoder
