"""Probability models of training, in bits.

The factorised bottleneck, the normal distribution, and its generalisations with heavier tails.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from ..entropy.tables import HYPER_LIMIT, IntTable, integer_table, normal_tables, reaches, scales
from .quantise import lower_bound

Likelihood = Callable[[Tensor, Tensor], Tensor]  # of residuals at scales, both in steps
LIKELIHOOD_MIN = 1e-9  # a symbol counts as 30 bits at most
REACH_SIGMAS = 5.9  # standard deviations beyond which the normal distribution falls below that


def bits_of(likelihood: Tensor) -> Tensor:
    """Information content in bits, summed over all but the first axis: shape (B,)."""
    return -torch.log2(lower_bound(likelihood, LIKELIHOOD_MIN)).flatten(1).sum(1)


def normal_likelihood(residual: Tensor, scale: Tensor) -> Tensor:
    """Mass of a centred normal distribution within half a step of ``residual`` (Ballé et al. 2018, eq. 7).

    Taken in the upper tail, where the difference keeps its precision.
    """
    distance = residual.abs()
    # Further out the bits no longer grow: stay where the gradient still has a direction.
    scale = lower_bound(scale, ((distance - 0.5) / REACH_SIGMAS).detach())
    factor = 2.0**-0.5 / scale
    return 0.5 * (torch.erfc((distance - 0.5) * factor) - torch.erfc((distance + 0.5) * factor))


class _Mass(torch.autograd.Function):
    """``GeneralisedNormal`` with its two derivatives.

    They come from the density. The derivatives of the table's straight pieces are rough where the scale is large.
    """

    @staticmethod
    def forward(ctx, residual: Tensor, scale: Tensor, of: GeneralisedNormal) -> Tensor:  # type: ignore[no-untyped-def]
        distance = residual.abs()
        near, far = distance - 0.5, distance + 0.5
        inner, outer = near.abs() / scale, far / scale
        if any(ctx.needs_input_grad):
            inner_density, outer_density = of.density(inner), of.density(outer)
            by_residual = (outer_density - inner_density) / scale * torch.sign(residual)
            by_scale = (near * inner_density - far * outer_density) / (scale * scale)
            ctx.save_for_backward(by_residual, by_scale)
        above = of.above(inner)
        return torch.where(near < 0, 1.0 - above, above) - of.above(outer)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor, Tensor, None]:  # type: ignore[no-untyped-def]
        by_residual, by_scale = ctx.saved_tensors
        return grad * by_residual, grad * by_scale, None


class GeneralisedNormal(nn.Module):
    """Mass within half a step of a residual under a centred density ``exp(-|r / w|^exponent)``.

    Exponent 1 is Laplace's distribution, 2 the normal one. ``forward(residual, scale)``: ``scale`` is the standard
    deviation, as in ``normal_likelihood``. The incomplete gamma function is slow, so its logarithm is interpolated in a
    table.
    """

    PARTS = 256  # entries a standard deviation: the mass above is right to 2e-6

    def __init__(self, exponent: float):
        super().__init__()
        self.exponent = exponent
        self.width = math.sqrt(math.gamma(1.0 / exponent) / math.gamma(3.0 / exponent))  # w of standard deviation 1
        far = torch.arange(1.0, 40.0, 1.0 / self.PARTS, dtype=torch.float64)
        self.reach = float(far[self.exact_above(far) > LIKELIHOOD_MIN][-1])
        places = torch.arange(int((self.reach + 10.0) * self.PARTS) + 2, dtype=torch.float64) / self.PARTS
        logs = torch.log(self.exact_above(places))
        self.register_buffer("logs", logs.float(), persistent=False)
        self.register_buffer("rises", (logs[1:] - logs[:-1]).float(), persistent=False)

    def exact_above(self, r: Tensor) -> Tensor:
        """Mass above r >= 0 standard deviations, in double precision."""
        argument = (r.double() / self.width) ** self.exponent
        found: Tensor = 0.5 * torch.special.gammaincc(torch.tensor(1.0 / self.exponent, dtype=torch.float64), argument)
        return found

    def above(self, r: Tensor) -> Tensor:
        """As ``exact_above``, from the table."""
        logs, rises = self.get_buffer("logs"), self.get_buffer("rises")
        place = r.clamp(max=(len(rises) - 1) / self.PARTS) * self.PARTS
        # NaN gets an index as well: the result is NaN, and the run stops in order.
        below = place.long().clamp(min=0)
        return torch.exp(logs[below] + rises[below] * (place - below))

    def density(self, r: Tensor) -> Tensor:
        """At r >= 0 standard deviations."""
        q = r / self.width
        power = q * q.sqrt() if self.exponent == 1.5 else q**self.exponent  # a power takes as long as the rest together
        return torch.exp(-power) * (self.exponent / (2.0 * self.width * math.gamma(1.0 / self.exponent)))

    def forward(self, residual: Tensor, scale: Tensor) -> Tensor:
        bound = (residual.detach().abs() - 0.5) / self.reach
        found: Tensor = _Mass.apply(residual, lower_bound(scale, bound), self)  # as in normal_likelihood
        return found

    def tables(self) -> list[IntTable]:
        """One table per scale index: symbols ``-reach..reach``, then the escape."""
        found = []
        for scale, reach in zip(scales(), reaches(), strict=True):
            above = self.exact_above((torch.arange(reach + 1) + 0.5) / float(scale)).numpy()
            side = above[:-1] - above[1:]
            found.append(integer_table(np.r_[side[::-1], 1.0 - 2.0 * above[0], side, 2.0 * above[-1]]))
        return found


def symbol_tables(likelihood: Likelihood) -> list[IntTable]:
    """Return the frequency tables, one per scale index, of the distribution that training counted bits with."""
    return likelihood.tables() if isinstance(likelihood, GeneralisedNormal) else normal_tables()


class Factorised(nn.Module):
    """One learned distribution per channel, by a monotone network for its CDF (Ballé et al. 2018, appendix 6.1)."""

    WIDTHS = (1, 3, 3, 3, 1)

    def __init__(self, channels: int, start_scale: float = 4.0):
        super().__init__()
        self.channels = channels
        layers = len(self.WIDTHS) - 1
        spread = start_scale ** (1.0 / layers)
        self.matrices, self.biases, self.gates = nn.ParameterList(), nn.ParameterList(), nn.ParameterList()
        for i, (inputs, outputs) in enumerate(zip(self.WIDTHS, self.WIDTHS[1:], strict=False)):
            start = math.log(math.expm1(1.0 / spread / outputs))
            self.matrices.append(nn.Parameter(torch.full((channels, outputs, inputs), start)))
            self.biases.append(nn.Parameter(torch.empty(channels, outputs, 1).uniform_(-0.5, 0.5)))
            if i < layers - 1:
                self.gates.append(nn.Parameter(torch.zeros(channels, outputs, 1)))

    def logits(self, x: Tensor) -> Tensor:
        """Logit of the CDF at x, both of shape (C, 1, N)."""
        for i, (matrix, bias) in enumerate(zip(self.matrices, self.biases, strict=True)):
            x = F.softplus(matrix) @ x + bias
            if i < len(self.gates):
                x = x + torch.tanh(self.gates[i]) * torch.tanh(x)
        return x

    def likelihood(self, z: Tensor) -> Tensor:
        """Mass within half a step of z, shape (B, C, H, W) as z."""
        b, c, h, w = z.shape
        flat = z.transpose(0, 1).reshape(c, 1, -1)
        low, high = self.logits(flat - 0.5), self.logits(flat + 0.5)
        sign = torch.where(low + high > 0, -1.0, 1.0)  # take the tail in which the difference keeps its precision
        mass = torch.abs(torch.sigmoid(sign * high) - torch.sigmoid(sign * low))
        return mass.reshape(c, b, h, w).transpose(0, 1)

    @torch.no_grad()
    def tables(self) -> list[IntTable]:
        """Integer frequencies of the symbols ``-HYPER_LIMIT..HYPER_LIMIT``, one table per channel."""
        symbols = torch.arange(-HYPER_LIMIT, HYPER_LIMIT + 1, dtype=torch.float32)
        mass = self.likelihood(symbols[None, None, None, :].expand(1, self.channels, 1, -1))[0, :, 0]
        return [integer_table(row) for row in mass.double().cpu().numpy().astype(np.float64)]
