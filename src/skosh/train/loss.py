"""The loss: ``level_weight * (lambda_d * D + lambda_r * R)``, D a weighted sum of distortions, R in bits a pixel."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
from pytorch_msssim import ms_ssim
from torch import Tensor, nn

from ..metrics.lpips import load_lpips
from .config import Config
from .hyperprior import STRIDE, Coded
from .ssimulacra2 import SSIMULACRA2

LPIPS_STRIDE = 16  # pixels between the samples of AlexNet's coarsest features


class Terms(NamedTuple):
    """The loss (a scalar) and its parts, each of shape (B,)."""

    loss: Tensor
    bpp: Tensor
    mse: Tensor


class Loss(nn.Module):
    """Rate-distortion loss of a batch.

    Terms of weight 0 are not computed; LPIPS weights are loaded only if they are needed.
    """

    def __init__(self, config: Config, lpips_weights: str | Path | None = None):
        super().__init__()
        self.config = config
        self.lpips = load_lpips(lpips_weights) if config.weight_lpips else None
        self.ssimulacra2 = SSIMULACRA2() if config.weight_ssimulacra2 else None

    def lambda_d(self, t: Tensor) -> Tensor:
        """Weight of the distortion at level t, log-linear between lambda_min and lambda_max."""
        c = self.config
        return c.lambda_min * (c.lambda_max / c.lambda_min) ** t

    def distortion(self, x: Tensor, x_hat: Tensor, mse: Tensor) -> Tensor:
        c = self.config
        total = c.weight_mse * 255.0**2 * mse
        if c.weight_mae:
            total = total + c.weight_mae * (x - x_hat).abs().mean((1, 2, 3))
        if c.weight_ms_ssim:
            total = total + c.weight_ms_ssim * (1.0 - ms_ssim(x_hat, x, data_range=1.0, size_average=False))
        if self.lpips is not None:
            total = total + c.weight_lpips * self.lpips(*_shifted(x, x_hat))
        if self.ssimulacra2 is not None:
            total = total + c.weight_ssimulacra2 * self.ssimulacra2(x, x_hat)
        if c.weight_pattern:
            total = total + c.weight_pattern * 255.0**2 * pattern(x - x_hat)
        return total

    def forward(self, x: Tensor, x_hat: Tensor, coded: Coded, t: Tensor) -> Terms:
        """x, x_hat (B, 3, H, W) in [0, 1]; t (B,)."""
        c = self.config
        bpp = (coded.bits_y + coded.bits_z) / (x.shape[2] * x.shape[3])
        mse = ((x - x_hat) ** 2).mean((1, 2, 3))
        lambda_d = self.lambda_d(t)
        weight = (lambda_d / (c.lambda_min * c.lambda_max) ** 0.5) ** -c.level_balance
        loss = weight * (lambda_d * self.distortion(x, x_hat, mse) + c.lambda_r * bpp)
        return Terms(torch.mean(loss), bpp.detach(), mse.detach())


def pattern(error: Tensor) -> Tensor:
    """Mean square of the error that all blocks of 16x16 share: (B, C, H, W), H and W multiples of 16 -> (B,).

    A network that is trained for LPIPS shows a faint grid of dots on plain surfaces, the same in every block
    (docs/experiments.md, 38 and 51).
    """
    b, c, h, w = error.shape
    blocks = error.reshape(b, c, h // STRIDE, STRIDE, w // STRIDE, STRIDE)
    return blocks.mean((2, 4)).square().mean((1, 2, 3))


def _shifted(x: Tensor, x_hat: Tensor) -> tuple[Tensor, Tensor]:
    """Cut rows and columns at the top and the left off both, in training a random number of up to 15.

    LPIPS's layers look at every fourth, eighth and sixteenth pixel. If that grid always lies on the synthesis's blocks
    of 16 pixels, the synthesis learns to put its errors where the metric does not look. LPIPS then shows 15 % too
    little (docs/experiments.md, 38).
    """
    if not x_hat.requires_grad:
        return x, x_hat
    top, left = torch.randint(LPIPS_STRIDE, (2,)).tolist()
    return x[..., top:, left:], x_hat[..., top:, left:]
