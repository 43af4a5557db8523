"""``skosh compress`` and ``skosh decompress``."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from .. import batch
from .. import bundle as bundles
from ..batch import Job, Outcome
from ..decode import decode
from ..decode import info as file_info
from ..encode import DEFAULT_QUALITY, encode
from ..errors import SkoshError
from ..limits import MAX_FILE
from .console import console, fail, say
from .files import image_bytes, open_image, read_file, within_limit

STREAM = Path("-")

Inputs = Annotated[
    list[Path],
    typer.Argument(
        metavar="IN...",
        readable=False,
        help="Files or directories; - reads one from standard input.",
        show_default=False,
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--out",
        help="A file (for one input), a directory (mirrors directories), or - for standard output. Default: beside the input.",
    ),
]
Model = Annotated[str | None, typer.Option("--model", help="An installed model's name or a bundle's folder.")]
Threads = Annotated[int, typer.Option("--threads", min=0, max=1024, help="Threads of the networks; 0: one a core.")]
Force = Annotated[bool, typer.Option("--force", help="Replace outputs that exist.")]


def compress(
    inputs: Inputs,
    out: Out = None,
    quality: Annotated[
        int, typer.Option("-q", "--quality", min=0, max=100, help="0: smallest, 100: best.")
    ] = DEFAULT_QUALITY,
    model: Model = None,
    threads: Threads = 0,
    force: Force = False,
) -> None:
    """Compress pictures to .skosh files.

    One picture:  skosh compress photo.jpg            writes photo.skosh
    A directory:  skosh compress album/ -o small/     mirrors it
    A pipe:       skosh compress - < a.png > a.skosh
    """

    def convert(data: bytes, source: str) -> tuple[bytes, str]:
        image = open_image(data)
        coded = encode(image, quality, model, threads)
        found = file_info(coded)
        return coded, f"{found['width']}x{found['height']}, {found['bytes']:,} bytes, {found['bpp']:.3f} bpp"

    if out and out != STREAM and len(inputs) == 1 and out.suffix.lower() in batch.PICTURES:
        raise typer.BadParameter(f"{out} has the name of a picture; .skosh files end in .skosh")
    piped = is_pipe(inputs, out)
    check_model(model, threads)
    if piped:
        pipe(inputs[0], convert, out, force)
        return
    jobs = planned(inputs, out, batch.PICTURES, batch.SKOSH)
    work(jobs, lambda source, target: convert(read_file(source), str(source)), force, "compress")


def decompress(
    inputs: Inputs, out: Out = None, model: Model = None, threads: Threads = 0, force: Force = False
) -> None:
    """Decompress .skosh files to pictures, PNG unless the output's name says otherwise.

    One file:     skosh decompress photo.skosh -o photo.png
    A directory:  skosh decompress small/ -o album/
    """

    def convert(data: bytes, target: Path) -> tuple[bytes, str]:
        image = decode(data, model, threads)
        return image_bytes(image, target.suffix), f"{image.width}x{image.height}"

    if is_pipe(inputs, out):
        pipe(inputs[0], lambda data, name: convert(data, out if out and out != STREAM else Path("a.png")), out, force)
        return
    jobs = planned(inputs, out, {batch.SKOSH}, ".png")
    work(jobs, lambda source, target: convert(read_file(source), target), force, "decompress")


def check_model(model: str | None, threads: int) -> None:
    """Load a model before the first picture, so that a wrong one is reported once."""
    try:
        bundles.load(model, threads)
    except SkoshError as error:
        fail(str(error))


def planned(inputs: list[Path], out: Path | None, accepted: set[str], suffix: str) -> list[Job]:
    """The jobs of a call, or its end where there can't be any."""
    try:
        return batch.plan(inputs, out, accepted, suffix)
    except (SkoshError, OSError) as error:
        fail(batch.describe(error))


def is_pipe(inputs: list[Path], out: Path | None) -> bool:
    """Whether - stands for the input or the output; a usage error if there are other inputs beside it."""
    if STREAM not in inputs and out != STREAM:
        return False
    if len(inputs) > 1 or inputs[0].is_dir():
        raise typer.BadParameter("- goes with one input that is a file or - itself")
    return True


def pipe(source: Path, convert: Any, out: Path | None, force: bool) -> None:
    """One input, a file or -, to standard output or to ``out``."""
    if sys.stdin is None or sys.stdout is None:
        fail("standard input or output is closed")
    name = "standard input" if source == STREAM else str(source)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            data = within_limit(sys.stdin.buffer.read(MAX_FILE + 1)) if source == STREAM else read_file(source)
            content, _ = convert(data, name)
        for warning in caught:
            say(f"{name}: {warning.message}")
        if out is None or out == STREAM:
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()
        elif out.exists() and not force:
            raise SkoshError(f"{out} exists; --force replaces it")
        else:
            batch.write_whole(out, content)
    except (SkoshError, OSError) as error:
        fail(f"{name}: {batch.describe(error)}")


def work(jobs: list[Job], convert: Any, force: bool, verb: str) -> None:
    """Run jobs with a progress bar where there are several; name the failures at the end and exit with 1 if there are any."""
    failed: list[Outcome] = []
    columns = (
        TextColumn(verb),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}", markup=False),
    )
    with Progress(
        *columns, console=console, disable=len(jobs) < 2 or not console.is_terminal, transient=True
    ) as progress:
        task = progress.add_task("", total=len(jobs))
        for outcome in batch.run(jobs, convert, force):
            for warning in outcome.warnings:
                say(f"{outcome.job.source}: {warning}")
            if outcome.error:
                failed.append(outcome)
            else:
                say(f"{outcome.job.source} -> {outcome.job.target}  {outcome.note}")
            progress.update(task, advance=1, description=outcome.job.source.name)
    for outcome in failed:
        say(f"failed: {outcome.job.source}: {outcome.error}")
    if failed:
        if len(jobs) > 1:
            say(f"{len(failed)} of {len(jobs)} failed")
        raise typer.Exit(1)
