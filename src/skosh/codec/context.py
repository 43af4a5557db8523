"""Context, the float side of the entropy model: means and steps from z and the first half of q, for both directions.

Every function may be called for any box of latents: networks run on the box grown by their halos.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..bundle.point import Point
from ..entropy.coder import SYMBOL_MAX
from ..types import Floats, Symbols
from .boxes import Box, whole


class Means(NamedTuple):
    """What a decoder knows of the latents of a box before it has their symbols."""

    mean: Floats  # (1, M, H, W), in quantisation steps
    step: Floats  # (1, M, H, W), or () where it is 1 everywhere

    def latent(self, q: npt.NDArray[np.int16] | Floats, inverse: Floats) -> Floats:
        """Return y_hat (1, M, H, W) from symbols (M, H, W), which may lie between whole numbers."""
        y_hat: Floats = q * self.step + self.mean
        y_hat *= inverse
        return y_hat

    def at(self, places: npt.NDArray[np.intp]) -> Means:
        """Return the means and steps at flat places."""
        return Means(self.mean.reshape(-1)[places], self.step.reshape(-1)[places] if self.step.ndim else self.step)

    def symbols(self, u: Floats) -> npt.NDArray[np.int16]:
        """Round latents, in quantisation steps, around these means."""
        values = np.rint((u - self.mean) / self.step)
        found: npt.NDArray[np.int16] = np.clip(values, -SYMBOL_MAX, SYMBOL_MAX).astype(np.int16)
        return found

    def inside(self, box: Box) -> Means:
        """Return the means and steps of a part of the box."""
        return Means(box.of(self.mean), box.of(self.step) if self.step.ndim else self.step)


class FirstHalf(NamedTuple):
    """What z alone says of a box of latents."""

    features: Floats  # (1, F, H, W)
    means: Means  # valid for the first half


def first_half(at: Point, z: Symbols, box: Box) -> FirstHalf:
    """Return features and means of the first half in a box of latents, from the whole picture's z (N, h, w)."""
    bundle, all_z = at.bundle, whole(*z.shape[1:])
    cells = box.over(bundle.reduction).grown(bundle.halo["mean_first"], all_z)
    features, mean, step = at.mean_first(cells.of(z))
    inner = box.inside(cells.times(bundle.reduction))
    return FirstHalf(inner.of(features), Means(inner.of(mean) * at.gain, inner.of(step) if step.ndim else step))


def both_halves(at: Point, half: FirstHalf, first: npt.NDArray[np.bool_], q: npt.NDArray[np.int16] | Floats) -> Means:
    """Return means of all latents, from the symbols of the first half.

    ``first``: where that half is, (1, M, H, W). ``q``: symbols, of which only that half is used.
    """
    y_hat = half.means.latent(q, at.inverse)
    mean, step = at.mean_second(half.features, np.where(first, y_hat, np.float32(0.0)))
    mean = mean * at.gain
    return Means(np.where(first, half.means.mean, mean), np.where(first, half.means.step, step) if step.ndim else step)


def means(
    at: Point,
    z: Symbols,
    q: npt.NDArray[np.int16],
    box: Box,
    half: FirstHalf | None = None,
) -> Means:
    """Return means of all latents in a box, from z and the first half of q (M, H, W) of the whole picture.

    ``half``: ``first_half`` of the box, where the box is the whole picture and that is known already.
    """
    bundle = at.bundle
    outer = box.grown(bundle.halo["mean_second"], whole(*q.shape[1:]))
    half = first_half(at, z, outer) if half is None else half
    known = both_halves(at, half, in_first_half(bundle.latents, outer)[None], outer.of(q))
    return known.inside(box.inside(outer))


def latent(at: Point, z: Symbols, q: npt.NDArray[np.int16], box: Box) -> Floats:
    """Return y_hat (1, M, H, W) in a box of latents."""
    return means(at, z, q, box).latent(box.of(q), at.inverse)


def decoded(at: Point, z: Symbols, q: npt.NDArray[np.int16] | None, box: Box) -> Floats:
    """Return ``latent`` for any bundle: without a hyperprior there is no q, and z is the latent."""
    return box.of(z)[None].astype(np.float32) if q is None else latent(at, z, q, box)


def in_first_half(latents: int, box: Box) -> npt.NDArray[np.bool_]:
    """Return which latents in a box, (M, H, W), are of the first half, with means from z alone: c + i + j is even."""
    ranges = ((0, latents), (box.top, box.bottom), (box.left, box.right))
    odd = [np.arange(start, end) % 2 == 1 for start, end in ranges]
    half: npt.NDArray[np.bool_] = ~(odd[0][:, None, None] ^ odd[1][:, None] ^ odd[2])
    return half
