"""The loss: ``level_weight * (lambda_d * D + lambda_r * R)``, D a weighted sum of distortions, R in bits a pixel."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from pytorch_msssim import ms_ssim
from torch import Tensor, nn

from ..metrics.lpips import LPIPS, load_lpips
from .config import Config
from .hyperprior import STRIDE, Coded
from .ssimulacra2 import SSIMULACRA2

LPIPS_STRIDE = 16  # pixels between the samples of AlexNet's coarsest features
WINDOWS = ((4, 8), (2, 4), (2,))  # sides of local windows on AlexNet's first three layers: 16 and 32 pixels
FLOOR = 1e-6  # added to variances: the slope of a root is infinite at 0
DRIFTS = 5  # halvings over which colours must not drift


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
        self.lpips = load_lpips(lpips_weights) if config.weight_lpips or config.weight_wasserstein else None
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
            total = total + self._of_features(self.lpips, x, x_hat)
        if self.ssimulacra2 is not None:
            total = total + c.weight_ssimulacra2 * self.ssimulacra2(x, x_hat)
        if c.weight_pattern:
            total = total + c.weight_pattern * 255.0**2 * pattern(x - x_hat)
        if c.weight_drift:
            total = total + c.weight_drift * drift(x - x_hat)
        return total

    def _of_features(self, lpips: LPIPS, x: Tensor, x_hat: Tensor) -> Tensor:
        c = self.config
        half = c.autocast == "bf16" and x_hat.requires_grad  # validation shows figures of float32
        layers = 5 if c.weight_lpips else len(WINDOWS)
        with torch.autocast(x.device.type, torch.bfloat16, enabled=half):
            due, found = (lpips.features(picture, layers) for picture in shifted(x, x_hat))
        total = c.weight_lpips * lpips.distance(due, found) if c.weight_lpips else torch.zeros_like(x[:, 0, 0, 0])
        return total + c.weight_wasserstein * wasserstein(lpips, due, found) if c.weight_wasserstein else total

    def forward(self, x: Tensor, x_hat: Tensor, coded: Coded, t: Tensor, verdict: Tensor | None = None) -> Terms:
        """x, x_hat (B, 3, H, W) in [0, 1]; t (B,). ``verdict`` (B,): the adversary's part of the distortion."""
        c = self.config
        bpp = (coded.bits_y + coded.bits_z) / (STRIDE**2 * coded.y_hat.shape[2] * coded.y_hat.shape[3])
        mse = ((x - x_hat) ** 2).mean((1, 2, 3))
        distortion = self.distortion(x, x_hat, mse)
        if verdict is not None:
            distortion = distortion + verdict
        lambda_d = self.lambda_d(t)
        weight = (lambda_d / (c.lambda_min * c.lambda_max) ** 0.5) ** -c.level_balance
        loss = weight * (lambda_d * distortion + c.lambda_r * bpp)
        return Terms(torch.mean(loss), bpp.detach(), mse.detach())


class SmallLoss(nn.Module):
    """The mean loss of pictures reduced by 2, 4 and 8, each against the area averages of the original."""

    def __init__(self, config: Config):
        super().__init__()
        self.loss = Loss(config)

    def forward(self, x: Tensor, small: tuple[Tensor, ...], coded: Coded, t: Tensor, verdict: None = None) -> Terms:
        """x (B, 3, H, W) in [0, 1], t (B,). The squared error is that of the first picture."""
        terms: list[Terms] = [self.loss(reduced(x, shown), shown, coded, t) for shown in small]
        return terms[0]._replace(loss=torch.stack([term.loss for term in terms]).mean())


def loss_of(config: Config, lpips_weights: str | Path | None = None) -> Loss | SmallLoss:
    """Return the loss of a run. Raises DependencyError or ConfigError where it needs LPIPS and can't have it."""
    return SmallLoss(config) if config.part == "small" else Loss(config, lpips_weights)


def reduced(x: Tensor, like: Tensor) -> Tensor:
    """Return the area averages of a picture in the size of another one, which divides its own."""
    return F.avg_pool2d(x, x.shape[3] // like.shape[3])


def pattern(error: Tensor) -> Tensor:
    """Mean square of the error that all blocks of 16x16 share: (B, C, H, W), H and W multiples of 16 -> (B,).

    A network that is trained for LPIPS shows a faint grid of dots on plain surfaces, the same in every block
    (docs/experiments.md, 38 and 51).
    """
    b, c, h, w = error.shape
    blocks = error.reshape(b, c, h // STRIDE, STRIDE, w // STRIDE, STRIDE)
    return blocks.mean((2, 4)).square().mean((1, 2, 3))


def drift(error: Tensor) -> Tensor:
    """Mean absolute error (B,) of pictures reduced by 2, 4, 8, 16 and 32: (B, C, H, W), sides of 32 or more.

    It keeps colours where they are, which LPIPS and discriminators let wander.
    """
    found = []
    for _ in range(DRIFTS):
        error = F.avg_pool2d(error, 2)
        found.append(error.abs().mean((1, 2, 3)))
    return torch.stack(found).mean(0)


def wasserstein(lpips: LPIPS, due: list[Tensor], found: list[Tensor]) -> Tensor:
    """LPIPS (B,) of the local means and deviations of its first three layers, summed over the sizes of windows.

    After the Wasserstein distortion of Qiu et al. 2023: what has the same statistics nearby counts as equal, so that
    texture may differ in its details. Windows are boxes of fixed size.
    """
    total = torch.zeros(len(due[0]), device=due[0].device)
    for i, sides in enumerate(WINDOWS):
        for side in sides:
            pairs = zip(local_statistics(due[i], side), local_statistics(found[i], side), strict=True)
            squares = [(a - b) ** 2 for a, b in pairs]
            total = total + (lpips.weights(i) * sum(squares)).sum(1).mean((1, 2))
    return total


def local_statistics(features: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Return means and standard deviations over windows of ``side`` x ``side``, which overlap by half."""
    mean = F.avg_pool2d(features, side, side // 2)
    square = F.avg_pool2d(features * features, side, side // 2)
    return mean, torch.sqrt((square - mean * mean).clamp(min=0.0) + FLOOR)


def shifted(x: Tensor, x_hat: Tensor) -> tuple[Tensor, Tensor]:
    """Cut rows and columns at the top and the left off both, in training a random number of up to 15.

    LPIPS's layers look at every fourth, eighth and sixteenth pixel. If that grid always lies on the synthesis's blocks
    of 16 pixels, the synthesis learns to put its errors where the metric does not look. LPIPS then shows 15 % too
    little (docs/experiments.md, 38).
    """
    if not x_hat.requires_grad:
        return x, x_hat
    top, left = torch.randint(LPIPS_STRIDE, (2,)).tolist()
    return x[..., top:, left:], x_hat[..., top:, left:]
