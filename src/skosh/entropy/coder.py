"""The entropy coder: integers to 32-bit words and back. It sees symbols, scale indices and tables, nothing else.

One stream holds, in this order: z, channel by channel in raster order; q, grouped by scale index from 1 up, each group
in the raster order of (channel, row, column); the values of escaped symbols; the tile's Wiener filter. Elements at
scale index 0 are 0 and not coded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import FormatError
from ..types import Symbols
from .rangecoder import Model, backend
from .tables import HYPER_LIMIT, HYPER_SYMBOLS, SCALES, TOTAL, IntTable, check_table

ESCAPE_BITS = 16  # most bits of an escaped symbol's distance from its table
SYMBOL_MAX = 32_767  # the largest magnitude of a symbol
LOW_BITS = 12  # most bits that are written at once
BLOCK = 1 << 21  # elements sorted at once


@dataclass(frozen=True)
class Models:
    """Frozen integer tables.

    ``z``: one per channel of z. ``q``: one per scale index, none without a hyperprior. ``wiener``: one per coefficient
    of a tile's Wiener filter, none where the bundle has no filter.
    """

    z: list[IntTable]
    q: list[IntTable]
    wiener: Sequence[IntTable] = ()

    @cached_property
    def z_models(self) -> list[Model]:
        """Return the coder's models of the channels of z."""
        return [_model(table, HYPER_SYMBOLS) for table in self.z]

    @cached_property
    def q_models(self) -> list[Model]:
        """Return the coder's models of the scale indices. The last symbol of each is the escape."""
        return [_model(table, table.size) for table in self.q]

    @cached_property
    def wiener_models(self) -> list[Model]:
        """Return the coder's models of a Wiener filter's coefficients."""
        return [_model(table, HYPER_SYMBOLS) for table in self.wiener]

    @cached_property
    def reaches(self) -> npt.NDArray[np.int32]:
        """Return the half-width of each scale index's table."""
        return np.array([table.size // 2 - 1 for table in self.q], dtype=np.int32)


def _model(table: IntTable, symbols: int) -> Model:
    """Return the range coder's model of a table. Raises unless the table has ``symbols`` entries."""
    if table.shape != (symbols,):
        raise ValueError(f"a table of {table.size} symbols where {symbols} are due")
    check_table(table)
    return backend().model(table)


@cache
def _uniform(size: int) -> Model:
    """Return a model of ``size`` equal frequencies, a power of two."""
    return backend().model(np.full(size, TOTAL // size, np.int64))


class Writer:
    """Collects symbols and returns the bytes of the stream."""

    def __init__(self, models: Models):
        self.models = models
        self.coder = backend().encoder()

    def put_z(self, z: Symbols) -> None:
        """Append z (N, h, w), within -HYPER_LIMIT..HYPER_LIMIT."""
        for channel, model in zip(z, self.models.z_models, strict=True):
            self.coder.encode(np.ascontiguousarray(channel.reshape(-1) + HYPER_LIMIT, dtype=np.int32), model)

    def put_q(self, q: Symbols, index: npt.NDArray[np.uint8]) -> None:
        """Append q (M, H, W) by its scale indices (M, H, W). q must be 0 where the index is 0."""
        flat = q.reshape(-1)
        escaped: list[tuple[int, int]] = []  # value, reach
        for i, start, places in _runs(index):
            run, reach = flat[start : start + BLOCK].take(places), int(self.models.reaches[i])
            symbols = run + np.int32(reach)
            outside = np.abs(run) > reach
            if outside.any():
                escaped.extend((int(v), reach) for v in run[outside])
                symbols[outside] = 2 * reach + 1
            self.coder.encode(symbols, self.models.q_models[i])
        for value, reach in escaped:
            self._put_escaped(value, reach)

    def _put_escaped(self, value: int, reach: int) -> None:
        """Append the sign, then the distance in Elias gamma code: the number of its bits, then all but the first."""
        if abs(value) > SYMBOL_MAX:
            raise ValueError(f"symbol {value} is too large to be coded")
        distance = abs(value) - reach
        bits = distance.bit_length() - 1
        self._put_uniform(int(value < 0), 2)
        self._put_uniform(bits, ESCAPE_BITS)
        for low in range(0, bits, LOW_BITS):
            part = min(LOW_BITS, bits - low)
            self._put_uniform(distance >> low & ((1 << part) - 1), 1 << part)

    def _put_uniform(self, value: int, size: int) -> None:
        if size > 1:
            self.coder.encode(np.array([value], dtype=np.int32), _uniform(size))

    def put_coefficients(self, symbols: Symbols | None) -> None:
        """Append the coefficients of the tile's Wiener filter, within -HYPER_LIMIT..HYPER_LIMIT; None for no filter.

        Appends nothing for a bundle without filters.
        """
        if not self.models.wiener:
            return
        self._put_uniform(int(symbols is not None), 2)
        if symbols is not None:
            for symbol, model in zip(symbols, self.models.wiener_models, strict=True):
                self.coder.encode(np.array([symbol + HYPER_LIMIT], dtype=np.int32), model)

    def stream(self) -> bytes:
        """Return the words, little-endian, without zero bytes at the end: the reader puts them back."""
        return bytes(self.coder.words().astype("<u4").tobytes().rstrip(b"\0"))


class Reader:
    """Takes symbols out of a stream, in the order of writing. Raises FormatError where that is impossible."""

    def __init__(self, models: Models, stream: bytes):
        self.models = models
        padded = stream + b"\0" * (-len(stream) % 4)
        self.coder = backend().decoder(np.frombuffer(padded, dtype="<u4").astype(np.uint32))

    def take_z(self, channels: int, height: int, width: int) -> Symbols:
        """Take z (N, h, w)."""
        count = height * width
        rows = [self._take(model, count) for model in self.models.z_models]
        return np.stack(rows).reshape(channels, height, width) - HYPER_LIMIT

    def take_q(self, index: npt.NDArray[np.uint8]) -> Symbols:
        """Take q, shaped as its scale indices."""
        q = np.zeros(index.size, dtype=np.int32)
        escapes: list[tuple[int, npt.NDArray[np.int32], int]] = []  # start of a block, places in it, reach
        for i, start, places in _runs(index):
            reach = int(self.models.reaches[i])
            run = self._take(self.models.q_models[i], places.size)
            if run.max() == 2 * reach + 1:
                escapes.append((start, places[run == 2 * reach + 1].astype(np.int32), reach))
            q[start : start + BLOCK][places] = run - reach
        for start, escaped, reach in escapes:
            for place in escaped:
                q[start + place] = self._take_escaped(reach)
        return q.reshape(index.shape)

    def take_coefficients(self) -> Symbols | None:
        """Take the coefficients of the tile's Wiener filter; None where it has none."""
        if not self.models.wiener or not self._take_uniform(2):
            return None
        return np.concatenate([self._take(model, 1) for model in self.models.wiener_models]) - HYPER_LIMIT

    def _take_escaped(self, reach: int) -> int:
        negative = self._take_uniform(2)
        bits = self._take_uniform(ESCAPE_BITS)
        distance = 1 << bits
        for low in range(0, bits, LOW_BITS):
            distance |= self._take_uniform(1 << min(LOW_BITS, bits - low)) << low
        if reach + distance > SYMBOL_MAX:
            raise FormatError(f"the entropy-coded data make no sense: a symbol of {reach + distance}")
        return -(reach + distance) if negative else reach + distance

    def _take_uniform(self, size: int) -> int:
        return int(self._take(_uniform(size), 1)[0]) if size > 1 else 0

    def _take(self, model: Model, count: int) -> Symbols:
        try:
            taken = self.coder.decode(model, count)
        except ValueError as error:
            raise FormatError(f"the entropy-coded data make no sense: {error}") from error
        return taken


def _runs(index: npt.NDArray[np.uint8]) -> Iterator[tuple[int, int, npt.NDArray[np.integer]]]:
    """Yield the coded elements in stream order: scale index, start of a block, and places in it.

    Elements are sorted block by block: NumPy takes 8 bytes a place, and a hostile file can claim hundreds of millions.
    """
    flat = index.reshape(-1)
    starts = range(0, flat.size, BLOCK)
    kept = np.int32 if len(starts) > 1 else np.intp  # NumPy uses intp without a conversion
    groups = [_groups(flat[start : start + BLOCK], kept) for start in starts]
    for i in range(1, SCALES):
        for start, (order, ends) in zip(starts, groups, strict=True):
            if ends[i] > ends[i - 1]:
                yield i, start, order[ends[i - 1] : ends[i]]


def _groups(
    block: npt.NDArray[np.uint8], kept: type[np.signedinteger[Any]]
) -> tuple[npt.NDArray[np.integer], list[int]]:
    """Return the places of a block's coded elements by scale index, and where each index's group ends.

    Within an index, elements stay in raster order.
    """
    coded = np.flatnonzero(block)
    indices = block[coded]
    order = coded[np.argsort(indices, kind="stable")].astype(kept, copy=False)
    return order, np.cumsum(np.bincount(indices, minlength=SCALES)).tolist()
