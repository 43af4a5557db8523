"""Stand-ins for rounding: uniform noise for the rate, a straight-through step for what the decoder sees."""

from __future__ import annotations

import torch
from torch import Tensor


class _RoundThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        return torch.round(x)

    @staticmethod
    def backward(ctx, grad: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        return grad


def round_through(x: Tensor) -> Tensor:
    """Round to the nearest integer; the gradient passes unchanged (straight-through)."""
    rounded: Tensor = _RoundThrough.apply(x)
    return rounded


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
    """``max(x, bound)`` whose gradient below the bound still passes if it would raise x (Ballé et al. 2018)."""
    result: Tensor = _LowerBound.apply(x, bound)
    return result


class _Between(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, low: float, high: float) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.save_for_backward(x < low, x > high)
        return x.clamp(low, high)

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None, None]:  # type: ignore[no-untyped-def]
        below, above = ctx.saved_tensors
        return grad.masked_fill((below & (grad > 0)) | (above & (grad < 0)), 0.0), None, None


def between(x: Tensor, low: float, high: float) -> Tensor:
    """``x.clamp(low, high)`` whose gradient outside still passes if it would bring x back."""
    result: Tensor = _Between.apply(x, low, high)
    return result
