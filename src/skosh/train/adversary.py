"""An adversary: a discriminator that learns to tell reconstructions from originals, and what it costs to be told.

After Goodfellow et al. 2014, with patches (Isola et al. 2017), spectral norms (Miyato et al. 2018), the relativistic
average loss (Jolicoeur-Martineau 2018) and feature matching (Salimans et al. 2016). The discriminator also sees what
the decoder knows: the faithful picture, or the latent.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from . import distributed
from .config import Config
from .distributed import Place

SLOPE = 0.2  # of the leaky ReLUs below 0
SEEN = 12  # channels to which a latent is reduced
BETAS = (0.5, 0.9)  # of Adam
GRID = 16  # pixels: pictures are shown from a random corner, so that no grid of blocks is always in the same place


class Discriminator(nn.Module):
    """Pictures (B, 3, H, W) and their conditions -> logits (B, 1, H/8, W/8) of being originals, and features.

    ``condition``: (B, 3, H, W), a picture, or (B, M, H/16, W/16), a latent.
    """

    def __init__(self, width: int, condition: int):
        """``condition``: its channels."""
        super().__init__()
        pixels = condition == 3
        self.look = nn.Identity() if pixels else spectral_norm(nn.Conv2d(condition, SEEN, 1))
        self.down2 = spectral_norm(nn.Conv2d(3 + (3 if pixels else SEEN), width, 4, 2, 1))
        self.down4 = spectral_norm(nn.Conv2d(width, 2 * width, 4, 2, 1))
        self.down8 = spectral_norm(nn.Conv2d(2 * width, 4 * width, 4, 2, 1))
        self.mix = spectral_norm(nn.Conv2d(4 * width, 4 * width, 3, 1, 1))
        self.leave = spectral_norm(nn.Conv2d(4 * width, 1, 1))

    def forward(self, picture: Tensor, condition: Tensor, top: int, left: int) -> tuple[Tensor, list[Tensor]]:
        """``top``, ``left``: rows and columns that are cut off first."""
        seen = F.interpolate(self.look(condition), picture.shape[2:], mode="nearest")
        x = torch.cat([picture, seen.to(picture.dtype)], 1)[..., top:, left:] - 0.5
        features = []
        for layer in (self.down2, self.down4, self.down8, self.mix):
            x = F.leaky_relu(layer(x), SLOPE)
            features.append(x)
        return self.leave(x).float(), features


class Adversary:
    """A discriminator with its own optimiser, and its part of a run's loss."""

    def __init__(self, config: Config, place: Place):
        self.config, self.place = config, place
        condition = 3 if config.part else config.latent_channels
        model: nn.Module = Discriminator(config.adversary_width, condition)
        self.model = model.to(place.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimiser = torch.optim.Adam(self.model.parameters(), config.adversary_rate, BETAS)
        self.half = config.autocast == "bf16"

    def verdict(self, real: Tensor, fake: Tensor, condition: Tensor, progress: float) -> Tensor:
        """Return what the discriminator adds to the distortion of each picture, (B,).

        ``progress``: of the run, 0 to 1. Pictures (B, 3, H, W); only ``fake`` gets a gradient.
        """
        c = self.config
        self.model.eval().requires_grad_(False)
        corner = random_corner()
        with torch.no_grad():
            real_logits, due = self._judge(real, condition, corner)
        fake_logits, found = self._judge(fake, condition, corner)
        total = c.weight_adversary * relativistic(fake_logits, real_logits)
        if c.weight_matching:
            total = total + c.weight_matching * matching(due, found)
        return min(1.0, progress / c.adversary_ramp if c.adversary_ramp else 1.0) * total

    def learn(self, real: Tensor, fake: Tensor, condition: Tensor) -> float:
        """Let the discriminator take a step, and return its loss: 0.69 where it can't tell, 0 where it always can."""
        self.model.train().requires_grad_(True)
        corner = random_corner()
        real_logits, fake_logits = (self._judge(p, condition, corner)[0] for p in (real, fake))
        loss = relativistic(real_logits, fake_logits).mean()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        distributed.average_gradients(self.model, self.place)
        self.optimiser.step()
        return float(loss.detach())

    def _judge(self, picture: Tensor, condition: Tensor, corner: tuple[int, int]) -> tuple[Tensor, list[Tensor]]:
        with torch.autocast(picture.device.type, torch.bfloat16, enabled=self.half):
            found: tuple[Tensor, list[Tensor]] = self.model(picture, condition.detach(), *corner)
            return found

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps of it."""
        return {"model": self.model.state_dict(), "optimiser": self.optimiser.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from ``state_dict``."""
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])


def relativistic(better: Tensor, worse: Tensor) -> Tensor:
    """Return the loss (B,) of logits (B, 1, h, w) that should be above the others' mean, as these below theirs."""
    above = F.softplus(worse.mean() - better).mean((1, 2, 3))
    below = F.softplus(worse - better.mean()).mean((1, 2, 3))
    return 0.5 * (above + below)


def matching(due: list[Tensor], found: list[Tensor]) -> Tensor:
    """Return the mean absolute difference (B,) of features, averaged over layers."""
    return torch.stack([(a.float() - b.float()).abs().mean((1, 2, 3)) for a, b in zip(due, found, strict=True)]).mean(0)


def random_corner() -> tuple[int, int]:
    """Return how many rows and columns to cut off, each 0 to 15."""
    top, left = torch.randint(GRID, (2,)).tolist()
    return top, left
