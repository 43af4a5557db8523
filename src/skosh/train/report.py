"""What a run shows: a live progress line, and TensorBoard where it is installed."""

from __future__ import annotations

import math
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..types import Pixels
from .validate import to_tensor


class Line:
    """A line that is rewritten on a terminal; in a log file, a new line now and then."""

    LIVE = 1.0  # seconds between two updates on a terminal,
    LOGGED = 60.0  # and elsewhere

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet  # for all processes but the first
        self.live = sys.stderr.isatty()
        self.begin(0)

    def begin(self, done: int) -> None:
        """Start counting after ``done`` steps; the first step is shown at once."""
        self.done, self.time = done, time.monotonic()  # of the last update
        self.next = -math.inf  # time of the next one

    def say(self, text: str) -> None:
        """Write a line that stays."""
        if not self.quiet:
            print(("\r\033[K" if self.live else "") + text, file=sys.stderr, flush=True)

    def due(self) -> bool:
        """Return whether it is time to show ``step``."""
        return not self.quiet and time.monotonic() >= self.next

    def step(self, done: int, steps: int, shown: dict[str, float], pixels: int) -> None:
        """Show a step; ``pixels``: how many each step sees."""
        now = time.monotonic()
        speed = (done - self.done) / max(now - self.time, 1e-9)
        self.done, self.time, self.next = done, now, now + (self.LIVE if self.live else self.LOGGED)
        parts = [
            f"step {done}/{steps}",
            f"loss {shown['loss']:.4f}",
            f"{shown['bpp']:.3f} bpp",
            f"{shown['psnr']:.2f} dB",
            f"MS-SSIM {shown['ms_ssim']:.4f}" if "ms_ssim" in shown else "",
            f"norm {shown['norm']:.2f}",
            f"adversary {shown['told']:.3f}" if "told" in shown else "",
            f"{speed * pixels / 1e6:.2g} Mpx/s",
            f"{(steps - done) / speed / 60:.0f} min left",
        ]
        text = "  ".join(filter(None, parts))
        print("\r\033[K" + text if self.live else text, end="" if self.live else "\n", file=sys.stderr, flush=True)


class Board:
    """TensorBoard scalars and reconstructions; without TensorBoard, nothing."""

    EVERY = 10  # steps between two points of training

    def __init__(self, folder: Path | None):
        """``folder``: of the run. None: write nothing."""
        self.writer: Any = None
        if folder and find_spec("tensorboard"):
            from torch.utils.tensorboard import SummaryWriter

            self.writer = SummaryWriter(str(folder / "tensorboard"))

    def due(self, step: int) -> bool:
        """Return whether the scalars of this training step are to be written."""
        return self.writer is not None and step % self.EVERY == 0

    def scalars(self, group: str, values: dict[str, float], step: int) -> None:
        if self.writer:
            for name, value in values.items():
                self.writer.add_scalar(f"{group}/{name}", value, step)

    @torch.no_grad()
    def reconstructions(self, model: nn.Module, pictures: list[Pixels], step: int) -> None:
        """The first two pictures at the middle of the quality axis."""
        if not self.writer:
            return
        model.eval()
        device = next(model.parameters()).device
        for i, picture in enumerate(pictures[:2]):
            x_hat = model(to_tensor(picture).to(device), torch.full((1,), 0.5, device=device))[0]
            x_hat = x_hat if isinstance(x_hat, Tensor) else x_hat[0]  # the largest of several
            self.writer.add_image(f"val/{i}", x_hat[0].clamp(0, 1), step)
