"""Arguments and options that several commands share."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ..batch.task import Existing
from ..errors import did_you_mean
from ..limits import MAX_PIXELS, MAX_THREADS
from .display import Manner

STREAM = Path("-")
OUTPUTS, SPEED, SAID = "Outputs", "Models, speed and limits", "What is said"  # panels of help


@dataclass(frozen=True)
class Output:
    """The value of --out."""

    path: Path
    folder: bool  # it ends in a slash: a directory, even if it does not exist yet

    @property
    def is_stream(self) -> bool:
        """Return whether it is standard output."""
        return self.path == STREAM and not self.folder


def output(text: str) -> Output:
    """Parse --out."""
    if not text:
        raise typer.BadParameter("the output has no name")
    return Output(Path(text), text.endswith(("/", os.sep)))


def named(text: str) -> Path:
    """Return the path of an input. An empty one is a usage error: it would mean the current directory."""
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
        rich_help_panel=OUTPUTS,
        help="A file (for one input), a directory (mirrors directories), or - for standard output. Default: beside "
        "the input.",
    ),
]


def number(low: float, high: float = math.inf) -> Callable[[str], float]:
    """Return a parser of numbers in a range."""
    meant = f"a number from {low:g} {'on' if high == math.inf else f'to {high:g}'}"

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (low <= value <= high and math.isfinite(value)):
            raise typer.BadParameter(f"{str(text)!r} is not {meant}")
        return value

    return parse


def whole(low: int, high: int | None = None) -> Callable[[str], int]:
    """Return a parser of integers in a range."""
    meant = f"a whole number from {low} {'on' if high is None else f'to {high}'}"

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if value < low or (high is not None and value > high):
            raise typer.BadParameter(f"{str(text)!r} is not {meant}")
        return value

    return parse


def one_of(*names: str) -> Callable[[str], str]:
    """Return a parser of one of these words."""

    def parse(text: str) -> str:
        if text not in names:
            others = f"none of {', '.join(names)}" if len(names) > 1 else f"not {names[0]}"
            raise typer.BadParameter(f"{text!r} is {others}{did_you_mean(text, names)}")
        return text

    return parse


def model_names() -> list[str]:
    """Return the installed models, for shells that complete names."""
    from ..bundle.manifest import installed

    return [name for name, _, _ in installed()]


Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME",
        autocompletion=model_names,
        help="An installed model's name or a bundle's folder.",
        rich_help_panel=SPEED,
    ),
]
Threads = Annotated[
    int,
    typer.Option(
        "--threads",
        metavar="N",
        parser=whole(0, MAX_THREADS),
        help="Threads in all; 0: one a core.",
        rich_help_panel=SPEED,
    ),
]
Jobs = Annotated[
    int,
    typer.Option(
        "-j",
        "--jobs",
        metavar="N",
        parser=whole(0, 256),
        help="Pictures at a time, which share the threads; 0: up to 4.",
        rich_help_panel=SPEED,
    ),
]
Workers = Annotated[int, typer.Option("--workers", parser=whole(0, 256), hidden=True)]  # former name of --jobs
MaxPixels = Annotated[
    int,
    typer.Option(
        "--max-pixels",
        metavar="N",
        parser=whole(1),
        help="Refuse pictures with more pixels than this (width times height).",
        rich_help_panel=SPEED,
    ),
]
Force = Annotated[
    bool,
    typer.Option("--force/--no-overwrite", help="Replace outputs that exist, or fail there.", rich_help_panel=OUTPUTS),
]
SkipExisting = Annotated[
    bool,
    typer.Option("--skip-existing", help="Leave outputs that exist and go on.", rich_help_panel=OUTPUTS),
]
Report = Annotated[
    bool,
    typer.Option("--json", help="One JSON object on standard output: what became of every file.", rich_help_panel=SAID),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Say nothing but warnings and failures.", rich_help_panel=SAID)]
Verbose = Annotated[
    bool,
    typer.Option(
        "-v", "--verbose", help="Say what each file goes through, and how long it takes.", rich_help_panel=SAID
    ),
]

DEFAULT_MAX_PIXELS = MAX_PIXELS
MAX_WORKERS = 4  # unless more are asked for: each has a picture in memory


def rectangle(text: str, option: str) -> tuple[int, int, int, int]:
    """Parse four integers ``X,Y,W,H``. Anything else is a usage error."""
    try:
        x, y, width, height = (int(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"{option}: {text!r} is not X,Y,W,H in pixels") from None
    return x, y, width, height


def manner(quiet: bool, verbose: bool) -> Manner:
    """Return how much to say. Both options at once are a usage error."""
    if quiet and verbose:
        raise typer.BadParameter("--quiet and --verbose exclude each other")
    return Manner(quiet, verbose)


def existing(force: bool, skip: bool) -> Existing:
    """Return what to do about existing outputs. Both options at once are a usage error."""
    if force and skip:
        raise typer.BadParameter("--force and --skip-existing exclude each other")
    return Existing.REPLACE if force else Existing.SKIP if skip else Existing.REFUSE
