"""From a configuration to a network, fresh or with the weights of a state."""

from __future__ import annotations

from typing import TypeAlias

import torch
from torch import nn

from ..types import Pixels
from .config import Config
from .data import patch_transform
from .flagship import PATCH, Flagship
from .hyperprior import Hyperprior
from .seed import Seed

Network: TypeAlias = Flagship | Seed


def build(config: Config, pictures: list[Pixels] | None = None) -> Network:
    """Return a network. A flagship to be trained from nothing takes its linear transform from ``pictures``."""
    if config.network == "seed":
        return Seed(config)
    if pictures is None:
        return Flagship(config)
    basis, variance = patch_transform(pictures, PATCH)
    m = config.latent_channels
    return Flagship(config, torch.from_numpy(basis[:m]), torch.from_numpy(variance[:m]))


def use_integer_scale(model: nn.Module, on: bool) -> None:
    """Let the scale map compute in its exported integers, or in floats. Without a hyperprior, do nothing."""
    for part in model.modules():
        if isinstance(part, Hyperprior):
            part.scale.integer = on
