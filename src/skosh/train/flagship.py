"""The flagship network: a linear transform coder that training bends into a learned one.

    y = L x + N(x)      x_hat = L' y_hat + N'(y_hat)

L starts as the Karhunen-Loève transform of 16x16x3 patches, whitened, and N at zero, so that step 0 is already a codec.
Most of the work is done at 1/16 of the picture's size; the renderer at 1/4 is narrow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .hyperprior import STRIDE, Coded, Hyperprior, Levels
from .layers import MixBlock, full_precision, start_at_zero

if TYPE_CHECKING:
    from .config import Config

PATCH = STRIDE
PATCH_VALUES = 3 * PATCH * PATCH


class LinearAnalysis(nn.Module):
    """16x16x3 patches -> M coefficients of unit variance: an orthonormal basis and a separate scale."""

    def __init__(self, basis: Tensor, std: Tensor):  # (M, 768), (M,)
        super().__init__()
        self.basis = nn.Parameter(basis.reshape(-1, 3, PATCH, PATCH).clone())
        self.register_buffer("scale", (1.0 / std)[None, :, None, None])

    def forward(self, x: Tensor) -> Tensor:
        with full_precision(x):
            return F.conv2d(x.float(), self.basis, stride=PATCH) * self.scale  # (B, M, H/16, W/16)


class LinearSynthesis(nn.Module):
    """The way back: M coefficients of unit variance -> pixels, ``side`` x ``side`` for each sample of y."""

    def __init__(self, basis: Tensor, std: Tensor, side: int = PATCH):  # (M, 3 side^2), (M,)
        super().__init__()
        self.side = side
        self.basis = nn.Parameter(basis.t()[:, :, None, None].clone())
        self.register_buffer("scale", std[None, :, None, None])

    def forward(self, y: Tensor) -> Tensor:
        with full_precision(y):
            return F.pixel_shuffle(F.conv2d(y.float() * self.scale, self.basis), self.side)  # (B, 3, H, W)


class Analysis(nn.Module):
    """g_a: x (B, 3, H, W) in [0, 1] -> y (B, M, H/16, W/16)."""

    def __init__(self, config: Config, basis: Tensor, std: Tensor):
        super().__init__()
        w4, w8, w16 = config.width_4, config.width_8, config.width_16
        self.linear = LinearAnalysis(basis, std)
        self.patchify = nn.Conv2d(3, w4, 4, 4)
        self.blocks4 = nn.Sequential(*[MixBlock(w4) for _ in range(config.blocks_4)])
        self.down8 = nn.Conv2d(w4, w8, 2, 2)
        self.blocks8 = nn.Sequential(*[MixBlock(w8) for _ in range(config.blocks_8)])
        self.down16 = nn.Conv2d(w8, w16, 2, 2)
        self.blocks16 = nn.Sequential(*[MixBlock(w16) for _ in range(config.blocks_16)])
        self.leave = nn.Conv2d(w16, config.latent_channels, 1)
        start_at_zero(self.leave)

    def forward(self, x: Tensor) -> Tensor:
        x = x - 0.5
        f = self.blocks4(self.patchify(x))  # (B, w4, H/4, W/4)
        f = self.blocks8(self.down8(f))  # (B, w8, H/8, W/8)
        f = self.blocks16(self.down16(f))  # (B, w16, H/16, W/16)
        out: Tensor = self.linear(x) + self.leave(f)
        return out


class Synthesis(nn.Module):
    """g_s: y_hat (B, M, H/16, W/16) and the level's row -> x_hat (B, 3, H, W), and the features that heads read.

    These are those of the body, (B, body, H/16, W/16), and those of the renderer, (B, render, H/4, W/4).
    """

    def __init__(self, config: Config, basis: Tensor, std: Tensor):
        super().__init__()
        body, render = config.body_width, config.render_width
        self.linear = LinearSynthesis(basis, std)
        self.enter = nn.Conv2d(config.latent_channels, body, 1)
        self.body = nn.Sequential(*[MixBlock(body) for _ in range(config.body_blocks)])
        self.up = nn.Conv2d(body, 16 * render, 1)
        self.look = nn.Conv2d(3, render, 4, 4)  # shows the renderer the edges of the linear transform's blocks
        start_at_zero(self.look)
        self.render = nn.Sequential(*[MixBlock(render) for _ in range(config.render_blocks)])
        self.leave = nn.Conv2d(render, 48, 1)
        start_at_zero(self.leave)

    def forward(self, y_hat: Tensor, level: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        body = self.body(self.enter(y_hat) + level)  # (B, body, H/16, W/16)
        blocks = self.linear(y_hat)  # (B, 3, H, W)
        render = self.render(F.pixel_shuffle(self.up(body), 4) + self.look(blocks))  # (B, render, H/4, W/4)
        return blocks + F.pixel_shuffle(self.leave(render), 4) + 0.5, body, render


class Flagship(nn.Module):
    """The whole codec. ``forward(x, t)``: pictures (B, 3, H, W) in [0, 1], levels (B,) in [0, 1] -> x_hat and bits."""

    def __init__(self, config: Config, basis: Tensor | None = None, variance: Tensor | None = None):
        """``basis`` (M, 768) and ``variance`` (M,): the transform of the patches.

        Without them, weights must be loaded.
        """
        super().__init__()
        self.latent_channels = m = config.latent_channels
        basis = torch.eye(m, PATCH_VALUES) if basis is None else basis
        std = (torch.ones(m) if variance is None else variance).sqrt()
        self.analysis = Analysis(config, basis, std)
        self.synthesis = Synthesis(config, basis, std)
        self.entropy = Hyperprior(
            m,
            config.hyper_channels,
            config.mean_width,
            config.mean_features,
            config.mean_context,
            start_log_gain(config, std),
            config.learned_step,
            config.exponent,
        )
        self.synthesis_level = Levels(torch.zeros(config.levels, config.body_width))

    def forward(self, x: Tensor, t: Tensor) -> tuple[Tensor, Coded]:
        y = self.analysis(x)
        with full_precision(x):
            coded = self.entropy(y.float(), t)
            level = self.synthesis_level(t)
        return self.synthesis(coded.y_hat, level)[0], coded


def start_log_gain(config: Config, std: Tensor) -> Tensor:
    """Return log gains (levels, M) at which a transform coder of whitened coefficients is optimal.

    At high rate, one bit more for a coefficient removes three quarters of its error: ``dD/dR = -2 ln(2) D``. With ``R +
    lambda 255^2 D`` in bits a pixel (three values each), the step is ``5.1 / (255 sqrt(lambda))`` in units of the
    picture's range.
    """
    t = torch.linspace(0.0, 1.0, config.levels) if config.levels > 1 else torch.zeros(1)
    lambdas = config.lambda_min * (config.lambda_max / config.lambda_min) ** t
    step = 5.1 / (255.0 * lambdas.sqrt())
    return torch.log(std)[None] - torch.log(step)[:, None]
