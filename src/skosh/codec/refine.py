"""Refinement: latents that are better for the picture at hand than what the analysis network gives, decoder unchanged.

The analysis network was trained to be good for all pictures. For one, the encoder can follow the gradient of ``lambda 255^2 MSE + R`` with
respect to its symbols. It does so in two ways, and of the longest effort both, one after the other:

1. *Changes of whole symbols.* The gradient, the tables and the curvature (costs.py) say what one up or one down would change. All that promise to help are made at once.
2. *Annealing.* Rounding has no gradient, so that it is relaxed: between the two whole numbers next to it a symbol is a random mixture that favours the
   nearer one, more and more sharply from step to step (stochastic Gumbel annealing; Yang, Bamler and Mandt 2020).

The bits are those of the coder's own tables. z and with it the tables stay as they are. That the means of the second half follow the first is seen, but not used in the gradient:
a symbol of the second half is rounded again after its mean has moved, which takes most of that back.

Needs a bundle that was trained for the squared error alone, and has the graph ``synthesis_gradient`` for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..bundle.bundle import Bundle
from ..bundle.point import Point
from ..errors import BundleError
from ..progress import stage
from ..types import Floats, Pixels, Symbols
from .boxes import Box, each, whole
from .context import Means, both_halves, first_half, in_first_half
from .defaults import EFFORT_MAX
from .planes import to_network
from .synthesis import share_inside
from .tiling import latent_windows


class Effort(NamedTuple):
    """How many gradients to look at."""

    changes: int  # for changes of whole symbols
    steps: int  # of annealing

    @property
    def gradients(self) -> int:
        """How many it takes in all: before and after each of the two ways there is one look."""
        return max(self.changes, 1) + (self.changes > 0) + self.steps + (self.steps > 0)


EFFORTS = (Effort(0, 0), Effort(3, 0), Effort(12, 0), Effort(6, 100))


# Changes of whole symbols
INERTIA = 0.3  # of the average over the gradients


# Annealing
RATE = 0.015  # of the first step, in quantisation steps; falls linearly to 0
MOMENTUM = 0.9
WARM, COLD = 0.3, 0.1  # temperature of the mixture at the first step and at the last, geometric between


EXPONENT = 60.0  # beyond, float32 would overflow
NEAREST = 1e-4  # a symbol comes no closer than this to a whole number: the pull towards it would be endless


class Look(NamedTuple):
    """Whole symbols, their means, and what the next change could save. Symbols and slope are arrays as the latents."""

    q: Floats
    known: Means
    slope: Floats  # of the squared error, in bits, with respect to each symbol
    objective: float  # bits of the symbols and their squared error, in bits


class Relaxed(NamedTuple):
    """Symbols between two whole numbers."""

    low: Floats  # the lower one
    above: Floats  # how far the mixture is above it, in 0..1
    slope: Floats  # of the mixture with respect to the symbol before rounding


def refine(at: Point, pixels: Pixels, y: Floats, z: Symbols, effort: Effort, workers: int = 1) -> Floats:
    """Better latents (M, H, W) than y for the pixels (H, W, 3) and z (N, h, w).

    The bundle has to be one that ``has_gradients``. Windows are refined one by one: what a window's core becomes depends a little on where it was cut.
    """
    bundle, grid = at.bundle, whole(*y.shape[1:])
    refined = np.empty_like(y)
    windows = latent_windows(bundle, grid)

    def work(core: Box) -> None:
        outer = core.grown(bundle.halo["synthesis"] + bundle.halo["mean_second"], grid)
        u = Window(at, pixels, y, z, outer, progress.step).refine(effort)
        core.of(refined)[:] = core.inside(outer).of(u)[0]

    with stage("refinement", len(windows) * effort.gradients) as progress:
        each(windows, work, workers)
    return refined


def check_effort(effort: int, bundle: Bundle) -> None:
    """ValueError unless this is an effort, BundleError for one above 0 with a bundle that can't be refined."""
    if not isinstance(effort, (int, np.integer)) or effort not in range(len(EFFORTS)):
        raise ValueError(f"an effort is 0 to {EFFORT_MAX}, not {effort}")
    if effort and not bundle.has_gradients:
        raise BundleError(
            f"the model {bundle.name} has no efforts above 0, which take one of many rates that was trained for exact pixels alone"
        )


class Window:
    """The latents of one window and everything that does not change while they are refined. Arrays are (1, M, H, W) or broadcast to it."""

    def __init__(
        self,
        at: Point,
        pixels: Pixels,
        y: Floats,
        z: Symbols,
        box: Box,
        step: Callable[[], None] = lambda: None,
    ):
        """``step`` is called for every gradient."""
        self.at, self.bundle, self.step = at, at.bundle, step
        bundle, self.rate = at.bundle, at.bundle.rate
        self.first = in_first_half(bundle.latents, box)[None]
        self.gain, self.inverse = at.gain, at.inverse
        self.level = at.synthesis_level if at.synthesis_level is not None else np.zeros((1, 1, 1, 1), np.float32)
        self.weight = float(at.lambda_of)
        self.half = first_half(at, z, box)
        cells = box.over(bundle.reduction)
        index = at.scale_index(np.ascontiguousarray(cells.of(z)))
        self.index = box.inside(cells.times(bundle.reduction)).of(index)[None]
        self.coded = self.index > 0
        self.u = box.of(y)[None] * self.gain  # where the search starts, in quantisation steps
        seen = box.times(bundle.stride)
        part = pixels[seen.top : seen.bottom, seen.left : seen.right]
        self.x = to_network(part, seen.height, seen.width)
        self.inside = np.zeros((1, 1, seen.height, seen.width), np.float32)
        self.inside[..., : part.shape[0], : part.shape[1]] = 1.0
        self.curvature = (
            self.weight * bundle.curvature * share_inside(bundle, box, whole(*pixels.shape[:2]))
        )  # of y_hat

    def refine(self, effort: Effort) -> Floats:
        """The best y on the way of so much effort, which may be the one that it started from."""
        start = self.look(self.u)
        found = [(start.objective, self.u)]
        if effort.changes:
            u = self.change(start, effort.changes)
            found.append((self.look(u).objective, u))
        if effort.steps:
            u = self.anneal(found[-1][1], effort.steps)
            found.append((self.look(u).objective, u))
        _, best = min(found, key=lambda one: one[0])
        y: Floats = best / self.gain
        return y

    def change(self, start: Look, times: int) -> Floats:
        """u after changing symbols by one, so many times, wherever that promises less of the objective. ``start`` is the look at u."""
        u, average = self.u, np.zeros_like(self.u)
        for k in range(times):
            q, known, slope, _ = self.look(u) if k else start
            average += (1.0 - INERTIA) * (slope - average)
            curvature = self.curvature * (self.inverse * known.step) ** 2
            moves = self.rate.moves(q, self.index, average / (1.0 - INERTIA ** (k + 1)), curvature) * self.coded
            u = np.where(moves == 0.0, u, known.mean + known.step * (q + moves))
        return u

    def anneal(self, u: Floats, steps: int) -> Floats:
        """u after so many gradient steps through symbols that are mixed at random."""
        u, rng = u.copy(), np.random.default_rng(0)  # the same file each time
        velocity, power = np.zeros_like(u), np.zeros((1, u.shape[1], 1, 1), np.float32)
        coded = np.maximum(self.coded.sum((2, 3), keepdims=True), 1).astype(np.float32)
        for k in range(steps):
            noise = rng.logistic(size=u.shape).astype(np.float32)
            g = self.gradient(u, noise, WARM * (COLD / WARM) ** (k / max(steps - 1, 1)))
            velocity += (1.0 - MOMENTUM) * (g - velocity)
            power += (1.0 - MOMENTUM) * ((g * g).sum((2, 3), keepdims=True) / coded - power)
            unbiased = 1.0 - MOMENTUM ** (k + 1)
            rate = RATE * (1.0 - k / steps)
            u -= rate * (velocity / unbiased) / (np.sqrt(power / unbiased) + np.float32(1e-8))
        return u

    def gradient(self, u: Floats, noise: Floats, temperature: float) -> Floats:
        """Of the objective, in bits, with respect to u, through symbols that are mixed at random."""
        half = relaxed((u - self.half.means.mean) / self.half.means.step, noise, temperature)
        known = self.means(half.low + half.above)
        second = relaxed((u - known.mean) / known.step, noise, temperature)
        low, above, slope = (np.where(self.first, a, b) for a, b in zip(half, second, strict=True))
        slope_q, _ = self.error(low + above, known)
        g: Floats = (slope_q + self.rate.slope(low, self.index)) * self.coded * slope / known.step
        return g

    def look(self, u: Floats) -> Look:
        """At the whole symbols of u."""
        q, known = self.rounded(u)
        slope, error = self.error(q, known)
        bits = np.sum(self.rate.of(q, self.index) * self.coded, dtype=np.float64)
        return Look(q, known, slope, float(bits) + error)

    def error(self, q: Floats, known: Means) -> tuple[Floats, float]:
        """The squared error of symbols in bits: its slope with respect to each of them, and itself."""
        y_hat = known.latent(q * self.coded, self.inverse)
        g_y, error = self.bundle.run("synthesis_gradient", y_hat, self.level, self.x, self.inside)
        self.step()
        slope: Floats = self.weight * g_y * self.inverse * known.step
        return slope, self.weight * float(error[0])

    def rounded(self, u: Floats) -> tuple[Floats, Means]:
        """The whole symbols of u, and the means that go with them."""
        half = np.rint((u - self.half.means.mean) / self.half.means.step)
        known = self.means(half)
        q: Floats = np.where(self.first, half, np.rint((u - known.mean) / known.step)) * self.coded
        return q, known

    def means(self, q: Floats) -> Means:
        """Those of all elements, given the symbols of the first half."""
        return both_halves(self.at, self.half, self.first, q * self.coded)


def relaxed(r: Floats, noise: Floats, temperature: float) -> Relaxed:
    """Symbols before rounding, mixed from the two whole numbers next to them. ``noise`` is logistic; temperature 0 would be rounding.

    With d the distance from the lower one, the logit of the upper is ``(atanh(d) - atanh(1 - d)) / temperature``.
    """
    low = np.floor(r)
    d = np.clip(r - low, NEAREST, 1.0 - NEAREST)
    logit = 0.5 * np.log((1.0 + d) * d / ((1.0 - d) * (2.0 - d)))
    rise = 0.5 * (1.0 / (1.0 + d) + 1.0 / d + 1.0 / (1.0 - d) + 1.0 / (2.0 - d))
    exponent = np.clip((logit / temperature + noise) / temperature, -EXPONENT, EXPONENT)
    mixed: Floats = np.reciprocal(1.0 + np.exp(-exponent), dtype=r.dtype)
    return Relaxed(low, mixed, mixed * (1.0 - mixed) * rise / temperature**2)
