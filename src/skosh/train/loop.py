"""The training loop: load pictures, make a run, then steps, lines, checkpoints and validations."""

from __future__ import annotations

import json
import math
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from ..bundle.manifest import find
from ..errors import ConfigError
from ..types import Pixels
from . import checkpoint, distributed
from .config import Config
from .data import load_pictures
from .loss import loss_of
from .memory import keep_freed_memory
from .parts import settled
from .report import Board, Line
from .run import Run, check_same_run, learning_rate
from .validate import Point, validate

SMALLEST = 256  # pixels a side of a picture that is validated on


def train(
    config: Config,
    data: str | Path,
    val: str | Path,
    out: str | Path,
    *,
    resume: bool = False,
    init: str | Path | None = None,
    towards: str | Path | None = None,
    share: float = 0.5,
    lpips_weights: str | Path | None = None,
    device: str | None = None,
    minutes: float = math.inf,
) -> int:
    """Train, and leave a checkpoint and ``log.jsonl`` in ``out``. Returns the number of a signal that stopped it, or 0.

    Training ends at ``config.steps``, after ``minutes``, or at SIGINT or SIGTERM. With ``resume`` it goes on from the
    checkpoint in ``out``. With ``init`` it starts from a bundle's weights; with ``towards``, from a point ``share`` (0
    to 1) of the way to those of another bundle. A part (``config.part``) is trained on the bundle ``init``, which
    stays as it is. Under ``torchrun`` all processes train one network.

    From now on the process keeps memory that it frees (``memory.py``). Raises ConfigError for unusable settings or
    data, and SkoshError if the loss is no longer a number; the last good checkpoint stays.
    """
    end = time.monotonic() + 60.0 * minutes
    keep_freed_memory()
    folder = Path(out)
    if towards and not init:
        raise ConfigError("--towards moves the weights that --init names: give both")
    if towards and config.part:
        raise ConfigError(f"{config.part} belongs to one bundle: leave --towards out")
    saved = saved_run(folder, resume, init)
    config = settled(config, init, saved["config"] if saved else None)
    if saved:
        check_same_run(saved["config"], config)
    loss = loss_of(config, lpips_weights)
    place = distributed.join(device)

    line = Line(quiet=not place.first)
    pictures = load_pictures(data, config.crop, line.say)
    held_out = load_pictures(val, SMALLEST, line.say)
    megapixels = sum(p.size for p in pictures) / 3e6
    source = f"{Path(data).resolve().name}: {len(pictures)} pictures, {megapixels:.0f} megapixels"
    count = len(pictures)
    run = Run(config, pictures, source, place, loss, init, saved, towards, share)
    del pictures  # the run has a copy, where it computes
    if run.done > run.steps:
        raise ConfigError(f"{folder} has {run.done} steps already, and {run.steps} are asked for")
    folder.mkdir(parents=True, exist_ok=True)
    board = Board(folder if place.first else None)
    if saved and saved["data"] != source:
        line.say(f"the pictures have changed: {saved['data']} before, {source} now")
    line.say(f"{config.name}: {run.size}, {count} pictures, steps {run.done} to {run.steps}, {place.device}")

    stop = StopSignal()
    try:
        go_on(run, held_out, folder, line, board, lambda: bool(stop.asked) or time.monotonic() >= end)
    finally:
        stop.restore()
    distributed.leave(place)
    if run.done < run.steps:
        line.say(f"stopped at step {run.done} of {run.steps}; go on with --resume")
        return stop.asked
    line.say(f"done: {run.done} steps")
    return 0


def go_on(
    run: Run, held_out: list[Pixels], folder: Path, line: Line, board: Board, stopped: Callable[[], bool]
) -> None:
    """Make steps until the run is long enough, or until it is ``stopped`` in any process.

    Writes lines, validates on the pictures held out, and saves checkpoints, the last one at the end.
    """
    config, place = run.config, run.place
    if config.part and run.done == 0 and place.first:  # where the frozen bundle stands
        record(folder, line, board, run, held_out)
    line.begin(run.done)
    while run.done < run.steps and not distributed.any_of(stopped(), place):
        batch = run.step()
        if line.due():
            line.step(run.done, run.steps, batch.summary(), run.pixels_a_step)
        if board.due(run.done):
            rate = learning_rate(config, run.done - 1, run.steps)
            board.scalars("train", {**batch.summary(), "rate": rate}, run.done)
        if place.first and (run.done % config.validate_every == 0 or run.done == run.steps):
            record(folder, line, board, run, held_out)
            board.reconstructions(run.averaged, held_out, run.done)
        if run.done % config.save_every == 0:  # after the validation: every saved step has its line in the log
            run.save(folder)
    run.save(folder)


def saved_run(folder: Path, resume: bool, init: str | Path | None) -> dict[str, Any] | None:
    """Return the checkpoint to go on from, or None for a new run.

    Raises ConfigError or BundleError for what would fail later, before anything that takes time.
    """
    if resume and init:
        raise ConfigError("--init is for a new run, and --resume goes on with one: give one of the two")
    if init:
        find(init)
    if resume:
        return checkpoint.load(folder)
    if (folder / checkpoint.FILE).exists():
        raise ConfigError(f"{folder} holds a run already: add --resume to go on with it, or name another folder")
    return None


def knots(config: Config) -> list[float]:
    """Return the levels at which a network is validated: those that it has learned rows for."""
    return [k / max(config.levels - 1, 1) for k in range(config.levels)]


def record(folder: Path, line: Line, board: Board, run: Run, held_out: list[Pixels]) -> None:
    """Validate, append that to log.jsonl and show it."""
    points = validate(run.averaged.module, run.loss, held_out, knots(run.config))
    mean_loss = sum(p["loss"] for p in points) / len(points)
    gpx, hours = run.pixels / 1e9, run.seconds / 3600
    row = {"step": run.done, "gpx": gpx, "hours": hours, "loss": mean_loss, "val": points}
    with (folder / "log.jsonl").open("a") as log:
        log.write(json.dumps(row) + "\n")
    board.scalars("val", {"loss": mean_loss}, run.done)
    curve = "".join(f"\n  {in_words(p)}" for p in points) if run.config.part else "".join(map(in_short, points))
    line.say(f"step {run.done}, {gpx:.2f} Gpx, {hours:.2f} h: validation loss {mean_loss:.4f}{curve}")


def in_short(point: Point) -> str:
    """Return rate and PSNR of a level."""
    return f"  {point['bpp']:.3f} bpp {point['psnr']:.2f} dB"


def in_words(point: Point) -> str:
    """Return everything that was measured at a level of a part."""
    figures = [f"{key} {value:.4g}" for key, value in point.items() if key not in ("level", "bpp", "loss")]
    return f"{point['bpp']:.3f} bpp: {', '.join(figures)}"


class StopSignal:
    """Remember SIGINT and SIGTERM, so that the loop can save first; a second signal ends the run at once."""

    def __init__(self) -> None:
        self.asked = 0  # the signal's number
        self.before = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = number
        self.restore()

    def restore(self) -> None:
        """Give the signals back to their former handlers."""
        for number, handler in self.before.items():
            signal.signal(number, handler)
