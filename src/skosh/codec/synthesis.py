"""Synthesis: from symbols to pixels, window by window; the faithful rendition (``renditions.py`` has the others)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Protocol

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


class Rendition(Protocol):
    """A way to show decoded latents. Boxes are of the file's pixels; ``grid`` is the box of all latents."""

    @property
    def at(self) -> Point:
        """Return the bundle at the file's quality."""

    @property
    def zoom(self) -> Fraction:
        """Return the samples a side that are shown for a pixel of the file."""

    @property
    def windows(self) -> float:
        """Return the side of windows, in the usual one."""

    def latents(self, grid: Box, core: Box) -> Box:
        """Return the box of latents that decide a box of pixels."""

    def shown(self, y_hat: Floats, grid: Box, core: Box, filters: Filters) -> Floats:
        """Return what a box of pixels shows, (1, 3, H zoom, W zoom) by ``zoomed``, about [0, 1], not clipped.

        ``y_hat``: of the box ``latents``.
        """


@dataclass(frozen=True)
class Faithful:
    """The picture of the synthesis and the tiles' Wiener filters."""

    at: Point
    zoom: ClassVar[Fraction] = Fraction(1)
    windows: ClassVar[float] = 1.0

    def latents(self, grid: Box, core: Box) -> Box:
        """Return the box of latents that decide a box of pixels."""
        return latents_for(self.at.bundle, grid, core)

    def shown(self, y_hat: Floats, grid: Box, core: Box, filters: Filters) -> Floats:
        """Return the filtered picture (1, 3, H, W) of a box of pixels."""
        return filtered(self.at.bundle, shown(self.at, y_hat, grid, core), core, filters)


def synthesise(
    rendition: Rendition,
    z: Symbols,
    q: npt.NDArray[np.int16] | None,
    box: Box,
    workers: int,
    filters: Filters,
) -> Pixels:
    """Return what a box of pixels shows, (H zoom, W zoom, 3), from the symbols of the whole picture.

    Where the zoom is below 1, it is the part of the small picture that the box meets.
    """
    at = rendition.at
    grid = whole(*z.shape[1:]).times(at.bundle.reduction)
    area = zoomed(box, rendition.zoom)
    out = np.empty((area.height, area.width, 3), np.uint8)

    def work(core: Box) -> None:
        target = zoomed(core, rendition.zoom).inside(area)
        y_hat = decoded(at, z, q, rendition.latents(grid, core))
        x = rendition.shown(y_hat, grid, core, filters)
        out[target.top : target.bottom, target.left : target.right] = from_network(x)

    each(pixel_windows(box, rendition.windows), work, workers, "synthesis")
    return out


def zoomed(box: Box, zoom: Fraction) -> Box:
    """Return the smallest box of samples around a box of pixels."""
    return box.over(zoom.denominator).times(zoom.numerator)


def latents_for(bundle: Bundle, grid: Box, core: Box) -> Box:
    """Return the box of latents that decide a box of pixels and the margin of its Wiener filter."""
    seen = core.grown(margin(bundle), grid.times(bundle.stride))
    return seen.over(bundle.stride).grown(bundle.halo["synthesis"], grid)


def shown(at: Point, y_hat: Floats, grid: Box, core: Box) -> Floats:
    """Return the networks' picture (1, 3, H, W) in a box of pixels and its filter's margin.

    ``y_hat``: of the box ``latents_for``.
    """
    return with_edges(at.bundle, at.synthesis(y_hat), latents_for(at.bundle, grid, core), grid, core)


def with_edges(bundle: Bundle, x: Floats, latents: Box, grid: Box, core: Box) -> Floats:
    """Cut a box of pixels and its filter's margin out of the networks' picture of a box of latents.

    Beyond the padded picture its edge is repeated. Where the bundle has a filter, values are clipped to 0..1.
    """
    around = margin(bundle)
    seen = core.grown(around, grid.times(bundle.stride))
    x = seen.inside(latents.times(bundle.stride)).of(x)
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
