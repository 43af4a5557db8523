"""The training loop: configuration, data, network, optimiser, then one loop that reads from top to bottom.

Whatever is random in a step depends on the seed and the step's number alone; a run that is resumed draws what it would have drawn.
"""

from __future__ import annotations

import json
import math
import signal
import time
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from pytorch_msssim import ms_ssim
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from ..errors import ConfigError, SkoshError
from . import checkpoint, distributed
from .config import Config
from .data import Crops, load_pictures, to_network
from .loss import Loss, Terms
from .networks import build, use_integer_scale
from .report import Board, Line
from .restore import start_from
from .soap import SOAP
from .validate import Point, validate


def train(
    config: Config,
    data: str | Path,
    val: str | Path,
    out: str | Path,
    *,
    resume: bool = False,
    init: str | Path | None = None,
    lpips_weights: str | Path | None = None,
    device: str | None = None,
    minutes: float = math.inf,
) -> None:
    """Train until ``config.steps``, for so many minutes, or until SIGINT or SIGTERM, and leave a checkpoint and ``log.jsonl`` in ``out``.

    With ``resume`` it goes on from the checkpoint in ``out``; with ``init`` it starts from a bundle's weights. Under ``torchrun`` all processes train one
    network. Raises ConfigError for unusable settings or data and SkoshError where the loss is no longer a number (the last good
    checkpoint stays).
    """
    end = time.monotonic() + 60.0 * minutes
    folder = Path(out)
    if not resume and (folder / checkpoint.FILE).exists():
        raise ConfigError(f"{folder} holds a run already: add --resume to go on with it, or name another folder")
    folder.mkdir(parents=True, exist_ok=True)
    place = distributed.join(device)
    line, board = Line(quiet=not place.first), Board(folder if place.first else None)

    # Data
    pictures = load_pictures(data, config.crop, line.say)
    held_out = load_pictures(val, 256, line.say)
    source = (
        f"{Path(data).resolve().name}: {len(pictures)} pictures, {sum(p.size for p in pictures) / 3e6:.0f} megapixels"
    )
    crops = Crops(pictures, config.crop, config.batch, config.seed, place.rank, place.world, place.device)
    steps = config.steps or math.ceil(config.epochs * len(pictures) / config.batch)

    # Network, loss, optimiser
    torch.manual_seed(config.seed)
    saved = checkpoint.load(folder) if resume else None
    if saved:
        check_same_run(saved["config"], config)
    model = build(config, None if saved else pictures).to(place.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    if init and not saved:
        start_from(model, config, init)
    averaged = AveragedModel(model, multi_avg_fn=warming_average(config.ema))
    loss = Loss(config, lpips_weights).to(place.device)
    optimiser = make_optimiser(config, model)
    done, pixels, seconds = 0, 0, 0.0
    if saved:
        model.load_state_dict(saved["model"])
        averaged.load_state_dict(saved["averaged"])
        optimiser.load_state_dict(saved["optimiser"])
        done, pixels, seconds = saved["step"], saved["pixels"], saved["seconds"]
    run: Any = distributed.shared(model, place)
    run = torch.compile(run) if config.compile else run
    line.say(
        f"{config.name}: {count(model):.2f} M parameters, {len(pictures)} pictures, steps {done} to {steps}, {place.device}"
    )

    def save() -> None:
        if place.first:
            checkpoint.save(
                folder,
                config,
                model=model.state_dict(),
                averaged=averaged.state_dict(),
                optimiser=optimiser.state_dict(),
                step=done,
                pixels=pixels,
                seconds=seconds,
                data=source,
            )

    # The loop
    model.train()
    stop = StopSignal()
    start = time.monotonic()
    while done < steps and not distributed.any_of(stop.asked or time.monotonic() >= end, place):
        torch.manual_seed(hash_step(config.seed, done * place.world + place.rank))
        use_integer_scale(model, done >= config.integer_scale_from * steps)
        set_rate(optimiser, learning_rate(config, done, steps))

        cut, t = crops.draw(done)
        x = to_network(cut)  # (b, 3, crop, crop) in [0, 1]
        with torch.autocast(place.device.type, torch.bfloat16, enabled=config.autocast == "bf16"):
            x_hat, coded = run(x, t)
        terms = loss(x, x_hat.float(), coded, t)
        optimiser.zero_grad(set_to_none=True)
        terms.loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), config.clip or math.inf)
        if not (torch.isfinite(terms.loss) and torch.isfinite(norm)):
            stop.restore()
            raise SkoshError(
                f"step {done}: the loss is {float(terms.loss.detach())}, the gradient's norm {float(norm)}"
            )
        optimiser.step()
        averaged.update_parameters(model)

        done += 1
        pixels += config.batch * config.crop**2
        seconds, start = seconds + time.monotonic() - start, time.monotonic()
        if done % Line.EVERY == 0:
            shown = summary(terms, x, x_hat.detach().float(), float(norm))
            line.step(done, steps, shown, config.batch * config.crop**2)
            board.scalars("train", {**shown, "rate": learning_rate(config, done - 1, steps)}, done)
        if done % config.save_every == 0:
            save()
        if place.first and (done % config.validate_every == 0 or done == steps):
            points = validate(averaged, loss, held_out, knots(config))
            record(folder, line, board, done, pixels, seconds, points)
            board.reconstructions(averaged, held_out, done)
            start = time.monotonic()

    save()
    stop.restore()
    distributed.leave(place)
    line.say(f"stopped at step {done} of {steps}; go on with --resume" if done < steps else f"done: {done} steps")


def check_same_run(before: Config, now: Config) -> None:
    """ConfigError unless a resumed run has the configuration that it began with, but for its length and its reports."""
    free = {"steps", "epochs", "validate_every", "save_every"}
    old, new = asdict(before), asdict(now)
    changed = [f"{key} was {old[key]} and is {new[key]}" for key in old if key not in free and old[key] != new[key]]
    if changed:
        raise ConfigError(f"--resume goes on with the same configuration: {'; '.join(changed)}")


def make_optimiser(config: Config, model: nn.Module) -> torch.optim.Optimizer:
    """Two groups: the linear transform with its own, lower rate, and the rest."""
    linear = [p for name, p in model.named_parameters() if name.endswith("linear.basis")]
    rest = [p for name, p in model.named_parameters() if not name.endswith("linear.basis")]
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
    """Learning rate of a step: ``cyclic`` is a triangle, ``decay`` warms up, holds and falls along a cosine."""
    low, high = config.learning_rate_min, config.learning_rate
    if config.schedule == "cyclic":
        phase = step % config.cycle / config.cycle
        return low + (high - low) * (1.0 - abs(2.0 * phase - 1.0))
    if step < config.warmup:
        return high * (step + 1) / config.warmup
    fall = max(0.0, (step - (1.0 - config.decay_part) * steps) / (config.decay_part * steps))
    return low + (high - low) * 0.5 * (1.0 + math.cos(math.pi * fall))


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate, each group's relative to the others."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group["relative"]


def warming_average(decay: float) -> Any:
    """An exponential moving average whose memory is never longer than a tenth of the run so far, so that it forgets the start."""

    @torch.no_grad()
    def update(averaged: list[Tensor], current: list[Tensor], updates: Tensor | int) -> None:
        n = float(updates)
        torch._foreach_lerp_(averaged, current, 1.0 - min(decay, (1.0 + n) / (10.0 + n)))

    return update


def hash_step(seed: int, step: int) -> int:
    """The seed of everything random in one step."""
    return (seed * 1_000_003 + step) % (1 << 62)


def count(model: nn.Module) -> float:
    """Parameters in millions."""
    return sum(p.numel() for p in model.parameters()) / 1e6


def knots(config: Config) -> list[float]:
    """The levels at which a network is validated: those it has learned rows for."""
    return [k / max(config.levels - 1, 1) for k in range(config.levels)]


def summary(terms: Terms, x: Tensor, x_hat: Tensor, norm: float) -> dict[str, float]:
    """What the progress line shows of a batch."""
    shown = {
        "loss": float(terms.loss.detach()),
        "bpp": float(terms.bpp.mean()),
        "psnr": float(-10.0 * torch.log10(terms.mse.clamp(min=1e-10)).mean()),
        "norm": norm,
    }
    if min(x.shape[2:]) > 160:  # five scales of an 11-pixel window
        shown["ms_ssim"] = float(ms_ssim(x_hat.clamp(0, 1), x, data_range=1.0))
    return shown


def record(folder: Path, line: Line, board: Board, step: int, pixels: int, seconds: float, points: list[Point]) -> None:
    """Append a validation to log.jsonl and show it."""
    mean_loss = sum(p["loss"] for p in points) / len(points)
    row = {"step": step, "gpx": pixels / 1e9, "hours": seconds / 3600, "loss": mean_loss, "val": points}
    with (folder / "log.jsonl").open("a") as log:
        log.write(json.dumps(row) + "\n")
    board.scalars("val", {"loss": mean_loss}, step)
    curve = "  ".join(f"{p['bpp']:.3f} bpp {p['psnr']:.2f} dB" for p in points)
    line.say(f"step {step}, {pixels / 1e9:.2f} Gpx, {seconds / 3600:.2f} h: validation loss {mean_loss:.4f}  {curve}")


class StopSignal:
    """Remembers SIGINT and SIGTERM, so that the loop can save first; a second one ends the run at once."""

    def __init__(self) -> None:
        self.asked = False
        self.before = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        self.restore()

    def restore(self) -> None:
        """Give the signals back to whoever had them."""
        for number, handler in self.before.items():
            signal.signal(number, handler)
