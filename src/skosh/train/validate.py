"""Validation with real rounding: what a file would cost, by the model's own probabilities, and what it shows."""

from __future__ import annotations

from typing import TypedDict

import torch
from pytorch_msssim import ms_ssim
from torch import Tensor, nn

from ..types import Pixels
from .loss import Loss
from .networks import use_integer_scale

MULTIPLE = 64  # pictures are cut to a multiple of this


class Point(TypedDict):
    """Means over the pictures at one level."""

    level: float  # 0 to 1
    bpp: float
    psnr: float  # dB, over RGB
    ms_ssim: float
    loss: float


def to_tensor(picture: Pixels) -> Tensor:
    """(H, W, 3) bytes -> (1, 3, H, W) in [0, 1], cut to a multiple of 64."""
    h, w = (n // MULTIPLE * MULTIPLE for n in picture.shape[:2])
    return torch.from_numpy(picture[:h, :w].copy()).permute(2, 0, 1)[None].float() / 255.0


@torch.no_grad()
def validate(model: nn.Module, loss: Loss, pictures: list[Pixels], levels: list[float]) -> list[Point]:
    """Rate and quality at every level with rounded symbols and the integer scale map."""
    was_training = model.training
    model.eval()
    use_integer_scale(model, True)
    device = next(model.parameters()).device
    points = []
    for level in levels:
        rows = []
        for picture in pictures:
            x = to_tensor(picture).to(device)
            t = torch.full((1,), level, device=device)
            x_hat, coded = model(x, t)
            terms = loss(x, x_hat, coded, t)
            shown = torch.round(x_hat.clamp(0.0, 1.0) * 255.0) / 255.0
            psnr = -10.0 * torch.log10(((shown - x) ** 2).mean().clamp(min=1e-10))
            rows.append(torch.stack([terms.bpp[0], psnr, ms_ssim(shown, x, data_range=1.0), terms.loss]))
        bpp, quality, similarity, value = torch.stack(rows).mean(0).tolist()
        points.append(Point(level=level, bpp=bpp, psnr=quality, ms_ssim=similarity, loss=value))
    model.train(was_training)
    return points
