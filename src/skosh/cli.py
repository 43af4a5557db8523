"""The command line: ``skosh compress``, ``decompress``, ``info``, ``train``, ``export``.

Exit status 0: all went well; 1: something failed; 2: wrong usage. Standard output carries data alone.
"""

from __future__ import annotations

import io
import json
import sys
import warnings
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from PIL import Image, UnidentifiedImageError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from . import __version__, batch
from . import bundle as bundles
from .batch import Job, Outcome
from .decode import decode, info
from .encode import DEFAULT_QUALITY, encode
from .errors import ImageError, LimitError, SkoshError
from .limits import MAX_FILE

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="A learned image codec: pictures to small .skosh files and back.",
)
console = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)

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


@app.callback(invoke_without_command=True)
def skosh(version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False) -> None:
    """A learned image codec: pictures to small .skosh files and back."""
    if version:
        print(f"skosh {__version__}")
        raise typer.Exit


@app.command()
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
        found = info(coded)
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


@app.command()
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


@app.command("info")
def info_command(
    file: Annotated[Path, typer.Argument(help="A .skosh file.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Show what a .skosh file says of itself; no model is loaded."""
    try:
        found = info(read_file(file))
    except (SkoshError, OSError) as error:
        fail(f"{file}: {batch.describe(error)}")
    if as_json:
        print(json.dumps(found))
        return
    found["model"] = found["model"] or "not installed"
    found["bpp"] = f"{found['bpp']:.4f}"
    for key, value in found.items():
        print(f"{key.replace('_', ' '):<9} {value}")


@app.command()
def train(
    config: Annotated[
        str, typer.Option("--config", help="A configuration's name (flagship, seed, tiny) or a .yaml file.")
    ],
    data: Annotated[Path, typer.Option("--data", help="Folder of training pictures.")],
    val: Annotated[Path, typer.Option("--val", help="Folder of validation pictures.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the run: checkpoint, log.jsonl, TensorBoard.")],
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint in --out.")] = False,
    init: Annotated[
        str | None, typer.Option("--init", help="Start from the weights of an installed model or a bundle's folder.")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="key=value over the configuration; may be repeated.")
    ] = None,
    lpips_weights: Annotated[
        Path | None, typer.Option("--lpips-weights", help="LPIPS weights (.npz), where the loss needs them.")
    ] = None,
    device: Annotated[
        str | None, typer.Option("--device", help="cpu, cuda, cuda:1, ...; by default CUDA if there is any.")
    ] = None,
) -> None:
    """Train a network. Ctrl-C saves first; go on with --resume.

    skosh train --config flagship --data photos/ --val held-out/ --out runs/a --set steps=20000
    """
    try:
        training = training_half()
        loaded = training.config.load(config, tuple(settings or ()))
        training.loop.train(
            loaded, data, val, out, resume=resume, init=init, lpips_weights=lpips_weights, device=device
        )
    except (SkoshError, OSError) as error:
        fail(batch.describe(error))


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="Folder of a run.", show_default=False)],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the bundle to write.")],
    version: Annotated[str, typer.Option("--version", help="Version of the weights, for the manifest.")] = "1",
    calibrate: Annotated[
        Path | None,
        typer.Option(
            "--calibrate",
            help="Folder of training pictures: fit the frequency tables to them (1 to 2 % smaller files).",
        ),
    ] = None,
    licence: Annotated[str, typer.Option("--licence", help="Licence of the weights, for the manifest.")] = "unstated",
    force: Force = False,
) -> None:
    """Export a run's averaged weights as a bundle that compress and decompress can use."""
    try:
        training_half()
        from .train.export import export as export_run

        say("writing the networks, which takes some fifteen seconds")

        manifest = export_run(run, out, version, force, calibrate, licence)
    except (SkoshError, OSError) as error:
        fail(batch.describe(error))
    say(f"{out}: {manifest['name']} {manifest['version']}, model id {manifest['content_sha256'][:16]}")


def check_model(model: str | None, threads: int) -> None:
    """Load a model before the first picture, so that a wrong one is reported once."""
    try:
        bundles.load(model, threads)
    except SkoshError as error:
        fail(str(error))


def training_half() -> Any:
    """The training half, which is loaded only when it is asked for; ends the command where its packages are missing."""
    try:
        from . import train as training
        from .train import config, loop  # noqa: F401
    except ModuleNotFoundError as error:
        fail(f"this needs the package {error.name}: pip install '.[train]' in a checkout")
    return training


def open_image(data: bytes) -> Image.Image:
    """A picture from a file's bytes; ImageError if they are none."""
    try:
        return Image.open(io.BytesIO(data))
    except UnidentifiedImageError:
        raise ImageError("empty file" if not data else "not a picture of a known kind") from None
    except Exception as error:  # Pillow's decoders raise anything on damaged data
        raise ImageError(f"can't read the picture: {error}") from error


def image_bytes(image: Image.Image, suffix: str) -> bytes:
    """A picture in the format that a file name's suffix stands for."""
    kind = Image.registered_extensions().get(suffix.lower())
    if kind is None or kind not in Image.SAVE:
        raise ImageError(f"can't write pictures as {suffix or 'a file without a suffix'}: use .png")
    buffer = io.BytesIO()
    image.save(buffer, format=kind)
    return buffer.getvalue()


def read_file(path: Path) -> bytes:
    """A file's bytes, up to the limit."""
    with path.open("rb") as file:
        return within_limit(file.read(MAX_FILE + 1))


def within_limit(data: bytes) -> bytes:
    """The same bytes; LimitError if they are too many."""
    if len(data) > MAX_FILE:
        raise LimitError(f"more than {MAX_FILE} bytes")
    return data


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


def say(text: str) -> None:
    """A line on standard error."""
    console.print(text, markup=False)


def fail(text: str) -> NoReturn:
    """A line on standard error, and exit status 1."""
    say(f"skosh: {text}")
    raise typer.Exit(1)


def main() -> None:
    """Entry point of the ``skosh`` command."""
    app()
