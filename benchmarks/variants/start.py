"""How a training starts: the linear transform, steps and hyperprior; and how large the networks are."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy.fft import dct
from torch import Tensor, nn

from skosh.train import flagship, networks
from skosh.train.data import patch_transform
from skosh.types import Pixels

from .variant import Variant, after_build


def wide(receiver: int, blocks: int, sender: int, mean: int) -> dict[str, Any]:
    """Settings of a whole network of another size."""
    return {"body_width": receiver, "body_blocks": blocks, "width_16": sender, "mean_width": mean}


class Nothing(nn.Module):
    """Stands where a linear transform stood, which gave ``channels`` at ``factor`` times the size."""

    def __init__(self, channels: int, factor: float):
        super().__init__()
        self.channels, self.factor = channels, factor

    def forward(self, x: Tensor) -> Tensor:
        b, _, h, w = x.shape
        return x.new_zeros(b, self.channels, round(h * self.factor), round(w * self.factor))


def no_shortcut(model: flagship.Flagship, pictures: list[Pixels]) -> None:
    """y = N(x), without linear transforms.

    The last layers start as any other, scaled so that y has unit variance. One gain for all channels.
    """
    model.analysis.linear = Nothing(model.latent_channels, 1 / flagship.PATCH)  # type: ignore[assignment]
    model.synthesis.linear = Nothing(3, flagship.PATCH)  # type: ignore[assignment]
    model.synthesis.look.requires_grad_(False)  # sees nothing but zeros
    for half in (model.analysis, model.synthesis):
        half.leave.reset_parameters()
    crops = np.stack([picture[:256, :256] for picture in pictures if min(picture.shape[:2]) >= 256][:16])
    with torch.no_grad():
        y = model.analysis(torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255.0)
        model.analysis.leave.weight /= y.std((0, 2, 3))[:, None, None, None]
        nn.init.zeros_(model.analysis.leave.bias)  # type: ignore[arg-type]
        for rows in (model.entropy.log_gain.rows, model.entropy.log_inverse.rows, model.entropy.shift.rows):
            rows.copy_(rows.mean(1, keepdim=True).expand_as(rows))


def cosines(pictures: list[Pixels], size: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """As ``patch_transform``, with the discrete cosine transform of luma and two colour differences.

    By falling variance.
    """
    vectors, variances = patch_transform(pictures, size)
    one = dct(np.eye(size), axis=0, norm="ortho")
    colour = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3.0], [2.0], [6.0]])
    basis = np.kron(colour, np.kron(one, one))
    found = ((basis @ vectors.T) ** 2 * variances).sum(1)
    order = np.argsort(found)[::-1]
    return basis[order].astype(np.float32), found[order].astype(np.float32)


def start_from_cosines() -> None:
    networks.patch_transform = cosines  # type: ignore[attr-defined, assignment]


def fixed_transform(model: flagship.Flagship, pictures: list[Pixels]) -> None:
    """The linear transforms are no parameters any more, so that they cost the optimiser nothing."""
    model.analysis.linear.requires_grad_(False)
    model.synthesis.linear.requires_grad_(False)


def first_step(factor: float) -> Callable[[], None]:
    """Quantisation steps that start so many times as large."""

    def apply() -> None:
        plain = flagship.start_log_gain
        flagship.start_log_gain = lambda config, std: plain(config, std) - math.log(factor)

    return apply


def one_scale(model: flagship.Flagship, pictures: list[Pixels]) -> None:
    """One scale for all coefficients, so that they keep their variances; unit variance in the mean.

    Everything else starts as it does in the flagship.
    """
    analysis, synthesis = (half.linear.get_buffer("scale") for half in (model.analysis, model.synthesis))
    std = synthesis.clone()  # (1, M, 1, 1), as it was
    one = std.square().mean().sqrt()
    analysis.copy_(1.0 / one)
    synthesis.copy_(one)
    log_ratio = torch.log(one / std).reshape(1, -1)
    with torch.no_grad():
        model.entropy.log_gain.rows.add_(log_ratio)
        model.entropy.log_inverse.rows.sub_(log_ratio)


def hyper_start(factor: float) -> Callable[[flagship.Flagship, list[Pixels]], None]:
    """z starts so many times as large."""

    def change(model: flagship.Flagship, pictures: list[Pixels]) -> None:
        with torch.no_grad():
            for parameter in model.entropy.analysis.leave.parameters():
                parameter.mul_(factor)

    return change


START: dict[str, Variant] = {
    "size-5": Variant("Size", "body of 4 blocks of 128, sender and means of 128", wide(128, 4, 128, 128)),
    "size-8": Variant("Size", "body of 5 blocks of 192", wide(192, 5, 192, 192)),
    "size-20": Variant("Size", "body of 6 blocks of 320, sender of 256", wide(320, 6, 256, 192)),
    "no-shortcut": Variant("Start", "no linear transform", apply=after_build(no_shortcut)),
    "cosines": Variant("Start", "cosine transform instead of Karhunen-Loève", apply=start_from_cosines),
    "linear-rate-1": Variant("Start", "linear transform at the full learning rate", {"linear_rate": 1.0}),
    "linear-rate-0": Variant("Start", "linear transform fixed", apply=after_build(fixed_transform)),
    "steps-half": Variant("Start", "quantisation steps that start half as large", apply=first_step(0.5)),
    "steps-twice": Variant("Start", "quantisation steps that start twice as large", apply=first_step(2.0)),
    "one-scale": Variant("Start", "one scale for all of the linear transform", apply=after_build(one_scale)),
    "hyper-0": Variant("Start", "z starts at 0", apply=after_build(hyper_start(0.0))),
    "hyper-4": Variant("Start", "z starts four times as large", apply=after_build(hyper_start(4.0))),
}
