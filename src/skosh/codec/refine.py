"""Refinement: better latents for one picture than the analysis network gives, for the same decoder.

The analysis network is trained for all pictures. For one picture, the encoder can follow the gradient of ``lambda D +
R`` with respect to its symbols, D the squared error weighted by ``masking``. There are two ways; the longest effort
goes both, one after the other:

1. *Changes of whole symbols.* Gradient, rates and curvature (``entropy.rate``) predict what one step up or down
changes. All promising changes are made at once.

2. *Annealing.* Rounding has no gradient, so it is relaxed: a symbol is a random mixture of the two whole numbers around
it, and favours the nearer one more sharply from step to step (stochastic Gumbel annealing; Yang, Bamler and Mandt
2020).

Bits are those of the coder's own tables; z and the tables stay fixed. The gradient ignores how first-half symbols move
second-half means; rounding the second half again after its means have moved mostly makes up for it.

Needs a bundle with the graph ``synthesis_gradient``.
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
from .masking import Masking, error_weights, over_pixels
from .planes import to_network
from .synthesis import share_inside
from .tiling import latent_windows


class Effort(NamedTuple):
    """How many gradients to compute."""

    changes: int  # for changes of whole symbols
    steps: int  # of annealing

    @property
    def gradients(self) -> int:
        """Return the number of gradients in all: one more before and after each of the two ways."""
        return max(self.changes, 1) + (self.changes > 0) + self.steps + (self.steps > 0)


EFFORTS = (Effort(0, 0), Effort(3, 0), Effort(12, 0), Effort(6, 100))


# Changes of whole symbols
INERTIA = 0.3  # of the average over the gradients


# Annealing
RATE = 0.015  # of the first step, in quantisation steps; falls linearly to 0
MOMENTUM = 0.9
WARM, COLD = 0.3, 0.1  # temperature of the mixture at the first step and at the last, geometric between


EXPONENT = 60.0  # larger exponents would overflow float32
NEAREST = 1e-4  # least distance of a symbol from a whole number, where the pull would become infinite


class Look(NamedTuple):
    """Whole symbols, their means, and their objective with its slope. Arrays are shaped as the latents."""

    q: Floats
    known: Means
    slope: Floats  # of the squared error, in bits, for each symbol
    objective: float  # bits of the symbols plus their squared error in bits


class Relaxed(NamedTuple):
    """Symbols between two whole numbers."""

    low: Floats  # the lower one
    above: Floats  # distance of the mixture from it, in 0..1
    slope: Floats  # derivative of the mixture by the symbol before rounding


def refine(
    at: Point,
    pixels: Pixels,
    y: Floats,
    z: Symbols,
    effort: Effort,
    workers: int = 1,
    masking: Masking = None,
) -> Floats:
    """Return better latents (M, H, W) than y for the pixels (H, W, 3) and z (N, h, w).

    The bundle must have gradients (``has_gradients``). Windows are refined one by one; the result depends slightly on
    where they are cut.
    """
    bundle, grid = at.bundle, whole(*y.shape[1:])
    refined = np.empty_like(y)
    windows = latent_windows(bundle, grid)

    def work(core: Box) -> None:
        outer = core.grown(bundle.halo["synthesis"] + bundle.halo["mean_second"], grid)
        u = Window(at, pixels, y, z, outer, progress.step, masking).refine(effort)
        core.of(refined)[:] = core.inside(outer).of(u)[0]

    with stage("refinement", len(windows) * effort.gradients) as progress:
        each(windows, work, workers)
    return refined


def check_effort(effort: int, bundle: Bundle) -> None:
    """Raise ValueError for an unknown effort, BundleError for one above 0 with a bundle that can't be refined."""
    if not isinstance(effort, (int, np.integer)) or effort not in range(len(EFFORTS)):
        raise ValueError(f"an effort is 0 to {EFFORT_MAX}, not {effort}")
    if effort and not bundle.has_gradients:
        raise BundleError(
            f"the model {bundle.name} has no efforts above 0, which take one of many rates that was trained for "
            "squared error, with or without SSIMULACRA 2"
        )


class Window:
    """The latents of one window, and what stays fixed during refinement. Arrays are, or broadcast to, (1, M, H, W)."""

    def __init__(
        self,
        at: Point,
        pixels: Pixels,
        y: Floats,
        z: Symbols,
        box: Box,
        step: Callable[[], None] = lambda: None,
        masking: Masking = None,
    ):
        """Prepare a window. ``step`` is called for every gradient."""
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
        self.u = box.of(y)[None] * self.gain  # start of the search, in quantisation steps
        seen = box.times(bundle.stride)
        part = pixels[seen.top : seen.bottom, seen.left : seen.right]
        self.x = to_network(part, seen.height, seen.width)
        self.inside = np.zeros((1, 1, seen.height, seen.width), np.float32)
        self.inside[..., : part.shape[0], : part.shape[1]] = 1.0
        weights = error_weights(masking, self.x, bundle.stride)
        self.inside *= np.sqrt(over_pixels(weights, bundle.stride))
        shares = share_inside(bundle, box, whole(*pixels.shape[:2]))
        self.curvature = self.weight * weights * bundle.curvature * shares  # of y_hat

    def refine(self, effort: Effort) -> Floats:
        """Return the best y found with this effort, perhaps the one at the start."""
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
        """Return u after changing symbols by one, ``times`` times, wherever that promises to lower the objective.

        ``start``: the look at u.
        """
        u, average = self.u, np.zeros_like(self.u)
        for k in range(times):
            q, known, slope, _ = self.look(u) if k else start
            average += (1.0 - INERTIA) * (slope - average)
            curvature = self.curvature * (self.inverse * known.step) ** 2
            moves = self.rate.moves(q, self.index, average / (1.0 - INERTIA ** (k + 1)), curvature) * self.coded
            u = np.where(moves == 0.0, u, known.mean + known.step * (q + moves))
        return u

    def anneal(self, u: Floats, steps: int) -> Floats:
        """Return u after this many gradient steps through randomly mixed symbols."""
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
        """Return the gradient of the objective, in bits, for u, through randomly mixed symbols."""
        half = relaxed((u - self.half.means.mean) / self.half.means.step, noise, temperature)
        known = self.means(half.low + half.above)
        second = relaxed((u - known.mean) / known.step, noise, temperature)
        low, above, slope = (np.where(self.first, a, b) for a, b in zip(half, second, strict=True))
        slope_q, _ = self.error(low + above, known)
        g: Floats = (slope_q + self.rate.slope(low, self.index)) * self.coded * slope / known.step
        return g

    def look(self, u: Floats) -> Look:
        """Return the symbols, means and objective of u when rounded."""
        q, known = self.rounded(u)
        slope, error = self.error(q, known)
        bits = np.sum(self.rate.of(q, self.index) * self.coded, dtype=np.float64)
        return Look(q, known, slope, float(bits) + error)

    def error(self, q: Floats, known: Means) -> tuple[Floats, float]:
        """Return the slope of the squared error for each symbol, and the error itself, both in bits."""
        y_hat = known.latent(q * self.coded, self.inverse)
        g_y, error = self.bundle.run("synthesis_gradient", y_hat, self.level, self.x, self.inside)
        self.step()
        slope: Floats = self.weight * g_y * self.inverse * known.step
        return slope, self.weight * float(error[0])

    def rounded(self, u: Floats) -> tuple[Floats, Means]:
        """Return the whole symbols of u and their means."""
        half = np.rint((u - self.half.means.mean) / self.half.means.step)
        known = self.means(half)
        q: Floats = np.where(self.first, half, np.rint((u - known.mean) / known.step)) * self.coded
        return q, known

    def means(self, q: Floats) -> Means:
        """Return the means of all latents, given the symbols of the first half."""
        return both_halves(self.at, self.half, self.first, q * self.coded)


def relaxed(r: Floats, noise: Floats, temperature: float) -> Relaxed:
    """Mix unrounded symbols from the two whole numbers around them.

    ``noise`` is logistic; temperature 0 would be rounding. With d the distance from the lower number, the logit of the
    upper is ``(atanh(d) - atanh(1 - d)) / temperature``.
    """
    low = np.floor(r)
    d = np.clip(r - low, NEAREST, 1.0 - NEAREST)
    logit = 0.5 * np.log((1.0 + d) * d / ((1.0 - d) * (2.0 - d)))
    rise = 0.5 * (1.0 / (1.0 + d) + 1.0 / d + 1.0 / (1.0 - d) + 1.0 / (2.0 - d))
    exponent = np.clip((logit / temperature + noise) / temperature, -EXPONENT, EXPONENT)
    mixed: Floats = np.reciprocal(1.0 + np.exp(-exponent), dtype=r.dtype)
    return Relaxed(low, mixed, mixed * (1.0 - mixed) * rise / temperature**2)
