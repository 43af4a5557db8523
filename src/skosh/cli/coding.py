"""``skosh compress`` and ``skosh decompress``."""

from __future__ import annotations

import contextlib
import enum
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ..batch.task import Made
from ..bundle.loading import load
from ..bundle.manifest import DEFAULT
from ..codec.decoder import decode_picture
from ..codec.encoder import DEFAULT_QUALITY, DEFAULT_TILE, Encoder, check_tile, take_apart
from ..codec.file_info import info as file_info
from ..codec.refine import EFFORT_MAX, check_effort
from ..container.salvage import salvage as salvaged
from ..errors import FormatError, SkoshError
from ..files import PICTURES, SKOSH, read_file
from ..limits import UNLIMITED, memory_for
from ..picture.opening import open_image, pillow_limit
from ..picture.picture import to_image
from ..picture.saving import image_bytes, written_as
from . import kinds
from .console import fail, listening
from .kinds import Keep, Strip
from .options import (
    DEFAULT_MAX_PIXELS,
    Force,
    Inputs,
    MaxPixels,
    Model,
    Out,
    Report,
    SkipExisting,
    Threads,
    Workers,
    existing,
    rectangle,
)
from .work import is_pipe, pipe, planned, shared_out, work

UNITS = {"": 1, "b": 1, "kb": 1000, "kib": 1024, "mb": 1000**2, "mib": 1024**2}
TUNED = {"fidelity": DEFAULT, "perceptual": "perceptual"}  # purpose -> name of the bundle


class Tune(str, enum.Enum):
    """What a bundle was trained for."""

    fidelity = "fidelity"
    perceptual = "perceptual"


@dataclass(frozen=True)
class Aim:
    """How large or how good a file is to be: at most one of the first three is set, and counts instead of the quality."""

    size: float | None = None  # bytes
    bpp: float | None = None
    psnr: float | None = None  # dB
    quality: float = DEFAULT_QUALITY

    def file(self, encoder: Encoder) -> bytes:
        """The file that hits it."""
        if self.bpp is not None:
            return encoder.file_of_size(self.bpp * encoder.width * encoder.height / 8)
        if self.size is not None:
            return encoder.file_of_size(self.size)
        if self.psnr is not None:
            return encoder.file_of_psnr(self.psnr)
        return encoder.file(self.quality)


Quality = Annotated[
    float | None,
    typer.Option(
        "-q",
        "--quality",
        min=0,
        max=100,
        help="0: smallest, 100: best; in eighths.",
        show_default=str(DEFAULT_QUALITY),
    ),
]
TargetSize = Annotated[
    str | None, typer.Option("--target-size", help="The best picture in so many bytes: 20000, 20KB, 1.5MiB.")
]
TargetBpp = Annotated[
    float | None, typer.Option("--target-bpp", min=0, help="The best picture in so many bits a pixel.")
]
TargetPsnr = Annotated[float | None, typer.Option("--target-psnr", min=0, help="The smallest file of so many dB.")]
TuneOption = Annotated[
    Tune | None, typer.Option("--tune", help="The model for exact pixels or for pleasant ones, instead of --model.")
]
Effort = Annotated[
    int,
    typer.Option(
        "--effort",
        min=0,
        max=EFFORT_MAX,
        help="How long to look for a better file, of fewer bytes at equal PSNR. For every quality that is tried and every megapixel, "
        "1 takes about four seconds of a core, 3 more than a minute. Not with --tune perceptual.",
    ),
]
Tile = Annotated[int, typer.Option("--tile", help="Side of a tile in pixels, 64 times a power of two; 0: one tile.")]


def compress(
    inputs: Inputs,
    out: Out = None,
    quality: Quality = None,
    target_size: TargetSize = None,
    target_bpp: TargetBpp = None,
    target_psnr: TargetPsnr = None,
    tune: TuneOption = None,
    effort: Effort = 0,
    strip: Strip = None,
    keep: Keep = None,
    tile: Tile = DEFAULT_TILE,
    model: Model = None,
    threads: Threads = 0,
    workers: Workers = 0,
    max_pixels: MaxPixels = DEFAULT_MAX_PIXELS,
    force: Force = False,
    skip_existing: SkipExisting = False,
    report: Report = False,
) -> None:
    """Compress pictures to .skosh files.

    One picture:  skosh compress photo.jpg            writes photo.skosh
    A directory:  skosh compress album/ -o small/     mirrors it
    To a size:    skosh compress photo.jpg --target-size 20KB
    With time:    skosh compress photo.jpg --effort 3
    A pipe:       skosh compress - < a.png > a.skosh
    """
    aim = asked(quality, target_size, target_bpp, target_psnr)
    dropped = kinds.asked(strip, keep)
    if model and tune:
        raise typer.BadParameter("--tune and --model exclude each other")
    if effort and tune is Tune.perceptual:
        raise typer.BadParameter("--effort looks for exact pixels: it does not go with --tune perceptual")
    if out and not out.folder and len(inputs) == 1 and out.path.suffix.lower() in PICTURES:
        raise typer.BadParameter(f"{out.path} has the name of a picture; .skosh files end in .skosh")
    try:
        check_tile(tile)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    policy = existing(force, skip_existing)
    name = TUNED[tune.value] if tune else model

    def convert(source: Path | bytes, each: int) -> Made:
        with listening() as heard, contextlib.closing(open_image(source)) as image:  # frees its pixels, too
            picture = take_apart(image, max_pixels, dropped)
        size = len(source) if isinstance(source, bytes) else source.stat().st_size
        coded = aim.file(Encoder(picture, name, each, tile, effort))
        larger = [f"the file is larger than the picture it was made of, which has {size:,} bytes"]
        return made(coded, size, picture.notes + heard + larger * (len(coded) > size))

    if is_pipe(inputs, out, report):
        check_model(name, threads, effort)
        with pillow_limit(max_pixels):
            pipe(inputs[0], lambda data: convert(data, threads), out, policy, report)
        return
    jobs = planned(inputs, out, PICTURES, SKOSH)
    workers, each = shared_out(threads, workers, len(jobs))
    check_model(name, each, effort)
    with pillow_limit(max_pixels):
        work(jobs, lambda source, target: convert(source, each), policy, workers, "compress", report)


def asked(quality: float | None, size: str | None, bpp: float | None, psnr: float | None) -> Aim:
    """What the options say of size and quality; a usage error for more than one of them."""
    if sum(aim is not None for aim in (quality, size, bpp, psnr)) > 1:
        raise typer.BadParameter("choose one of -q, --target-size, --target-bpp and --target-psnr")
    if not all(aim is None or math.isfinite(aim) for aim in (bpp, psnr)):
        raise typer.BadParameter("--target-bpp and --target-psnr take a number")
    return Aim(None if size is None else parse_size(size), bpp, psnr, DEFAULT_QUALITY if quality is None else quality)


def made(coded: bytes, before: int, notes: list[str]) -> Made:
    """A file, with what to say of it."""
    found = file_info(coded, UNLIMITED)
    keys = ("width", "height", "mode", "quality", "bytes", "bpp", "model_id")
    note = f"{found['width']}x{found['height']}, {found['bytes']:,} bytes, {found['bpp']:.3f} bpp"
    return Made(coded, note, {key: found[key] for key in keys} | {"source_bytes": before}, notes)


def decompress(
    inputs: Inputs,
    out: Out = None,
    region: Annotated[
        str | None,
        typer.Option("--region", metavar="X,Y,W,H", help="Only this part, in pixels; other tiles are not decoded."),
    ] = None,
    salvage: Annotated[
        bool, typer.Option("--salvage", help="Show what is left of a damaged file; lost parts are grey.")
    ] = False,
    strip: Strip = None,
    keep: Keep = None,
    model: Model = None,
    threads: Threads = 0,
    workers: Workers = 0,
    max_pixels: MaxPixels = DEFAULT_MAX_PIXELS,
    force: Force = False,
    skip_existing: SkipExisting = False,
    report: Report = False,
) -> None:
    """Decompress .skosh files to pictures, PNG unless the output's name says otherwise.

    One file:     skosh decompress photo.skosh -o photo.png
    A directory:  skosh decompress small/ -o album/
    A part:       skosh decompress photo.skosh --region 100,50,640,480 -o part.png
    """
    box = None if region is None else rectangle(region, "--region")
    dropped = kinds.asked(strip, keep)
    policy = existing(force, skip_existing)

    def convert(data: bytes, suffix: str, each: int) -> Made:
        written_as(suffix)
        try:
            picture = decode_picture(data, model, each, region=box, salvage=salvage, max_pixels=max_pixels)
        except FormatError as error:
            if salvage or not something_left(data, max_pixels):
                raise
            raise FormatError(f"{error}; --salvage shows what is left") from error
        height, width = picture.pixels.shape[:2]
        with memory_for(width, height):
            image = to_image(picture, dropped)
            content, left_out = image_bytes(image, suffix)
        figures = {"width": width, "height": height, "mode": image.mode}
        return Made(content, f"{image.width}x{image.height}", figures, picture.notes + left_out)

    if is_pipe(inputs, out, report):
        if model:
            check_model(model, threads, 0)
        suffix = out.path.suffix if out and not out.is_stream else ".png"
        pipe(inputs[0], lambda data: convert(data, suffix, threads), out, policy, report)
        return
    jobs = planned(inputs, out, {SKOSH}, ".png")
    workers, each = shared_out(threads, workers, len(jobs))
    if model:
        check_model(model, each, 0)
    work(
        jobs,
        lambda source, target: convert(read_file(source), target.suffix, each),
        policy,
        workers,
        "decompress",
        report,
    )


def something_left(data: bytes, max_pixels: int) -> bool:
    """Whether --salvage would find a tile in a damaged file."""
    try:
        return any(tile is not None for tile in salvaged(data, max_pixels).tiles)
    except SkoshError:
        return False


def check_model(model: str | None, threads: int, effort: int) -> None:
    """Load a model before the first picture, so that a wrong one is reported once."""
    try:
        check_effort(effort, load(model, threads))
    except SkoshError as error:
        fail(str(error))


def parse_size(text: str) -> float:
    """Bytes of ``20000``, ``20KB`` or ``1.5 MiB``."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-zA-Z]*)", text.strip())
    if not found or found[2].lower() not in UNITS:
        raise typer.BadParameter(f"--target-size takes bytes, as 20000, 20KB or 1.5MiB, not {text!r}")
    return float(found[1]) * UNITS[found[2].lower()]
