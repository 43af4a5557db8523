"""The published network, as described: residual blocks with GDN, simplified attention, subpixel upsampling; stride 16.

192 channels, 32 latent channels, a factorised bottleneck; a hyperprior where ``hyper_channels`` is not 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from .hyperprior import Coded, FactorisedLatent, Hyperprior
from .layers import ResidualBlock, SimplifiedAttention, SubpixelBlock, full_precision

if TYPE_CHECKING:
    from .config import Config


class SeedAnalysis(nn.Sequential):
    """g_a: x (B, 3, H, W) in [0, 1] -> y (B, M, H/16, W/16). Six residual blocks, two attentions, two convolutions."""

    def __init__(self, width: int, latents: int, kind: str):
        super().__init__(
            ResidualBlock(3, width, 2, kind),  # 1/2
            ResidualBlock(width, width, 1, kind),
            ResidualBlock(width, width, 2, kind),  # 1/4
            SimplifiedAttention(width),
            ResidualBlock(width, width, 1, kind),
            ResidualBlock(width, width, 2, kind),  # 1/8
            ResidualBlock(width, width, 1, kind),
            nn.Conv2d(width, width, 3, 2, 1),  # 1/16
            SimplifiedAttention(width),
            nn.Conv2d(width, latents, 3, 1, 1),
        )


class SeedSynthesis(nn.Module):
    """g_s: y_hat (B, M, H/16, W/16) -> x_hat (B, 3, H, W).

    The analysis mirrored, with subpixel blocks for the strided ones.
    """

    def __init__(self, width: int, latents: int, kind: str):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(latents, width, 3, 1, 1),
            SimplifiedAttention(width),
            nn.Conv2d(width, 4 * width, 3, 1, 1),
            nn.PixelShuffle(2),  # 1/8
            ResidualBlock(width, width, 1, kind, inverse=True),
            SubpixelBlock(width, width, kind),  # 1/4
            ResidualBlock(width, width, 1, kind, inverse=True),
            SimplifiedAttention(width),
            SubpixelBlock(width, width, kind),  # 1/2
            ResidualBlock(width, width, 1, kind, inverse=True),
            SubpixelBlock(width, 3, kind),
        )

    def forward(self, y_hat: Tensor) -> Tensor:
        out: Tensor = self.layers(y_hat)
        return out


class Seed(nn.Module):
    """The whole codec, called as ``Flagship``. One quality level, so t changes nothing."""

    def __init__(self, config: Config):
        super().__init__()
        self.latent_channels = m = config.latent_channels
        self.synthesis_level = None
        self.analysis = SeedAnalysis(config.width, m, config.activation)
        self.synthesis = SeedSynthesis(config.width, m, config.activation)
        self.entropy: nn.Module = FactorisedLatent(m)
        if config.hyper_channels:
            self.entropy = Hyperprior(
                m,
                config.hyper_channels,
                config.mean_width,
                config.mean_features,
                config.mean_context,
                torch.zeros(1, m),
            )

    def forward(self, x: Tensor, t: Tensor) -> tuple[Tensor, Coded]:
        y = self.analysis(x)
        with full_precision(x):
            coded: Coded = self.entropy(y.float(), t)
        return self.synthesis(coded.y_hat), coded
