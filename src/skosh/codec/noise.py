"""Noise for realism: a hash of seed, channel, row and column in 32-bit integers, so that every machine draws the same.

A value depends on its place in the picture alone, not on the tiles or windows through which the picture is seen. The
hash is SplitMix (Steele, Lea and Flood 2014) with the finaliser of MurmurHash3 (Appleby), one step for each coordinate.
"""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

from ..types import Floats
from .boxes import Box

CHANNELS = 4
GAMMA = np.uint32(0x9E3779B9)  # 2^32 over the golden ratio
BITS = 24  # of a value: as many as float32 holds

Words = npt.NDArray[np.uint32]


def seed_of(stream: bytes | None) -> int:
    """Return the seed of a file: the CRC-32 of its first tile's stream; 0 where that is lost."""
    return zlib.crc32(stream or b"")


def noise(seed: int, box: Box) -> Floats:
    """Return noise (1, 4, H, W) for a box on the grid of a quarter of the picture's sides, uniform in [-1, 1)."""
    channels, rows, columns = (
        np.arange(start, end, dtype=np.uint32)
        for start, end in ((0, CHANNELS), (box.top, box.bottom), (box.left, box.right))
    )
    words = step(np.array(seed, np.uint32), channels)
    words = step(words[:, None], rows)
    words = step(words[:, :, None], columns)
    words >>= np.uint32(32 - BITS)
    values: Floats = words.astype(np.float32)[None]  # exact, as is all that follows
    values *= np.float32(2.0 ** (1 - BITS))
    values -= np.float32(1.0)
    return values


def step(state: Words, coordinate: Words) -> Words:
    """Return ``mix(state + (coordinate + 1) GAMMA)``, modulo 2^32."""
    return mix(state + (coordinate + np.uint32(1)) * GAMMA)


def mix(words: Words) -> Words:
    """Return a bijection of 32-bit words, in place, of which every bit depends on every bit."""
    words ^= words >> np.uint32(16)
    words *= np.uint32(0x85EBCA6B)
    words ^= words >> np.uint32(13)
    words *= np.uint32(0xC2B2AE35)
    words ^= words >> np.uint32(16)
    return words
