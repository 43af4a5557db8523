"""What a run shows: a live progress line, and TensorBoard where it is installed."""

from __future__ import annotations

import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import nn

from .data import Pixels
from .validate import to_tensor


class Line:
    """One line that is rewritten on a terminal; in a log file a line every so often."""

    EVERY = 10  # steps between two updates
    LOGGED = 200  # steps between two lines where the output is no terminal

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet  # for all processes but the first
        self.live = sys.stderr.isatty()
        self.mark: tuple[int, float] | None = None

    def say(self, text: str) -> None:
        """A line that stays."""
        if not self.quiet:
            print(("\r\033[K" if self.live else "") + text, file=sys.stderr, flush=True)

    def step(self, done: int, steps: int, shown: dict[str, float], pixels: int) -> None:
        """What a step showed; ``pixels``: how many it saw."""
        if self.quiet or (not self.live and done % self.LOGGED and done != self.EVERY):
            return
        now = time.monotonic()
        speed = (done - self.mark[0]) / (now - self.mark[1]) if self.mark else float("nan")
        self.mark = (done, now)
        left = (steps - done) / speed if speed > 0 else float("nan")
        text = (
            f"step {done}/{steps}  loss {shown['loss']:.4f}  {shown['bpp']:.3f} bpp  {shown['psnr']:.2f} dB  "
            f"MS-SSIM {shown.get('ms_ssim', float('nan')):.4f}  norm {shown['norm']:.2f}  "
            f"{speed * pixels / 1e6:.2f} Mpx/s  {left / 60:.0f} min left"
        )
        print("\r\033[K" + text if self.live else text, end="" if self.live else "\n", file=sys.stderr, flush=True)


class Board:
    """TensorBoard scalars and reconstructions; without TensorBoard, nothing."""

    def __init__(self, folder: Path | None):
        """``folder``: of the run; None writes nothing."""
        self.writer: Any = None
        if folder and find_spec("tensorboard"):
            from torch.utils.tensorboard import SummaryWriter

            self.writer = SummaryWriter(str(folder / "tensorboard"))

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
            x_hat, _ = model(to_tensor(picture).to(device), torch.full((1,), 0.5, device=device))
            self.writer.add_image(f"val/{i}", x_hat[0].clamp(0, 1), step)
