"""The noise of realism: the same on every machine, for any part, and without a pattern."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from skosh.codec.boxes import Box, whole
from skosh.codec.noise import noise, seed_of

MASK = 0xFFFFFFFF
VECTORS = [  # of docs/format.md: seed, channel, row, column, the 24 bits of the value
    (0, 0, 0, 0, 5557578),
    (0, 3, 0, 0, 2130313),
    (1, 0, 0, 1, 4113984),
    (0xDEADBEEF, 2, 700, 1999, 8397148),
    (MASK, 3, 16383, 16383, 6158925),
]


def reference(seed: int, *place: int) -> int:
    """The 24 bits of a value in Python's own integers, as docs/format.md has it."""
    h = seed
    for coordinate in place:
        h = (h + (coordinate + 1) * 0x9E3779B9) & MASK
        h ^= h >> 16
        h = h * 0x85EBCA6B & MASK
        h ^= h >> 13
        h = h * 0xC2B2AE35 & MASK
        h ^= h >> 16
    return h >> 8


def test_the_format_lists_these_vectors() -> None:
    text = (Path(__file__).parents[2] / "docs" / "format.md").read_text()
    table = text.partition("| seed | c | i | j |")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    assert [(int(seed, 16), *map(int, others)) for seed, *others in rows] == VECTORS


@pytest.mark.parametrize(("seed", "channel", "row", "column", "bits"), VECTORS)
def test_values_are_those_of_the_format(seed: int, channel: int, row: int, column: int, bits: int) -> None:
    assert reference(seed, channel, row, column) == bits
    (value,) = noise(seed, Box(row, column, row + 1, column + 1))[0, channel, :, 0]
    assert value == bits / 2**23 - 1


def test_a_part_is_the_same_part_of_the_whole() -> None:
    full = noise(77, whole(90, 70))
    part = Box(13, 20, 60, 69)
    assert np.array_equal(noise(77, part), part.of(full))
    assert full.dtype == np.float32


def test_values_are_uniform_and_tell_nothing_of_their_neighbours() -> None:
    found = noise(5, whole(256, 256))
    assert -1 <= found.min() < -0.9999 < 0.9999 < found.max() < 1
    counts, _ = np.histogram(found, 64, (-1, 1))
    assert np.abs(counts / counts.mean() - 1).max() < 0.08  # five deviations of a count of 4096
    for other in (
        noise(6, whole(256, 256)),
        np.roll(found, 1, 1),
        *(np.roll(found, lag, axis) for axis in (2, 3) for lag in (1, 2, 4, 16)),
    ):
        assert abs(np.mean(found * other)) * 3 < 0.01  # correlation; five deviations


def test_the_spectrum_has_no_peak() -> None:
    power = np.abs(np.fft.rfft2(noise(0, whole(256, 256))[0])) ** 2
    power[:, 0, 0] = 0
    assert power.max() / power.mean() < 20  # exponential: the largest of 131,072 is about 12 means


def test_the_seed_follows_the_first_tiles_bytes() -> None:
    assert seed_of(b"123456789") == 0xCBF43926
    assert seed_of(None) == seed_of(b"") == 0
