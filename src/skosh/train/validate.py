"""Validation with real rounding: what a file would cost, by the model's own probabilities, and what it shows."""

from __future__ import annotations

from typing import TypeAlias

import torch
from pytorch_msssim import ms_ssim
from torch import Tensor, nn

from ..progress import stage
from ..types import Pixels
from .loss import Loss, SmallLoss
from .networks import use_integer_scale

MULTIPLE = 64  # pictures are cut to a multiple of this

Point: TypeAlias = dict[str, float]  # means over the pictures at one level: ``level``, ``bpp``, ``loss`` and others


def to_tensor(picture: Pixels) -> Tensor:
    """(H, W, 3) bytes -> (1, 3, H, W) in [0, 1], cut to a multiple of 64."""
    h, w = (n // MULTIPLE * MULTIPLE for n in picture.shape[:2])
    return torch.from_numpy(picture[:h, :w].copy()).permute(2, 0, 1)[None].float() / 255.0


def in_grey_levels(x: Tensor) -> Tensor:
    """Return a picture as it is shown: in [0, 1], rounded to multiples of 1/255."""
    return torch.round(x.clamp(0.0, 1.0) * 255.0) / 255.0


def psnr(x: Tensor, shown: Tensor) -> Tensor:
    """Return the PSNR of a picture in dB, over RGB."""
    return -10.0 * torch.log10(((shown - x) ** 2).mean().clamp(min=1e-10))


def measured(model: nn.Module, loss: Loss | SmallLoss, x: Tensor, t: Tensor) -> dict[str, Tensor]:
    """Return the rate and the quality of a codec for one picture at one level."""
    x_hat, coded = model(x, t)
    terms = loss(x, x_hat, coded, t)
    shown = in_grey_levels(x_hat)
    similarity = ms_ssim(shown, x, data_range=1.0)
    return {"bpp": terms.bpp[0], "psnr": psnr(x, shown), "ms_ssim": similarity, "loss": terms.loss}


@torch.no_grad()
def validate(model: nn.Module, loss: Loss | SmallLoss, pictures: list[Pixels], levels: list[float]) -> list[Point]:
    """Rate and quality at every level with rounded symbols and the integer scale map.

    A part (``parts.py``) says by itself what to measure.
    """
    was_training = model.training
    model.eval()
    use_integer_scale(model, True)
    device = next(model.parameters()).device
    points = []
    with stage("validating", len(levels) * len(pictures)) as progress:
        for level in levels:
            rows = []
            for picture in pictures:
                x, t = to_tensor(picture).to(device), torch.full((1,), level, device=device)
                rows.append(model.measure(loss, x, t) if hasattr(model, "measure") else measured(model, loss, x, t))
                progress.step()
            means = {key: float(torch.stack([row[key] for row in rows]).mean()) for key in rows[0]}
            points.append({"level": level, **means})
    model.train(was_training)
    return points
