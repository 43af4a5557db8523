"""Masking: a squared error counts for less where the picture is busy.

A network that is trained for SSIMULACRA 2 beside the squared error weighs errors by what surrounds them. Measured on
it, the weight of an error in a block of 16x16 pixels falls about as ``1 + a / (s + b)``, with s the standard deviation
of the block's luma in grey levels (docs/experiments.md, 55). a and b are in the bundle.
"""

from __future__ import annotations

import numpy as np

from ..types import Floats

Masking = tuple[float, float] | None  # a and b; None: an error counts the same everywhere

LUMA = np.array([0.299, 0.587, 0.114], np.float32)[:, None, None]  # ITU-R BT.601
GREYS = 255.0


def error_weights(masking: Masking, x: Floats, side: int) -> Floats:
    """Return the weight of a squared error in each latent's block, (H/16, W/16), for pixels (1, 3, H, W) in [0, 1].

    1 everywhere where the bundle was trained for the squared error alone.
    """
    blocks = (LUMA * x[0]).sum(0).reshape(x.shape[2] // side, side, x.shape[3] // side, side)
    if masking is None:
        return np.ones((blocks.shape[0], blocks.shape[2]), np.float32)
    height, softness = masking
    weights: Floats = 1.0 + height / (GREYS * blocks.std((1, 3)) + softness)
    return weights


def over_pixels(weights: Floats, side: int) -> Floats:
    """Repeat the weights of blocks for every pixel: (h, w) -> (1, 1, side h, side w)."""
    return np.repeat(np.repeat(weights, side, 0), side, 1)[None, None]
