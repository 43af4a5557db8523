"""The hyperprior: z gives the scale of every latent by an exact integer map, and its mean by a float network.

    y * gain -> u          u -> hyper analysis -> z = round(.)       z -> scale map -> scale index (integers)
    z -> mean first -> means of half of the elements -> those are known
    z and the known half -> mean second -> means of the other half

The halves form a three-dimensional checkerboard: element (c, i, j) belongs to the first half where c + i + j is even.
So every element of the second half has known neighbours in its own channel and known channels at its own place. Context
feeds means only, so all symbols come out of the coder in one pass.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..bundle.scale_map import MAP_MAX
from ..entropy.tables import HYPER_LIMIT, LOG_STEP, SCALE_MIN, SCALES
from .layers import LEAK, MixBlock, start_at_zero
from .likelihood import Factorised, GeneralisedNormal, Likelihood, bits_of, normal_likelihood
from .quantise import add_noise, between, round_through

STRIDE = 16  # pixels a side for one sample of y
REDUCTION = 4  # z has one sample where y has 4 x 4
INDEX_CENTRE = 128.0  # the scale map's output for z = 0; the level's shift is relative to it


class Levels(nn.Module):
    """A learned row of numbers per quality level, interpolated linearly between ``knots`` levels.

    ``forward(t)``: t of shape (B,) in [0, 1] -> (B, C, 1, 1).
    """

    def __init__(self, start: Tensor):  # start: (knots, C)
        super().__init__()
        self.rows = nn.Parameter(start.clone())

    def forward(self, t: Tensor) -> Tensor:
        knots = self.rows.shape[0]
        place = torch.arange(knots, dtype=t.dtype, device=t.device)
        weight = (1.0 - (t[:, None] * (knots - 1) - place).abs()).clamp(min=0.0)  # (B, knots)
        return (weight @ self.rows)[:, :, None, None]


class HyperAnalysis(nn.Module):
    """u (B, M, H/16, W/16) in quantisation steps -> z (B, N, H/64, W/64), not yet rounded."""

    def __init__(self, latents: int, hyper: int, width: int):
        super().__init__()
        self.enter = nn.Conv2d(2 * latents, width, 1)
        self.down1 = nn.Conv2d(width, width, 5, 2, 2, groups=width)
        self.mix1 = nn.Conv2d(width, width, 1)
        self.down2 = nn.Conv2d(width, width, 5, 2, 2, groups=width)
        self.mix2 = nn.Conv2d(width, width, 1)
        self.leave = nn.Conv2d(width, hyper, 1)

    def forward(self, u: Tensor) -> Tensor:
        magnitude = torch.log(1.0 + u.abs())  # scales are coded on a log grid; the sign is kept for the means
        x = F.leaky_relu(self.enter(torch.cat([magnitude, torch.sign(u) * magnitude], 1)), LEAK)
        x = F.leaky_relu(self.mix1(self.down1(x)), LEAK)
        x = F.leaky_relu(self.mix2(self.down2(x)), LEAK)
        out: Tensor = self.leave(x)
        return out


class ScaleMap(nn.Module):
    """z (integers) -> scale index before the level's shift, for each of the 4x4 latents under a z. One linear map.

    With ``integer`` set, weights and biases are multiples of ``2^-BITS``, sums are rounded as the exported integers
    are, and gradients pass straight through.
    """

    BITS = 6
    WEIGHT_MAX = 127  # in units of 2^-BITS

    def __init__(self, hyper: int, latents: int):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(latents * REDUCTION**2, hyper, 1, 1) * hyper**-0.5)
        self.bias = nn.Parameter(torch.full((latents * REDUCTION**2,), INDEX_CENTRE))
        self.integer = False

    def integers(self) -> tuple[Tensor, Tensor]:
        """Return weights (16 M, N, 1, 1) and biases (16 M,) in units of 2^-BITS.

        They are rounded straight through, so that they can be trained.
        """
        unit = float(1 << self.BITS)
        weight = between(round_through(self.weight * unit), -self.WEIGHT_MAX, self.WEIGHT_MAX)
        return weight, round_through(self.bias * unit)

    def forward(self, z: Tensor) -> Tensor:
        if self.integer:
            weight, bias = self.integers()
            index = F.conv2d(z, weight, bias) / float(1 << self.BITS)
            index = index + (torch.floor(index + 0.5) - index).detach()
        else:
            index = F.conv2d(z, self.weight, self.bias)
        return F.pixel_shuffle(between(index, 0.0, float(MAP_MAX)), REDUCTION)  # (B, M, H/16, W/16)


class StepSize(nn.Module):
    """Features -> a quantisation step for each latent, ``exp(tanh(s))``: within a factor e of 1, where it starts."""

    def __init__(self, width: int, latents: int):
        super().__init__()
        self.leave = nn.Conv2d(width, latents, 1)
        start_at_zero(self.leave)

    def forward(self, x: Tensor) -> Tensor:
        return torch.exp(torch.tanh(self.leave(x)))


class MeanFirst(nn.Module):
    """The first mean network.

    z and the level's row -> features (B, F, H/16, W/16), and means (and steps) of the first half (B, M, H/16, W/16).
    """

    def __init__(self, hyper: int, features: int, width: int, latents: int, step: bool):
        super().__init__()
        self.enter = nn.Conv2d(hyper, features * REDUCTION**2, 1)
        self.block = MixBlock(features, kernel=5)
        self.widen = nn.Conv2d(features, width, 1)
        self.leave = nn.Conv2d(width, latents, 1)
        start_at_zero(self.leave)
        self.step = StepSize(width, latents) if step else None

    def forward(self, z: Tensor, level: Tensor) -> tuple[Tensor, ...]:
        h = self.block(F.leaky_relu(F.pixel_shuffle(self.enter(z), REDUCTION) + level, LEAK))
        x = F.leaky_relu(self.widen(h), LEAK)
        return (h, self.leave(x)) if self.step is None else (h, self.leave(x), self.step(x))


class MeanSecond(nn.Module):
    """The second mean network.

    Features and the known half (zero elsewhere) -> means (and steps) of the second half, (B, M, H/16, W/16).
    """

    def __init__(self, features: int, context: int, width: int, latents: int, step: bool):
        super().__init__()
        self.enter = nn.Conv2d(latents, context, 1)
        self.spatial = nn.Conv2d(context + features, context + features, 5, padding=2, groups=context + features)
        self.mix = nn.Conv2d(context + features, width, 1)
        self.block = MixBlock(width)
        self.leave = nn.Conv2d(width, latents, 1)
        start_at_zero(self.leave)
        self.step = StepSize(width, latents) if step else None

    def forward(self, h: Tensor, known: Tensor) -> tuple[Tensor, ...]:
        x = torch.cat([self.enter(known), h], 1)
        x = self.block(F.leaky_relu(self.mix(self.spatial(x)), LEAK))
        return (self.leave(x),) if self.step is None else (self.leave(x), self.step(x))


def first_half(latents: int, height: int, width: int, device: torch.device) -> Tensor:
    """Where c + i + j is even: shape (1, M, height, width), channels last in memory, as everything that it meets."""
    c = torch.arange(latents, device=device)[:, None, None]
    i = torch.arange(height, device=device)[None, :, None]
    j = torch.arange(width, device=device)[None, None, :]
    half = ((c + i + j) % 2 == 0)[None]
    return half.contiguous(memory_format=torch.channels_last)


class Coded(NamedTuple):
    """What an entropy model returns: the latent as the decoder sees it and the bits of each picture, shape (B,)."""

    y_hat: Tensor
    bits_y: Tensor
    bits_z: Tensor


class Quantised(NamedTuple):
    """u on its grid, and what made it so, in units of u; they broadcast to the shape of y."""

    u_hat: Tensor
    residual: Tensor  # (u - means) / steps, not rounded yet: in steps
    means: Tensor
    steps: Tensor


class Symbols(NamedTuple):
    """What is coded: whole numbers, as floats. q and scale_index are shaped as y."""

    z: Tensor
    q: Tensor
    scale_index: Tensor


class Hyperprior(nn.Module):
    """The whole entropy model of y.

    ``forward`` returns noise-based bits in training, and those of rounded symbols otherwise.
    """

    def __init__(
        self,
        latents: int,
        hyper: int,
        width: int,
        features: int,
        context: int,
        log_gain: Tensor,
        step: bool = False,
        exponent: float = 2.0,
    ):
        """``log_gain`` (knots, M): start of the logarithms of the gains, for a y of unit variance.

        ``step``: whether the mean networks also choose a quantisation step for each element. ``exponent``: of the
        distribution of q; 2 is the normal one.
        """
        super().__init__()
        knots = log_gain.shape[0]
        self.latents = latents
        self.analysis = HyperAnalysis(latents, hyper, width)
        self.prior = Factorised(hyper)
        self.likelihood: Likelihood = normal_likelihood if exponent == 2.0 else GeneralisedNormal(exponent)
        self.scale = ScaleMap(hyper, latents)
        self.mean_first = MeanFirst(hyper, features, width, latents, step)
        self.mean_second = MeanSecond(features, context, width, latents, step)
        self.log_gain = Levels(log_gain)  # u = y * exp(log_gain)
        self.log_inverse = Levels(-log_gain)  # y_hat = u_hat * exp(log_inverse)
        self.shift = Levels((log_gain - math.log(SCALE_MIN)) / LOG_STEP - INDEX_CENTRE)
        self.z_level = Levels(torch.zeros(knots, hyper))
        self.mean_level = Levels(torch.zeros(knots, features))

    def scale_index(self, z_hat: Tensor, t: Tensor) -> Tensor:
        """Return the scale index of every latent, a float in 0..SCALES - 1 (whole once the map is in integers)."""
        shift = self.shift(t)
        if self.scale.integer:
            shift = round_through(shift)
        return between(self.scale(z_hat) + shift, 0.0, SCALES - 1.0)

    def forward(self, y: Tensor, t: Tensor) -> Coded:
        gain, inverse = torch.exp(self.log_gain(t)), torch.exp(self.log_inverse(t))
        u = y * gain
        z = self.analysis(u) + self.z_level(t)
        z_hat = round_through(z.clamp(-HYPER_LIMIT, HYPER_LIMIT))
        index = self.scale_index(z_hat, t)
        u_hat, residual, _, _ = self.quantise(u, z_hat, index, gain, inverse, t)
        scale = SCALE_MIN * torch.exp(LOG_STEP * index)
        likelihood = self.likelihood(add_noise(residual) if self.training else torch.round(residual), scale)
        if not self.training:  # elements that are not coded cost nothing
            likelihood = torch.where(index > 0, likelihood, torch.ones_like(likelihood))
        bits_z = bits_of(self.prior.likelihood(add_noise(z) if self.training else z_hat))
        return Coded(u_hat * inverse, bits_of(likelihood), bits_z)

    def symbols(self, y: Tensor, t: Tensor) -> Symbols:
        """Return the symbols of y as a file would hold them. Not for training: call ``eval`` first."""
        gain, inverse = torch.exp(self.log_gain(t)), torch.exp(self.log_inverse(t))
        u = y * gain
        z = torch.round((self.analysis(u) + self.z_level(t)).clamp(-HYPER_LIMIT, HYPER_LIMIT))
        index = self.scale_index(z, t)
        residual = self.quantise(u, z, index, gain, inverse, t).residual
        return Symbols(z, torch.round(residual) * (index > 0), index)

    def quantise(self, u: Tensor, z_hat: Tensor, index: Tensor, gain: Tensor, inverse: Tensor, t: Tensor) -> Quantised:
        """Round u around its means, the first half and then the second.

        Outside of training, an element at scale index 0 takes its mean.
        """
        first = first_half(self.latents, u.shape[2], u.shape[3], u.device)

        def rounded(residual: Tensor) -> Tensor:
            return round_through(residual) if self.training else torch.round(residual) * (index > 0)

        one = u.new_ones(())
        h, mean1, step1 = (*self.mean_first(z_hat, self.mean_level(t)), one)[:3]
        u1 = mean1 * gain
        known = torch.where(first, rounded((u - u1) / step1) * step1 + u1, 0.0)
        mean2, step2 = (*self.mean_second(h, known * inverse), one)[:2]
        means, steps = torch.where(first, u1, mean2 * gain), torch.where(first, step1, step2)
        residual = (u - means) / steps
        return Quantised(rounded(residual) * steps + means, residual, means, steps)


class FactorisedLatent(nn.Module):
    """The entropy model without a hyperprior: one distribution for each channel of y. Called as ``Hyperprior``."""

    def __init__(self, latents: int):
        super().__init__()
        self.prior = Factorised(latents)

    def forward(self, y: Tensor, t: Tensor) -> Coded:
        y_hat = round_through(y.clamp(-HYPER_LIMIT, HYPER_LIMIT))
        bits = bits_of(self.prior.likelihood(add_noise(y) if self.training else y_hat))
        return Coded(y_hat, bits, torch.zeros_like(bits))
