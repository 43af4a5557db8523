"""Stand-ins for rounding: uniform noise for the rate, a straight-through step for what the decoder sees."""

from __future__ import annotations

import torch
from torch import Tensor


def round_through(x: Tensor) -> Tensor:
    """Round to the nearest integer; the gradient passes as if nothing had happened (straight-through)."""
    return x + (torch.round(x) - x).detach()


def add_noise(x: Tensor) -> Tensor:
    """Add uniform noise in [-0.5, 0.5): the differentiable model of rounding in Ballé et al. 2017, section 3."""
    return x + torch.rand_like(x) - 0.5


class _LowerBound(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, bound: float | Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.save_for_backward(x)
        ctx.bound = bound
        return x.clamp(min=bound)

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None]:  # type: ignore[no-untyped-def]
        (x,) = ctx.saved_tensors
        return grad * ((x >= ctx.bound) | (grad < 0)), None


def lower_bound(x: Tensor, bound: float | Tensor) -> Tensor:
    """``max(x, bound)`` whose gradient still passes below the bound where it would raise x (Ballé et al. 2018)."""
    result: Tensor = _LowerBound.apply(x, bound)
    return result


def between(x: Tensor, low: float, high: float) -> Tensor:
    """``x.clamp(low, high)`` whose gradient still passes outside where it would bring x back."""
    return -lower_bound(-lower_bound(x, low), -high)
