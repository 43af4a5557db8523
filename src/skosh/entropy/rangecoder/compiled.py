"""The range coder of ``plain``, compiled by numba at its first use, for machines that constriction has no wheel for.

All arithmetic is in unsigned 64 bits, which wrap: numba makes floats of signed and unsigned integers mixed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from ...types import Symbols
from ..tables import PRECISION, TOTAL, IntTable
from . import Words

NAME = f"numba {numba.__version__}"
STATE = np.uint64(2**64 - 1)  # the width at the start
FULL_WORD = np.uint64(2**32 - 1)
WORD = np.uint64(32)  # bits
SCALE_BITS, ALL = np.uint64(PRECISION), np.uint64(TOTAL)
ONE, ZERO = np.uint64(1), np.uint64(0)
OUTSIDE = -1  # what a compiled loop returns instead of raising
CAPACITY = 1024  # words at the start

Unsigned = npt.NDArray[np.uint64]


class Table(NamedTuple):
    """Frequencies, cumulative sums from 0 to TOTAL, and where to start looking for a share of the total.

    ``first``: for each of equal parts of the total, the symbol in which the part begins.
    """

    frequency: Unsigned
    cumulative: Unsigned
    first: npt.NDArray[np.int32]


PARTS_BITS = 10  # parts of the total in a table's index
PART = np.uint64(PRECISION - PARTS_BITS)  # bits of a share below its part


def model(table: IntTable) -> Table:
    """Return a table's frequencies, cumulative sums and index."""
    cumulative = np.concatenate([[0], np.cumsum(table)])
    starts = np.arange(1 << PARTS_BITS) << int(PART)
    first = np.searchsorted(cumulative, starts, side="right") - 1
    return Table(table.astype(np.uint64), cumulative.astype(np.uint64), first.astype(np.int32))


def compiled(function: Any) -> Any:
    """Compile a loop. What was compiled is kept on disk, if there is a place that can be written to."""
    try:
        return numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:
        return numba.njit(nogil=True)(function)


@compiled
def encode_all(symbols, frequency, cumulative, state, out, filled):  # type: ignore[no-untyped-def]
    """Narrow the interval ``state`` (lower, width) by each symbol.

    Return the number of words in ``out``, or OUTSIDE.
    """
    lower, width = state[0], state[1]
    for symbol in symbols:
        if symbol < 0 or symbol >= frequency.size:
            return OUTSIDE
        scale = width >> SCALE_BITS
        width = scale * frequency[symbol]
        before = lower
        lower += scale * cumulative[symbol]
        if lower < before:  # past 64 bits: a carry
            carry(out, filled)
        if width <= FULL_WORD:
            out[filled] = lower >> WORD
            filled += 1
            lower <<= WORD
            width <<= WORD
    state[0], state[1] = lower, width
    return filled


@compiled
def carry(out, filled):  # type: ignore[no-untyped-def]
    """Add one to the last word that was put out, and to those before it while they overflow."""
    place = filled - 1
    while out[place] == FULL_WORD:
        out[place] = 0
        place -= 1
    out[place] += ONE


@compiled
def decode_all(found, frequency, cumulative, first, state, words, place):  # type: ignore[no-untyped-def]
    """Fill ``found`` with symbols; return the place of the next word, or OUTSIDE. ``state``: offset and width."""
    offset, width = state[0], state[1]
    for i in range(found.size):
        scale = width >> SCALE_BITS
        share = offset // scale
        if share >= ALL:
            return OUTSIDE
        symbol = first[share >> PART]
        while cumulative[symbol + 1] <= share:
            symbol += 1
        offset -= scale * cumulative[symbol]
        width = scale * frequency[symbol]
        if width <= FULL_WORD:
            word = words[place] if place < words.size else ZERO
            place += 1
            offset = offset << WORD | word
            width <<= WORD
        found[i] = symbol
    state[0], state[1] = offset, width
    return place


class Encoder:
    """Implements ``rangecoder.RangeEncoder``."""

    def __init__(self) -> None:
        self.out, self.filled = np.zeros(CAPACITY, np.uint64), 0
        self.state = np.array([0, STATE], np.uint64)

    def encode(self, symbols: Symbols, model: Table) -> None:
        if self.filled + symbols.size >= self.out.size:  # a symbol puts out one word at most
            self.out = np.concatenate([self.out, np.zeros(self.out.size + symbols.size, np.uint64)])
        symbols = np.ascontiguousarray(symbols, np.int32)
        filled = encode_all(symbols, model.frequency, model.cumulative, self.state, self.out, self.filled)
        if filled == OUTSIDE:
            raise ValueError(f"a symbol is outside of a table of {model.frequency.size}")
        self.filled = filled

    def words(self) -> Words:
        out = self.out[: self.filled + 1].copy()
        lower, width = self.state
        if not self.filled and width == STATE:
            return np.zeros(0, np.uint32)
        end = (int(lower) + int(FULL_WORD)) % (1 << 64)  # one word names a point in the interval, whatever follows it
        if end < int(lower):
            carry(out, self.filled)
        out[self.filled] = end >> int(WORD)
        return out.astype(np.uint32)


class Decoder:
    """Implements ``rangecoder.RangeDecoder``."""

    def __init__(self, words: Words):
        self.words, self.next = np.ascontiguousarray(words, np.uint64), 2
        first, second = (*self.words[:2].tolist(), 0, 0)[:2]
        self.state = np.array([first << int(WORD) | second, int(STATE)], np.uint64)

    def decode(self, model: Table, count: int) -> Symbols:
        found = np.empty(count, np.int32)
        place = decode_all(found, model.frequency, model.cumulative, model.first, self.state, self.words, self.next)
        if place == OUTSIDE:
            raise ValueError("the words point outside of the table")
        self.next = place
        return found


encoder, decoder = Encoder, Decoder
