"""Synthesis: from symbols to pixels, window by window."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..bundle.bundle import Bundle
from ..bundle.point import Point
from ..types import Floats, Pixels, Symbols
from .boxes import Box, each, whole
from .context import decoded
from .planes import from_network
from .tiling import pixel_windows
from .wiener import Filters, filtered, margin, with_margin


def synthesise(
    at: Point,
    z: Symbols,
    q: npt.NDArray[np.int16] | None,
    box: Box,
    workers: int,
    filters: Filters,
) -> Pixels:
    """Return the pixels (H, W, 3) of a box of the picture, from the symbols of the whole picture."""
    bundle = at.bundle
    grid = whole(*z.shape[1:]).times(bundle.reduction)
    out = np.empty((box.height, box.width, 3), np.uint8)

    def work(core: Box) -> None:
        target = core.inside(box)
        y_hat = decoded(at, z, q, latents_for(bundle, grid, core))
        x = shown(at, y_hat, grid, core)
        x = filtered(bundle, x, core, filters)
        out[target.top : target.bottom, target.left : target.right] = from_network(x)

    each(pixel_windows(box), work, workers, "synthesis")
    return out


def latents_for(bundle: Bundle, grid: Box, core: Box) -> Box:
    """Return the box of latents that decide a box of pixels and the margin of its Wiener filter."""
    seen = core.grown(margin(bundle), grid.times(bundle.stride))
    return seen.over(bundle.stride).grown(bundle.halo["synthesis"], grid)


def shown(at: Point, y_hat: Floats, grid: Box, core: Box) -> Floats:
    """Return the networks' picture (1, 3, H, W) in a box of pixels and its filter's margin.

    ``y_hat``: of the box ``latents_for``.
    """
    bundle = at.bundle
    around = margin(bundle)
    seen = core.grown(around, grid.times(bundle.stride))
    x = seen.inside(latents_for(bundle, grid, core).times(bundle.stride)).of(at.synthesis(y_hat))
    if not around:
        return x
    beyond = with_margin(bundle, core).inside(seen)  # beyond the edges of the padded picture
    rows, columns = (-beyond.top, beyond.bottom - seen.height), (-beyond.left, beyond.right - seen.width)
    return np.pad(np.clip(x, 0.0, 1.0), ((0, 0), (0, 0), rows, columns), "edge")


def share_inside(bundle: Bundle, box: Box, picture: Box) -> Floats:
    """Return the share (H, W), 0..1, of each latent's block of pixels inside the picture: padding does not count."""

    def shares(start: int, end: int, size: int) -> Floats:
        found: Floats = np.clip(size / bundle.stride - np.arange(start, end, dtype=np.float32), 0.0, 1.0)
        return found

    return np.outer(shares(box.top, box.bottom, picture.height), shares(box.left, box.right, picture.width))
