"""The float side of the entropy model, the same for both directions: means and steps from z and from the known half of q.

Everything here may be asked for any box of the latents: the networks run on that box grown by their halos.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .boxes import Box, each, split, whole
from .bundle import Bundle
from .correct import Corrections, corrected, margin, with_margin
from .entropy import SYMBOL_MAX, Symbols
from .pixels import Floats, Pixels, from_network

WINDOW = 768  # side in pixels of what the networks see at once, without its halo; of any other shape as many pixels


class Means(NamedTuple):
    """What a decoder knows of elements of a box of latents before it has their symbols."""

    mean: Floats  # (1, M, H, W), in quantisation steps
    step: Floats  # (1, M, H, W), or () where it is 1 everywhere

    def latent(self, q: npt.NDArray[np.int16] | Floats, inverse: Floats) -> Floats:
        """y_hat (1, M, H, W) from symbols (M, H, W), which may be mixed ones between whole numbers."""
        y_hat: Floats = q * self.step + self.mean
        y_hat *= inverse
        return y_hat

    def at(self, places: npt.NDArray[np.intp]) -> Means:
        """Those of some elements, by their flat places."""
        return Means(self.mean.reshape(-1)[places], self.step.reshape(-1)[places] if self.step.ndim else self.step)

    def symbols(self, u: Floats) -> npt.NDArray[np.int16]:
        """Latents in quantisation steps, rounded around these means."""
        values = np.rint((u - self.mean) / self.step)
        found: npt.NDArray[np.int16] = np.clip(values, -SYMBOL_MAX, SYMBOL_MAX).astype(np.int16)
        return found

    def inside(self, box: Box) -> Means:
        """Those of a part of the box."""
        return Means(box.of(self.mean), box.of(self.step) if self.step.ndim else self.step)


class FirstHalf(NamedTuple):
    """What z alone says of a box of latents."""

    features: Floats  # (1, F, H, W)
    means: Means  # which hold for the elements of the first half


def first_half(bundle: Bundle, z: Symbols, box: Box, quality: float) -> FirstHalf:
    """Means of the first half in a box of latents, from z (N, h, w) of the whole picture."""
    all_z = whole(*z.shape[1:])
    cells = box.over(bundle.reduction).grown(bundle.halo["mean_first"], all_z)
    features, mean, step = bundle.mean_first(cells.of(z), quality)
    inner = box.inside(cells.times(bundle.reduction))
    gain = bundle.level("gain", quality)
    return FirstHalf(inner.of(features), Means(inner.of(mean) * gain, inner.of(step) if step.ndim else step))


def both_halves(
    bundle: Bundle, half: FirstHalf, first: npt.NDArray[np.bool_], q: npt.NDArray[np.int16] | Floats, quality: float
) -> Means:
    """Means of all elements, from symbols of which the first half counts. ``first``: where that is, (1, M, H, W)."""
    y_hat = half.means.latent(q, bundle.level("inverse", quality))
    mean, step = bundle.mean_second(half.features, np.where(first, y_hat, np.float32(0.0)))
    mean *= bundle.level("gain", quality)
    return Means(np.where(first, half.means.mean, mean), np.where(first, half.means.step, step) if step.ndim else step)


def means(
    bundle: Bundle,
    z: Symbols,
    q: npt.NDArray[np.int16],
    box: Box,
    quality: float,
    half: FirstHalf | None = None,
) -> Means:
    """Means of all elements in a box of latents, from z and the first half of q (M, H, W), both of the whole picture.

    ``half``: what z says of the box, where that is known already and the box is the whole picture.
    """
    outer = box.grown(bundle.halo["mean_second"], whole(*q.shape[1:]))
    half = first_half(bundle, z, outer, quality) if half is None else half
    known = both_halves(bundle, half, bundle.in_first_half(outer)[None], outer.of(q), quality)
    return known.inside(box.inside(outer))


def latent(bundle: Bundle, z: Symbols, q: npt.NDArray[np.int16], box: Box, quality: float) -> Floats:
    """y_hat (1, M, H, W) in a box of latents."""
    return means(bundle, z, q, box, quality).latent(box.of(q), bundle.level("inverse", quality))


def decoded(bundle: Bundle, z: Symbols, q: npt.NDArray[np.int16] | None, box: Box, quality: float) -> Floats:
    """The same for any bundle: without a hyperprior there is no q, and z is the latent."""
    return box.of(z)[None].astype(np.float32) if q is None else latent(bundle, z, q, box, quality)


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

    each(in_windows(box, WINDOW), work, workers)
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


def windows(bundle: Bundle, grid: Box) -> list[Box]:
    """Boxes of latents, each as large as the networks see at once."""
    return in_windows(grid, WINDOW // bundle.stride)


def in_windows(area: Box, side: int) -> list[Box]:
    """What the networks see at once of an area: all of it, whatever its shape, if that is no more than a square of ``side``; else such squares."""
    return [area] if area.height * area.width <= side * side else split(area, side)
