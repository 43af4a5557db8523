"""Heads: networks that make other pictures from what the frozen decoder computes. They start silent or exact.

detail     features, noise            -> texture that the file does not hold, added to the faithful picture
small      y_hat                      -> the picture at 1/2, 1/4 or 1/8 of its size, without the synthesis
double     features, faithful picture -> the picture at twice its size
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .flagship import PATCH, LinearSynthesis
from .layers import MixBlock, full_precision, start_at_zero

if TYPE_CHECKING:
    from .config import Config

NOISE = 4  # channels of the noise that the detail head is given, at 1/4
CUBIC = -0.5  # parameter of Keys's cubic kernel (1981), as in Pillow
RADIUS = 2  # pixels that bicubic interpolation reads on each side


class Detail(nn.Module):
    """Texture for the faithful picture, (B, 3, H, W), times ``realism``; nothing at the start.

    ``body`` (B, 256, H/16, W/16) and ``render`` (B, 32, H/4, W/4): features of the synthesis. ``noise`` (B, 4, H/4,
    W/4), uniform in [-1, 1). ``realism`` (B or 1, 1, 1, 1) in [0, 1].
    """

    def __init__(self, config: Config):
        super().__init__()
        w16, w4 = config.head_width_16, config.head_width_4
        self.enter = nn.Conv2d(config.body_width, w16, 1)
        self.blocks16 = nn.Sequential(*[MixBlock(w16) for _ in range(config.head_blocks_16)])
        self.up = nn.Conv2d(w16, 16 * w4, 1)
        self.look = nn.Conv2d(config.render_width + NOISE, w4, 1)
        self.blocks4 = nn.Sequential(*[MixBlock(w4) for _ in range(config.head_blocks_4)])
        self.leave = nn.Conv2d(w4, 48, 1)
        start_at_zero(self.leave)

    def forward(self, body: Tensor, render: Tensor, noise: Tensor, realism: Tensor) -> Tensor:
        f = self.blocks16(self.enter(body))  # (B, w16, H/16, W/16)
        f = F.pixel_shuffle(self.up(f), 4) + self.look(torch.cat([render, noise], 1))
        f = self.blocks4(f)  # (B, w4, H/4, W/4)
        return realism * F.pixel_shuffle(self.leave(f), 4)


class Small(nn.Module):
    """The picture reduced by ``factor`` (2, 4 or 8), straight from y_hat: (B, 3, H/factor, W/factor).

    It starts as the exact average of the linear synthesis over ``factor`` x ``factor`` pixels.
    """

    def __init__(self, config: Config, linear: LinearSynthesis, factor: int):
        super().__init__()
        m, width, self.side = config.latent_channels, config.small_width, PATCH // factor
        self.linear = LinearSynthesis(averaged_basis(linear, factor), linear.scale[0, :, 0, 0], self.side)
        self.enter = nn.Conv2d(m, width, 1)
        self.level = nn.Conv2d(config.body_width, width, 1, bias=False)
        self.blocks = nn.Sequential(*[MixBlock(width) for _ in range(config.small_blocks)])
        self.leave = nn.Conv2d(width, 3 * self.side**2, 1)
        start_at_zero(self.leave)

    def forward(self, y_hat: Tensor, synthesis_level: Tensor) -> Tensor:
        f = self.blocks(self.enter(y_hat) + self.level(synthesis_level))  # (B, width, H/16, W/16)
        out: Tensor = self.linear(y_hat) + F.pixel_shuffle(self.leave(f), self.side) + 0.5
        return out


@torch.no_grad()
def averaged_basis(linear: LinearSynthesis, factor: int) -> Tensor:
    """Return the basis (M, 3 (16/factor)^2) of the linear synthesis followed by area averages."""
    side = PATCH // factor
    basis = linear.basis[:, :, 0, 0].reshape(3, side, factor, side, factor, -1)
    return basis.mean((2, 4)).reshape(3 * side**2, -1).t()


class Double(nn.Module):
    """The picture at twice its size, (B, 3, 2 H, 2 W). It starts as bicubic interpolation of ``x_hat``.

    ``body`` (B, 256, H/16, W/16) and ``render`` (B, 32, H/4, W/4): features of the synthesis. ``x_hat`` (B, 3, H, W):
    the faithful picture.
    """

    def __init__(self, config: Config):
        super().__init__()
        w16, w4 = config.head_width_16, config.head_width_4
        self.cubic = nn.Conv2d(3, 12, 2 * RADIUS + 1, groups=3, bias=False)
        self.cubic.weight = nn.Parameter(bicubic())
        self.enter = nn.Conv2d(config.body_width, w16, 1)
        self.blocks16 = nn.Sequential(*[MixBlock(w16) for _ in range(config.head_blocks_16)])
        self.up = nn.Conv2d(w16, 16 * w4, 1)
        self.look = nn.Conv2d(config.render_width, w4, 1)
        self.patchify = nn.Conv2d(3, w4, 4, 4)
        self.blocks4 = nn.Sequential(*[MixBlock(w4) for _ in range(config.head_blocks_4)])
        self.leave = nn.Conv2d(w4, 192, 1)
        start_at_zero(self.leave)

    def forward(self, body: Tensor, render: Tensor, x_hat: Tensor) -> Tensor:
        with full_precision(x_hat):
            larger = doubled(x_hat.float(), self.cubic.weight)  # (B, 3, 2 H, 2 W)
        f = self.blocks16(self.enter(body))  # (B, w16, H/16, W/16)
        f = F.pixel_shuffle(self.up(f), 4) + self.look(render) + self.patchify(x_hat - 0.5)
        f = self.blocks4(f)  # (B, w4, H/4, W/4)
        out: Tensor = larger + F.pixel_shuffle(self.leave(f), 8)
        return out


def doubled(x: Tensor, weight: Tensor) -> Tensor:
    """Return twice the size of a picture, (B, 3, 2 H, 2 W), by the weights (12, 1, 5, 5) of ``bicubic`` or others."""
    around = F.pad(x, (RADIUS,) * 4, mode="replicate")
    return F.pixel_shuffle(F.conv2d(around, weight, groups=3), 2)


def bicubic() -> Tensor:
    """Return the weights (12, 1, 5, 5) of bicubic interpolation: for each colour, the four pixels in each pixel."""
    offsets = torch.arange(-RADIUS, RADIUS + 1)
    rows = torch.stack([cubic(offsets - place) for place in (-0.25, 0.25)])  # of the first and the second pixel
    return torch.einsum("ai,bj->abij", rows, rows).reshape(4, 1, len(offsets), len(offsets)).repeat(3, 1, 1, 1)


def cubic(distance: Tensor) -> Tensor:
    """Return Keys's cubic kernel at distances in pixels."""
    d = distance.abs()
    near = (CUBIC + 2.0) * d**3 - (CUBIC + 3.0) * d**2 + 1.0
    far = CUBIC * (d**3 - 5.0 * d**2 + 8.0 * d - 4.0)
    return torch.where(d <= 1.0, near, torch.where(d < 2.0, far, torch.zeros_like(d)))
