"""Convert between bytes of pixels and the planes that the networks take."""

from __future__ import annotations

import numpy as np

from ..types import Floats, Pixels


def padded(size: int, multiple: int) -> int:
    """Return the least multiple that is at least ``size``."""
    return -(-size // multiple) * multiple


def to_network(pixels: Pixels, height: int, width: int) -> Floats:
    """Map (H, W, 3) bytes to (1, 3, height, width) in [0, 1], repeating the right and bottom edges."""
    edges = ((0, height - pixels.shape[0]), (0, width - pixels.shape[1]), (0, 0))
    planes = np.pad(pixels, edges, mode="edge").transpose(2, 0, 1)
    return np.ascontiguousarray(planes, dtype=np.float32)[None] / np.float32(255.0)


def from_network(x: Floats) -> Pixels:
    """Map (1, 3, H, W) in [0, 1] to (H, W, 3) bytes, rounded. NaN, which a hostile file can cause, becomes 0."""
    scaled = x[0] * np.float32(255.0)
    np.fmax(scaled, 0.0, out=scaled)  # unlike clip, leaves no NaN
    np.fmin(scaled, 255.0, out=scaled)
    np.rint(scaled, out=scaled)
    return np.stack(list(scaled.astype(np.uint8)), axis=-1)  # faster than transposing
