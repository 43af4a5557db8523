"""Arguments and options that several commands share."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ..batch.task import Existing
from ..limits import MAX_PIXELS

STREAM = Path("-")


@dataclass(frozen=True)
class Output:
    """What --out names."""

    path: Path
    folder: bool  # it ends in a slash, so that it is a directory even where none is there yet

    @property
    def is_stream(self) -> bool:
        """Whether it is standard output."""
        return self.path == STREAM and not self.folder


def output(text: str) -> Output:
    """The value of --out."""
    if not text:
        raise typer.BadParameter("the output has no name")
    return Output(Path(text), text.endswith(("/", os.sep)))


def named(text: str) -> Path:
    """The path of an input; a usage error for an empty one, which would be the directory that we are in."""
    if not text:
        raise typer.BadParameter("an input has no name")
    return Path(text)


Inputs = Annotated[
    list[Path],
    typer.Argument(
        metavar="IN...",
        parser=named,
        help="Files or directories; - reads one from standard input.",
        show_default=False,
    ),
]
Out = Annotated[
    Output | None,
    typer.Option(
        "-o",
        "--out",
        parser=output,
        metavar="PATH",
        help="A file (for one input), a directory (mirrors directories), or - for standard output. Default: beside the input.",
    ),
]
Model = Annotated[str | None, typer.Option("--model", help="An installed model's name or a bundle's folder.")]
Threads = Annotated[int, typer.Option("--threads", min=0, max=1024, help="Threads in all; 0: one a core.")]
Workers = Annotated[
    int,
    typer.Option("--workers", min=0, max=256, help="Pictures at a time, which share the threads; 0: up to 4."),
]
MaxPixels = Annotated[
    int, typer.Option("--max-pixels", min=1, help="Refuse pictures with more pixels than this (width times height).")
]
Force = Annotated[bool, typer.Option("--force/--no-overwrite", help="Replace outputs that exist, or fail there.")]
SkipExisting = Annotated[bool, typer.Option("--skip-existing", help="Leave outputs that exist and go on.")]
Report = Annotated[bool, typer.Option("--json", help="One JSON object on standard output: what became of every file.")]

DEFAULT_MAX_PIXELS = MAX_PIXELS
MAX_WORKERS = 4  # unless more are asked for: each has a picture in memory


def rectangle(text: str, option: str) -> tuple[int, int, int, int]:
    """Four whole numbers of ``X,Y,W,H``; a usage error for anything else."""
    try:
        x, y, width, height = (int(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"{option} takes X,Y,W,H in pixels, not {text!r}") from None
    return x, y, width, height


def existing(force: bool, skip: bool) -> Existing:
    """What --force and --skip-existing ask for; a usage error if both do."""
    if force and skip:
        raise typer.BadParameter("--force and --skip-existing exclude each other")
    return Existing.REPLACE if force else Existing.SKIP if skip else Existing.REFUSE
