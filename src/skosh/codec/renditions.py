"""Renditions: other pictures of a file's latents than the faithful one, each by a head of the bundle.

    y_hat -> synthesis -> x_hat, body, render        the faithful picture, and features
    x_hat + detail(body, render, noise, realism)     the natural picture
    small_N(y_hat)                                   1/N of the size, without the synthesis
    double(body, render, x_hat)                      twice the size

Heads see a part of the picture grown by their halo. So do the networks before them: no window is to be seen.
"""

from __future__ import annotations

import numbers
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, NamedTuple

import numpy as np

from ..bundle.heads import check_has, default_realism
from ..bundle.point import RENDER, Point
from ..container.chunks import ALPHA, REALISM, Contents
from ..container.extras import unpack_realism
from ..types import Floats
from .boxes import Box
from .noise import noise, seed_of
from .synthesis import Faithful, Rendition, latents_for, with_edges
from .wiener import Filters, filtered

SCALES = tuple(map(Fraction, ("1/8", "1/4", "1/2", "1", "2")))


@dataclass(frozen=True)
class Natural:
    """The faithful picture with detail that the file does not hold."""

    at: Point
    realism: float  # above 0, at most 1
    seed: int  # of the noise
    zoom: ClassVar[Fraction] = Fraction(1)
    windows: ClassVar[float] = 1.0

    def latents(self, grid: Box, core: Box) -> Box:
        """Return the box of latents that decide a box of pixels."""
        return latents_for(self.at.bundle, grid, core).joined(latents_for_head(self.at, "detail", grid, core))

    def shown(self, y_hat: Floats, grid: Box, core: Box, filters: Filters) -> Floats:
        """Return the picture (1, 3, H, W) of a box of pixels."""
        at, bundle = self.at, self.at.bundle
        outer, seen = self.latents(grid, core), for_head(at, "detail", grid, core)
        x, body, render = at.synthesis_features(y_hat)
        place = seen.inside(outer)
        detail = at.detail(
            place.of(body), place.times(RENDER).of(render), noise(self.seed, seen.times(RENDER)), self.realism
        )
        x = filtered(bundle, with_edges(bundle, x, outer, grid, core), core, filters)
        natural: Floats = x + core.inside(seen.times(bundle.stride)).of(detail)
        return natural


@dataclass(frozen=True)
class Small:
    """A small picture, straight from the latents."""

    at: Point
    by: int  # 2, 4 or 8: pixels a side for one of the small picture
    windows: ClassVar[float] = 1.5  # no more memory than the synthesis takes, and less time for halos

    @property
    def zoom(self) -> Fraction:
        """Return the samples a side for a pixel of the file."""
        return Fraction(1, self.by)

    def latents(self, grid: Box, core: Box) -> Box:
        """Return the box of latents that decide a box of pixels."""
        return for_head(self.at, f"small_{self.by}", grid, core)

    def shown(self, y_hat: Floats, grid: Box, core: Box, filters: Filters) -> Floats:
        """Return the part of the small picture that a box of pixels meets."""
        seen = self.latents(grid, core).times(self.at.bundle.stride)
        x: Floats = core.inside(seen).over(self.by).of(self.at.small(y_hat, self.by))
        return x


@dataclass(frozen=True)
class Double:
    """The picture at twice its size."""

    at: Point
    zoom: ClassVar[Fraction] = Fraction(2)
    windows: ClassVar[float] = 1.0

    def latents(self, grid: Box, core: Box) -> Box:
        """Return the box of latents that decide a box of pixels."""
        seen = for_head(self.at, "double", grid, core)
        return latents_for(self.at.bundle, grid, seen.times(self.at.bundle.stride))

    def shown(self, y_hat: Floats, grid: Box, core: Box, filters: Filters) -> Floats:
        """Return the large picture (1, 3, 2 H, 2 W) of a box of pixels."""
        at, bundle = self.at, self.at.bundle
        outer, seen = self.latents(grid, core), for_head(at, "double", grid, core)
        pixels = seen.times(bundle.stride)
        x, body, render = at.synthesis_features(y_hat)
        x = filtered(bundle, with_edges(bundle, x, outer, grid, pixels), pixels, filters)
        place = seen.inside(outer)
        large: Floats = at.double(place.of(body), place.times(RENDER).of(render), x)
        return core.inside(pixels).times(2).of(large)


def for_head(at: Point, head: str, grid: Box, core: Box) -> Box:
    """Return the box of latents, or of features beside them, that a head has to see for a box of pixels."""
    return core.over(at.bundle.stride).grown(at.bundle.halo[head], grid)


def latents_for_head(at: Point, head: str, grid: Box, core: Box) -> Box:
    """Return the box of latents that decide the features that a head has to see for a box of pixels."""
    return for_head(at, head, grid, core).grown(at.bundle.halo["synthesis"], grid)


class Choice(NamedTuple):
    """How to show a file."""

    rendition: Rendition
    by: int = 1  # the picture is reduced so many times afterwards


def choose(at: Point, contents: Contents, realism: float | None, scale: Fraction) -> Choice:
    """Choose how to show a file; ``realism`` and ``scale`` as ``check_realism`` and ``check_scale`` give them.

    Small pictures take their head where there is one, and where nobody asks for realism or has transparency to weigh
    the pixels with. Otherwise the whole picture is reduced.

    Raises BundleError where a head is missing or was made for another decoder, ValueError for realism at double size.
    """
    bundle = at.bundle
    if scale == 2:
        if realism:
            raise ValueError("realism does not go with a scale of 2, whose head has detail of its own")
        check_has(bundle, "double")
        return Choice(Double(at))
    if scale < 1:
        by = scale.denominator
        if not realism and ALPHA not in contents.extras and bundle.has(f"small_{by}"):
            check_has(bundle, f"small_{by}")
            return Choice(Small(at, by))
        return Choice(natural(at, contents, realism or 0.0), by)
    return Choice(natural(at, contents, preferred(at, contents) if realism is None else realism))


def preferred(at: Point, contents: Contents) -> float:
    """Return the realism that a file asks for, else the bundle's; 0 where the bundle draws no detail."""
    if REALISM in contents.extras and at.bundle.has("detail"):
        return unpack_realism(contents.extras[REALISM])
    return default_realism(at.bundle, at.quality)


def natural(at: Point, contents: Contents, realism: float) -> Rendition:
    """Return the rendition of a realism: at 0 the faithful one, which opens no head."""
    if not realism:
        return Faithful(at)
    check_has(at.bundle, "detail")
    return Natural(at, realism, seed_of(contents.tiles[0]))


def check_realism(realism: float | None) -> float | None:
    """Return a realism. Raises TypeError unless it is a number or None, ValueError unless it is 0 to 1."""
    if realism is None:
        return None
    if isinstance(realism, (bool, np.bool_)) or not isinstance(realism, numbers.Real):
        raise TypeError(f"realism is a number from 0 to 1, not {realism!r}")
    if not 0.0 <= realism <= 1.0:
        raise ValueError(f"realism is 0 to 1, not {realism}")
    return float(realism)


def check_scale(scale: float | Fraction) -> Fraction:
    """Return a scale. Raises TypeError unless it is a number, ValueError unless it is 1/8, 1/4, 1/2, 1 or 2."""
    if isinstance(scale, (bool, np.bool_)) or not isinstance(scale, numbers.Real):
        raise TypeError(f"a scale is a number, not {scale!r}")
    found = next((known for known in SCALES if known == float(scale)), None)
    if found is None:
        raise ValueError(f"a scale is 1/8, 1/4, 1/2, 1 or 2, not {scale}")
    return found
