"""A run: everything that a checkpoint holds, and the step that moves it on.

What learns is a whole network, or a part on a frozen one (``parts.py``).

All randomness of a step depends on the seed and the step's number alone: a resumed run draws what it would have drawn.
"""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from pytorch_msssim import ms_ssim
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from ..errors import ConfigError, SkoshError
from ..types import Pixels
from . import checkpoint, distributed
from .adversary import Adversary
from .config import Config
from .data import Crops, noisy, recoloured, to_network
from .distributed import Place
from .loss import Loss, SmallLoss, Terms
from .networks import use_integer_scale
from .parts import started
from .soap import SOAP


@dataclass(frozen=True)
class Batch:
    """One step: its pictures (b, 3, crop, crop) in [0, 1], what was made of them, and the gradient's norm.

    ``told``: the loss of the adversary, where it took a step.
    """

    x: Tensor
    x_hat: Tensor
    terms: Terms
    norm: float
    told: float | None = None

    def summary(self) -> dict[str, float]:
        """What the progress line shows."""
        shown = {
            "loss": float(self.terms.loss),
            "bpp": float(self.terms.bpp.mean()),
            "psnr": float(-10.0 * torch.log10(self.terms.mse.clamp(min=1e-10)).mean()),
            "norm": self.norm,
        }
        if self.told is not None:
            shown["told"] = self.told
        if min(self.x.shape[2:]) > 160 and self.x.shape == self.x_hat.shape:  # five scales of an 11-pixel window
            shown["ms_ssim"] = float(ms_ssim(self.x_hat.clamp(0, 1), self.x, data_range=1.0))
        return shown


class Run:
    """Network, average of its weights, optimiser, adversary if there is one, and how far they are.

    ``done`` of ``steps``; ``pixels`` seen; ``seconds`` inside of steps.
    """

    def __init__(
        self,
        config: Config,
        pictures: list[Pixels],
        source: str,
        place: Place,
        loss: Loss | SmallLoss,
        init: str | Path | None = None,
        saved: dict[str, Any] | None = None,
        towards: str | Path | None = None,
        share: float = 0.0,
    ):
        """``source``: the data in words.

        ``saved``: a checkpoint of the same run (``check_same_run``) to go on from. Else ``init``: a bundle to start
        from, moved by ``share`` to the bundle ``towards``. Raises ConfigError.
        """
        self.config, self.source, self.place = config, source, place
        self.crops = Crops(pictures, config.crop, config.batch, config.seed, place.rank, place.world, place.device)
        self.steps = config.steps or math.ceil(config.epochs * len(pictures) / config.batch)
        self.pixels_a_step = config.batch * config.crop**2
        torch.manual_seed(config.seed)
        model: nn.Module = started(config, None, None) if saved else started(config, pictures, init, towards, share)
        self.model = model.to(place.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.averaged = AveragedModel(self.model, multi_avg_fn=warming_average(config.ema))
        self.loss = loss.to(place.device)
        self.optimiser = make_optimiser(config, self.model)
        judged = config.weight_adversary or config.weight_matching
        self.adversary = Adversary(config, place) if judged else None
        self.done, self.pixels, self.seconds = 0, 0, 0.0
        if saved:
            self._restore(saved)
        self.model.train()
        shared = distributed.shared(self.model, place)
        self.forward: Any = torch.compile(shared) if config.compile else shared

    @property
    def size(self) -> str:
        """How much is trained, in words."""
        return f"{sum(p.numel() for p in self.model.parameters() if p.requires_grad) / 1e6:.2f} M parameters"

    def step(self) -> Batch:
        """Update the weights once. If the loss is no longer a number, leave them and raise SkoshError."""
        start, config, place = time.monotonic(), self.config, self.place
        torch.manual_seed(hash_step(config.seed, self.done * place.world + place.rank))
        use_integer_scale(self.model, self.done >= config.integer_scale_from * self.steps)
        set_rate(self.optimiser, learning_rate(config, self.done, self.steps))

        x, source, t = self._draw()
        with torch.autocast(place.device.type, torch.bfloat16, enabled=config.autocast == "bf16"):
            x_hat, coded, *faithful = self.forward(source, t)
        if isinstance(x_hat, Tensor):
            x_hat = x_hat.float()
        known = faithful[0] if faithful else coded.y_hat  # to the adversary
        verdict = self.adversary.verdict(x, x_hat, known, self.done / self.steps) if self.adversary else None
        terms = self.loss(x, x_hat, coded, t, verdict)
        self.optimiser.zero_grad(set_to_none=True)
        terms.loss.backward()
        norm = float(nn.utils.clip_grad_norm_(self.model.parameters(), config.clip or math.inf))
        if not (torch.isfinite(terms.loss) and math.isfinite(norm)):
            raise SkoshError(f"step {self.done}: the loss is {float(terms.loss.detach())}, the gradient's norm {norm}")
        self.optimiser.step()
        self.averaged.update_parameters(self.model)
        shown, told = (x_hat if isinstance(x_hat, Tensor) else x_hat[0]).detach(), None
        if self.adversary and self.done % config.adversary_every == 0:
            told = self.adversary.learn(x, shown, known)

        self.done += 1
        self.pixels += self.pixels_a_step
        self.seconds += time.monotonic() - start
        return Batch(x, shown, terms._replace(loss=terms.loss.detach()), norm, told)

    def _draw(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return a step's pictures (b, 3, crop, crop) in [0, 1], what the encoder sees of them, and levels (b,)."""
        config = self.config
        cut, t = self.crops.draw(self.done)
        x = to_network(cut)
        if config.recolour:
            x = recoloured(x, self.crops.colours(self.done, config.recolour))
        source = self.model.source(x) if config.part else x
        if config.noise:
            source = noisy(source, self.crops.noise(self.done, config.noise, config.noise_max))
        return x, source, t

    def save(self, folder: Path) -> None:
        """Save a checkpoint, if this process is the one that does."""
        if self.place.first:
            checkpoint.save(
                folder,
                self.config,
                model=self.model.state_dict(),
                averaged=self.averaged.state_dict(),
                optimiser=self.optimiser.state_dict(),
                adversary=self.adversary.state_dict() if self.adversary else None,
                step=self.done,
                pixels=self.pixels,
                seconds=self.seconds,
                data=self.source,
            )

    def _restore(self, saved: dict[str, Any]) -> None:
        self.model.load_state_dict(saved["model"])
        self.averaged.load_state_dict(saved["averaged"])
        self.optimiser.load_state_dict(saved["optimiser"])
        if self.adversary:
            self.adversary.load_state_dict(saved["adversary"])
        self.done, self.pixels, self.seconds = saved["step"], saved["pixels"], saved["seconds"]


def check_same_run(before: Config, now: Config) -> None:
    """Raise ConfigError unless a resumed run has the configuration that it began with.

    Its length, learning rate, crops and reports may differ.
    """
    free = {"steps", "epochs", "learning_rate", "crop", "batch", "validate_every", "save_every"}
    old, new = asdict(before), asdict(now)
    changed = [f"{key} was {old[key]} and is {new[key]}" for key in old if key not in free and old[key] != new[key]]
    if changed:
        raise ConfigError(f"--resume goes on with the same configuration: {'; '.join(changed)}")


def make_optimiser(config: Config, model: nn.Module) -> torch.optim.Optimizer:
    """Return an optimiser of two groups: the linear transform with its own, lower rate, and the rest."""
    learned = {name: p for name, p in model.named_parameters() if p.requires_grad}
    linear = [p for name, p in learned.items() if name.endswith("linear.basis")]
    rest = [p for name, p in learned.items() if not name.endswith("linear.basis")]
    groups = [{"params": rest, "relative": 1.0}]
    if linear:
        groups.append({"params": linear, "relative": config.linear_rate})
    if config.optimiser == "soap":
        return SOAP(
            groups,
            lr=config.learning_rate,
            basis_every=config.soap_every,
            covariance_every=config.soap_covariance_every,
            max_side=config.soap_max_side,
        )
    return torch.optim.Adam(groups, lr=config.learning_rate)


def learning_rate(config: Config, step: int, steps: int) -> float:
    """Return the learning rate of a step.

    ``cyclic`` is a triangle; ``decay`` warms up, holds and falls along a cosine.
    """
    low, high = config.learning_rate_min, config.learning_rate
    if config.schedule == "cyclic":
        phase = step % config.cycle / config.cycle
        return low + (high - low) * (1.0 - abs(2.0 * phase - 1.0))
    fall = max(0.0, (step - (1.0 - config.decay_part) * steps) / (config.decay_part * steps))
    rate = low + (high - low) * 0.5 * (1.0 + math.cos(math.pi * fall))
    return min(rate, high * (step + 1) / max(config.warmup, 1))


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate, each group's relative to the others."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group["relative"]


def warming_average(decay: float) -> Any:
    """Return an exponential moving average that forgets the start.

    Its memory is never longer than a tenth of the run so far.
    """

    @torch.no_grad()
    def update(averaged: list[Tensor], current: list[Tensor], updates: Tensor | int) -> None:
        n = float(updates)
        torch._foreach_lerp_(averaged, current, 1.0 - min(decay, (1.0 + n) / (10.0 + n)))

    return update


def hash_step(seed: int, step: int) -> int:
    """The seed of everything random in one step."""
    return (seed * 1_000_003 + step) % (1 << 62)
