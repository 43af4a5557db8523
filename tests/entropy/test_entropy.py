from __future__ import annotations

import bisect
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skosh import FormatError
from skosh.entropy.coder import Models, Reader, Writer
from skosh.entropy.tables import (
    HYPER_LIMIT,
    HYPER_SYMBOLS,
    PRECISION,
    SCALES,
    TOTAL,
    integer_table,
    normal_tables,
    scales,
)

CHANNELS = 3


def models() -> Models:
    peaked = np.exp(-0.3 * np.abs(np.arange(HYPER_SYMBOLS) - HYPER_LIMIT))
    return Models([integer_table(peaked)] * CHANNELS, normal_tables())


MODELS = models()


def sample(seed: int, shape: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    z = rng.integers(-HYPER_LIMIT, HYPER_LIMIT + 1, (CHANNELS, 2, 3)).astype(np.int32)
    index = rng.integers(0, SCALES, shape).astype(np.uint8)
    q = np.rint(rng.normal(0, 1, shape) * scales()[index]).astype(np.int32)
    return z, np.where(index > 0, q, 0).astype(np.int32), index


def coded(z: np.ndarray, q: np.ndarray, index: np.ndarray) -> bytes:
    writer = Writer(MODELS)
    writer.put_z(z)
    writer.put_q(q, index)
    return writer.stream()


@given(st.integers(0, 10_000), st.tuples(st.integers(1, 5), st.integers(1, 9), st.integers(1, 9)))
@settings(max_examples=50, deadline=None)
def test_symbols_come_back(seed: int, shape: tuple[int, int, int]) -> None:
    z, q, index = sample(seed, shape)
    reader = Reader(MODELS, coded(z, q, index))
    assert np.array_equal(reader.take_z(CHANNELS, 2, 3), z)
    assert np.array_equal(reader.take_q(index), q)


@pytest.mark.parametrize("value", [1, -1, 2, 5, 6, 7, 1000, -1025, 4095, 4096, 4097, -32767, 32767])
def test_symbols_outside_of_their_table_come_back(value: int) -> None:
    index = np.ones((1, 2, 2), dtype=np.uint8)  # the narrowest table that is coded
    q = np.array([[[0, value], [0, 0]]], dtype=np.int32)
    z = np.zeros((CHANNELS, 2, 3), dtype=np.int32)
    reader = Reader(MODELS, coded(z, q, index))
    reader.take_z(CHANNELS, 2, 3)
    assert np.array_equal(reader.take_q(index), q)


def test_a_stream_is_as_long_as_its_tables_say() -> None:
    z, q, index = sample(0, (16, 40, 40))
    tables, reaches = MODELS.q, MODELS.reaches
    ideal = sum(-np.log2(MODELS.z[c][z[c] + HYPER_LIMIT] / TOTAL).sum() for c in range(CHANNELS))
    for i in range(1, SCALES):
        group = q[index == i]
        inside = np.abs(group) <= reaches[i]
        symbols = np.where(inside, group + reaches[i], 2 * reaches[i] + 1)
        ideal += -np.log2(tables[i][symbols] / TOTAL).sum()
    assert 8 * len(coded(z, q, index)) == pytest.approx(ideal, rel=0.001)


def test_index_zero_costs_nothing() -> None:
    z = sample(0, (2, 8, 8))[0]
    nothing = np.zeros((2, 8, 8), dtype=np.int32)
    alone = Writer(MODELS)
    alone.put_z(z)
    assert coded(z, nothing, nothing.astype(np.uint8)) == alone.stream()


def test_the_coder_uses_exactly_the_shipped_integers() -> None:
    """A range decoder written from the format's description, in plain integers, reads the same symbols."""
    z, q, index = sample(3, (4, 20, 20))
    decode = plain_range_decoder(coded(z, q, index))
    for c in range(CHANNELS):
        assert [decode(MODELS.z[c]) - HYPER_LIMIT for _ in range(6)] == z[c].reshape(-1).tolist()
    for i in range(1, 30):
        group = q[index == i]
        taken = [decode(MODELS.q[i]) for _ in group]
        inside = np.abs(group) <= MODELS.reaches[i]
        assert taken == np.where(inside, group + MODELS.reaches[i], 2 * MODELS.reaches[i] + 1).tolist()


def plain_range_decoder(stream: bytes):  # type: ignore[no-untyped-def]
    words = iter(np.frombuffer(stream + bytes(-len(stream) % 4), "<u4").tolist())
    mask = (1 << 64) - 1
    lower, width = 0, mask
    point = next(words) << 32 | next(words, 0)

    def decode(table: np.ndarray) -> int:
        nonlocal lower, width, point
        ends = np.cumsum(table).tolist()
        scale = width >> PRECISION
        symbol = bisect.bisect_right(ends, (point - lower & mask) // scale)
        start = ends[symbol - 1] if symbol else 0
        lower = lower + scale * start & mask
        width = scale * (ends[symbol] - start)
        while width < 1 << 32:
            lower, width = lower << 32 & mask, width << 32
            point = (point << 32 | next(words, 0)) & mask
        return symbol

    return decode


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_stream_gives_symbols_or_a_format_error(stream: bytes) -> None:
    _, _, index = sample(0, (2, 8, 8))
    reader = Reader(MODELS, stream)
    try:
        z = reader.take_z(CHANNELS, 2, 3)
        q = reader.take_q(index)
    except FormatError:
        return
    assert np.abs(z).max() <= HYPER_LIMIT
    assert q.shape == index.shape


def test_a_table_that_does_not_sum_to_the_total_is_refused() -> None:
    table = normal_tables()[5]
    table[0] += 1
    with pytest.raises(ValueError, match="sum"):
        _ = Models([], [table]).q_models


def test_symbols_that_no_encoder_writes_are_refused() -> None:
    with pytest.raises(ValueError, match="too large"):
        coded(np.zeros((CHANNELS, 2, 3), np.int32), np.array([[[32768]]], np.int32), np.ones((1, 1, 1), np.uint8))


def test_an_escaped_symbol_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    z, index = np.zeros((CHANNELS, 2, 3), np.int32), np.ones((1, 1, 1), np.uint8)
    with monkeypatch.context() as patch:
        patch.setattr("skosh.entropy.coder.SYMBOL_MAX", 60_000)
        stream = coded(z, np.array([[[32_768]]], np.int32), index)
    reader = Reader(MODELS, stream)
    reader.take_z(CHANNELS, 2, 3)
    with pytest.raises(FormatError, match="32768"):
        reader.take_q(index)


def test_many_blocks_are_coded_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    z, q, index = sample(5, (6, 20, 20))
    q[index == 2] *= 100  # some outside of their table
    alone = coded(z, q, index)
    monkeypatch.setattr("skosh.entropy.coder.BLOCK", 700)
    assert coded(z, q, index) == alone
    reader = Reader(MODELS, alone)
    assert np.array_equal(reader.take_z(CHANNELS, 2, 3), z)
    assert np.array_equal(reader.take_q(index), q)


def test_coding_many_elements_takes_few_bytes_for_each() -> None:
    index = np.full((4, 1024, 2048), 30, np.uint8)
    q = np.zeros(index.shape, np.int32)
    writer = Writer(MODELS)
    tracemalloc.start()
    writer.put_q(q, index)
    put = tracemalloc.get_traced_memory()[1]
    stream = writer.stream()
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    Reader(MODELS, stream).take_q(index)
    taken = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    assert put < 14 * index.size  # three quarters of a hostile picture's memory were places of 8 bytes
    assert taken < 14 * index.size
