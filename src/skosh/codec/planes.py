"""Between bytes of pixels and the planes that the networks take."""

from __future__ import annotations

import numpy as np

from ..types import Floats, Pixels


def padded(size: int, multiple: int) -> int:
    """The next multiple, at or above ``size``."""
    return -(-size // multiple) * multiple


def to_network(pixels: Pixels, height: int, width: int) -> Floats:
    """(H, W, 3) bytes -> (1, 3, height, width) in [0, 1]; the right and bottom edges are repeated."""
    edges = ((0, height - pixels.shape[0]), (0, width - pixels.shape[1]), (0, 0))
    planes = np.pad(pixels, edges, mode="edge").transpose(2, 0, 1)
    return np.ascontiguousarray(planes, dtype=np.float32)[None] / np.float32(255.0)


def from_network(x: Floats) -> Pixels:
    """(1, 3, H, W) in [0, 1] -> (H, W, 3) bytes, rounded to the nearest; what is no number, as a hostile file can cause, is 0."""
    scaled = x[0] * np.float32(255.0)
    np.fmax(scaled, 0.0, out=scaled)  # unlike clip, leaves no NaN
    np.fmin(scaled, 255.0, out=scaled)
    np.rint(scaled, out=scaled)
    return np.stack(list(scaled.astype(np.uint8)), axis=-1)  # faster than turning the array
