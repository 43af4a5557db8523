"""Probability models of training: the factorised bottleneck and the normal distribution, both in bits."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..tables import HYPER_LIMIT, IntTable, integer_table
from .quantise import lower_bound

LIKELIHOOD_MIN = 1e-9  # a symbol costs 30 bits at most, whatever the model says
REACH_SIGMAS = 5.9  # where the normal distribution's likelihood is about to fall below that


def bits_of(likelihood: Tensor) -> Tensor:
    """Information content in bits, summed over all but the first axis: shape (B,)."""
    return -torch.log2(lower_bound(likelihood, LIKELIHOOD_MIN)).flatten(1).sum(1)


def normal_likelihood(residual: Tensor, scale: Tensor) -> Tensor:
    """Mass of a centred normal distribution within half a step of ``residual`` (Ballé et al. 2018, eq. 7).

    Taken in the upper tail, where the difference keeps its precision.
    """
    distance = residual.abs()
    # Further out the bits no longer grow: stay where the gradient still says which way to go.
    scale = lower_bound(scale, ((distance - 0.5) / REACH_SIGMAS).detach())
    factor = 2.0**-0.5 / scale
    return 0.5 * (torch.erfc((distance - 0.5) * factor) - torch.erfc((distance + 0.5) * factor))


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
