"""``skosh compress`` and ``skosh decompress``."""

from __future__ import annotations

import contextlib
import io
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..batch.task import Made
from ..codec.defaults import DEFAULT_TILE
from ..errors import FormatError, SkoshError
from ..files import PICTURES, SKOSH, read_again, read_file
from ..limits import UNLIMITED, memory_for
from ..progress import stage
from . import kinds
from .aims import PICTURE, Effort, Quality, TargetBpp, TargetPsnr, TargetSize, TuneOption, asked
from .console import fail, listening
from .kinds import Keep, Strip
from .options import (
    DEFAULT_MAX_PIXELS,
    Force,
    Inputs,
    Jobs,
    MaxPixels,
    Model,
    Out,
    Quiet,
    Report,
    SkipExisting,
    Threads,
    Verbose,
    Workers,
    existing,
    manner,
    rectangle,
    whole,
)
from .renditions import SHOWN, AskedRealism, Denoise, Realism, Scale, check_shown, purpose_asked
from .words import shrunk, size
from .work import is_pipe, pipe, planned, shared_out, work

if TYPE_CHECKING:  # loaded when a command runs
    from ..codec.purpose import Purpose

Tile = Annotated[
    int,
    typer.Option(
        "--tile",
        metavar="PIXELS",
        parser=whole(0),
        help="Side of a tile in pixels, 64 times a power of two; 0: one tile.",
        rich_help_panel=PICTURE,
    ),
]


def compress(
    inputs: Inputs,
    out: Out = None,
    quality: Quality = None,
    target_size: TargetSize = None,
    target_bpp: TargetBpp = None,
    target_psnr: TargetPsnr = None,
    tune: TuneOption = None,
    effort: Effort = 0,
    denoise: Denoise = False,
    realism: AskedRealism = None,
    strip: Strip = None,
    keep: Keep = None,
    tile: Tile = DEFAULT_TILE,
    model: Model = None,
    threads: Threads = 0,
    jobs: Jobs = 0,
    workers: Workers = 0,
    max_pixels: MaxPixels = DEFAULT_MAX_PIXELS,
    force: Force = False,
    skip_existing: SkipExisting = False,
    report: Report = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Compress pictures to .skosh files.

    \b
    One picture:  skosh compress photo.jpg            writes photo.skosh
    A directory:  skosh compress album/ -o small/     mirrors it
    To a size:    skosh compress photo.jpg --target-size 20KB
    With time:    skosh compress photo.jpg --effort 3
    A pipe:       skosh compress - < a.png > a.skosh
    """
    from ..codec.encoder import Encoder, check_tile, take_apart
    from ..picture.opening import open_image, pillow_limit

    said = manner(quiet, verbose)
    aim = asked(quality, target_size, target_bpp, target_psnr)
    dropped = kinds.asked(strip, keep)
    if out and not out.folder and len(inputs) == 1 and out.path.suffix.lower() in PICTURES:
        raise typer.BadParameter(f"{out.path} has the name of a picture; .skosh files end in .skosh")
    try:
        check_tile(tile)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    policy = existing(force, skip_existing)
    purpose = purpose_asked(tune, denoise, realism, effort, aim)

    def convert(source: Path | bytes, each: int) -> Made:
        source = read_again(source) if isinstance(source, Path) else source
        with listening() as heard, contextlib.closing(open_image(source)) as image:  # closing frees its pixels
            picture = take_apart(image, max_pixels, dropped)
        before = len(source) if isinstance(source, bytes) else source.stat().st_size
        coded = aim.file(Encoder(picture, model, each, tile, effort, aim.is_quality, purpose))
        larger = [f"the file is larger than the picture it was made of, which has {before:,} bytes"]
        return made(coded, before, picture.notes + heard + larger * (len(coded) > before))

    if is_pipe(inputs, out, report):
        check_model(model, threads, effort, purpose)
        with pillow_limit(max_pixels):
            pipe(inputs[0], lambda data: convert(data, threads), out, policy, report, said)
        return
    planned_jobs = planned(inputs, out, PICTURES, SKOSH)
    workers, each = shared_out(threads, jobs or workers, len(planned_jobs))
    check_model(model, each, effort, purpose)
    with pillow_limit(max_pixels):
        work(planned_jobs, lambda source, target: convert(source, each), policy, workers, "compress", report, said)


def made(coded: bytes, before: int, notes: list[str]) -> Made:
    """Return a file with its report."""
    from ..codec.file_info import info as file_info

    found = file_info(coded, UNLIMITED)
    keys = ("width", "height", "mode", "quality", "bytes", "bpp", "model_id")
    note = f"{shrunk(before, len(coded))}, q {found['quality']:g}"
    return Made(coded, note, {key: found[key] for key in keys} | {"source_bytes": before}, notes)


def decompress(
    inputs: Inputs,
    out: Out = None,
    region: Annotated[
        str | None,
        typer.Option(
            "--region",
            metavar="X,Y,W,H",
            help="Only this part, in pixels; other tiles are not decoded.",
            rich_help_panel=SHOWN,
        ),
    ] = None,
    realism: Realism = None,
    scale: Scale = Fraction(1),
    salvage: Annotated[
        bool,
        typer.Option(
            "--salvage",
            help="Show what is left of a damaged file; lost parts are grey.",
            rich_help_panel=SHOWN,
        ),
    ] = False,
    strip: Strip = None,
    keep: Keep = None,
    model: Model = None,
    threads: Threads = 0,
    jobs: Jobs = 0,
    workers: Workers = 0,
    max_pixels: MaxPixels = DEFAULT_MAX_PIXELS,
    force: Force = False,
    skip_existing: SkipExisting = False,
    report: Report = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Decompress .skosh files to pictures, PNG unless the output's name says otherwise.

    \b
    One file:     skosh decompress photo.skosh -o photo.png
    A directory:  skosh decompress small/ -o album/
    A part:       skosh decompress photo.skosh --region 100,50,640,480 -o part.png
    A preview:    skosh decompress photo.skosh --scale 1/8 -o small.jpg
    Exact:        skosh decompress photo.skosh --realism 0
    """
    from ..codec.decoder import decode_picture
    from ..picture.picture import to_image
    from ..picture.saving import image_bytes, written_as

    said = manner(quiet, verbose)
    box = None if region is None else rectangle(region, "--region")
    check_shown(realism, scale)
    dropped = kinds.asked(strip, keep)
    policy = existing(force, skip_existing)

    def convert(data: bytes, suffix: str, each: int) -> Made:
        written_as(suffix)
        try:
            picture = decode_picture(
                data, model, each, region=box, realism=realism, scale=scale, salvage=salvage, max_pixels=max_pixels
            )
        except FormatError as error:
            if salvage or not something_left(data, max_pixels):
                raise
            raise FormatError(f"{error}; --salvage shows what is left") from error
        height, width = picture.pixels.shape[:2]
        with memory_for(width, height), stage(f"writing {suffix[1:].upper()}"):
            image, notes = to_image(picture, dropped), picture.notes
            del picture  # and its pixels, before those of the file are made
            content, left_out = image_bytes(image, suffix)
        figures = {"width": width, "height": height, "mode": image.mode}
        figures |= {"bytes": len(content), "source_bytes": len(data)}
        note = f"{size(len(data))} -> {size(len(content))}, {image.width}x{image.height}{quality_of(data)}"
        return Made(content, note, figures, notes + left_out)

    if is_pipe(inputs, out, report):
        if model:
            check_model(model, threads)
        suffix = out.path.suffix if out and not out.is_stream else ".png"
        pipe(inputs[0], lambda data: convert(data, suffix, threads), out, policy, report, said)
        return
    planned_jobs = planned(inputs, out, {SKOSH}, ".png")
    workers, each = shared_out(threads, jobs or workers, len(planned_jobs))
    if model:
        check_model(model, each)
    work(
        planned_jobs,
        lambda source, target: convert(read_file(source), target.suffix, each),
        policy,
        workers,
        "decompress",
        report,
        said,
    )


def quality_of(data: bytes) -> str:
    """Return the end of a line that names a file's quality; nothing where the file is too damaged."""
    from ..container.chunks import read_head

    try:
        return f", q {read_head(io.BytesIO(data), UNLIMITED)[0].quality:g}"
    except SkoshError:
        return ""


def something_left(data: bytes, max_pixels: int) -> bool:
    """Return whether --salvage would find a tile in a damaged file."""
    from ..container.salvage import read_damaged

    try:
        return any(tile is not None for tile in read_damaged(data, max_pixels).tiles)
    except SkoshError:
        return False


def check_model(model: str | None, threads: int, effort: int = 0, purpose: Purpose | None = None) -> None:
    """Load a model before the first picture, so that an error about it is reported once."""
    from ..bundle.loading import load
    from ..codec.purpose import PLAIN

    try:
        (purpose or PLAIN).check(load(model, threads), effort)
    except SkoshError as error:
        fail(str(error))
