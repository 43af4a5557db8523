"""From symbols to pixels, window by window."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..bundle.bundle import Bundle
from ..types import Floats, Pixels, Symbols
from .boxes import Box, each, whole
from .context import decoded
from .planes import from_network
from .tiling import pixel_windows
from .wiener import Corrections, corrected, margin, with_margin


def synthesise(
    bundle: Bundle,
    z: Symbols,
    q: npt.NDArray[np.int16] | None,
    box: Box,
    quality: float,
    workers: int,
    corrections: Corrections,
) -> Pixels:
    """The pixels of a box of the picture, (H, W, 3), from the symbols of all of it."""
    grid = whole(*z.shape[1:]).times(bundle.reduction)
    out = np.empty((box.height, box.width, 3), np.uint8)

    def work(core: Box) -> None:
        target = core.inside(box)
        y_hat = decoded(bundle, z, q, latents_for(bundle, grid, core), quality)
        x = shown(bundle, y_hat, grid, core, quality)
        x = corrected(bundle, x, core, corrections)
        out[target.top : target.bottom, target.left : target.right] = from_network(x)

    each(pixel_windows(box), work, workers, "synthesis")
    return out


def latents_for(bundle: Bundle, grid: Box, core: Box) -> Box:
    """The latents that decide what is shown in a box of pixels and the margin that its correction needs."""
    seen = core.grown(margin(bundle), grid.times(bundle.stride))
    return seen.over(bundle.stride).grown(bundle.halo["synthesis"], grid)


def shown(bundle: Bundle, y_hat: Floats, grid: Box, core: Box, quality: float) -> Floats:
    """The networks' picture in a box of pixels and the margin that its correction needs around it, (1, 3, H, W), from its ``latents_for``."""
    levels = [bundle.level("synthesis_level", quality)] if "synthesis_level" in bundle.arrays else []
    around = margin(bundle)
    seen = core.grown(around, grid.times(bundle.stride))
    (x,) = bundle.run("synthesis", y_hat, *levels)
    x = seen.inside(latents_for(bundle, grid, core).times(bundle.stride)).of(x)
    if not around:
        return x
    beyond = with_margin(bundle, core).inside(seen)  # what lies over the edges of the padded picture
    rows, columns = (-beyond.top, beyond.bottom - seen.height), (-beyond.left, beyond.right - seen.width)
    return np.pad(np.clip(x, 0.0, 1.0), ((0, 0), (0, 0), rows, columns), "edge")


def share_inside(bundle: Bundle, box: Box, picture: Box) -> Floats:
    """How much of its block of pixels each latent of a box has inside the picture, (H, W) in 0..1: what lies beyond was made up, and does not count."""

    def shares(start: int, end: int, size: int) -> Floats:
        found: Floats = np.clip(size / bundle.stride - np.arange(start, end, dtype=np.float32), 0.0, 1.0)
        return found

    return np.outer(shares(box.top, box.bottom, picture.height), shares(box.left, box.right, picture.width))
