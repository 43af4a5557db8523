"""``skosh compare``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import SkoshError, describe
from ..files import write_whole
from .console import fail, say
from .evaluation import LpipsWeights, MetricNames, ended, names, need
from .options import Force, Model, named, number, rectangle, whole

if TYPE_CHECKING:
    from ..evaluate.compare import Contest
    from ..evaluate.crops import Box

FIGURES = (".png", ".jpg", ".webp")


def compare(
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE...", parser=named, help="Pictures.", show_default=False)
    ],
    bpp: Annotated[
        float, typer.Option("--bpp", metavar="BPP", parser=number(0.001, 24), help="Bits a pixel of both files.")
    ] = 0.23,
    against: Annotated[
        str, typer.Option("--against", help="The other codec, as eval takes it; also another skosh: skosh@realism=0.")
    ] = "bpg",
    ours: Annotated[
        str | None,
        typer.Option("--ours", metavar="CODEC", help="skosh with options, as eval takes it: skosh@realism=0.5."),
    ] = None,
    model: Model = None,
    crop: Annotated[
        str | None,
        typer.Option("--crop", metavar="X,Y,W,H", help="What to enlarge. Default: where the two differ most."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="A folder, or a file for one picture. Default: IMAGE-compare.png here."),
    ] = None,
    width: Annotated[
        int,
        typer.Option(
            "--width", metavar="PIXELS", parser=whole(64, 8192), help="Pixels of each of the three columns, at most."
        ),
    ] = 768,
    metrics: MetricNames = "psnr,ms_ssim,lpips,ssimulacra2",
    lpips_weights: LpipsWeights = None,
    force: Force = False,
) -> None:
    """Draw a picture, skosh's and another codec's version of it at the same bytes, and an enlarged crop of each.

    \b
    Beside BPG:   skosh compare photo.png
    Beside AVIF:  skosh compare photo.png --bpp 0.23 --against avif -o figure.png
    Renditions:   skosh compare photo.png --ours skosh@realism=1 --against skosh@realism=0
    """
    if ours is not None and model is not None:
        raise typer.BadParameter("--ours names a bundle as well (skosh=NAME): leave --model away")
    need("torch", "pytorch_msssim")
    box = asked_crop(crop)
    targets = planned_figures(images, out, force)
    try:
        from ..evaluate import codecs
        from ..evaluate.compare import Contest, opponent, usable_metrics

        first = codecs.make(ours or ("skosh" if model is None else f"skosh={model}"))
        first.version()
        other, note = opponent(against, say)
        contest = Contest(first, other, usable_metrics(lpips_weights, say, names(metrics)), bpp, box, note)
    except (SkoshError, OSError) as error:
        ended(error)
    failed = 0
    for image, target in zip(images, targets, strict=True):
        try:
            draw_comparison(contest, image, target, width, force)
        except Exception as error:  # one picture's error does not stop the others
            say(f"failed: {image}: {describe(error)}")
            failed += 1
    if failed:
        raise typer.Exit(1)


def draw_comparison(contest: Contest, image: Path, target: Path, width: int, replace: bool) -> None:
    """Draw one figure, and print a line about it."""
    from ..evaluate.figure import captions, figure
    from ..picture.saving import image_bytes

    found = contest.compare(image)
    content, _ = image_bytes(figure(found, width), target.suffix)
    write_whole(target, content, replace)
    for panel in found.panels[1:]:
        say(f"{image}: {', '.join(captions(panel, panel.picture.size, width))}")
    if found.note:
        say(f"{image}: {found.note}")
    say(f"{image} -> {target}")


def planned_figures(images: list[Path], out: Path | None, force: bool) -> list[Path]:
    """Return the paths of the figures. Ends the command where two are equal, or one exists."""
    if out and len(images) == 1 and not out.is_dir() and out.suffix:
        targets = [out]
    elif out and not out.is_dir() and out.suffix.lower() in FIGURES:
        raise typer.BadParameter(f"{out} is the name of one figure, for one picture: name a folder")
    else:
        targets = [(out or Path()) / f"{image.stem}-compare.png" for image in images]
    twice = [target for target in targets if targets.count(target) > 1]
    if twice:
        raise typer.BadParameter(f"two pictures would give {twice[0]}")
    if targets[0].suffix.lower() not in FIGURES:
        raise typer.BadParameter(f"figures end in {', '.join(FIGURES)}, not {targets[0].suffix}")
    inputs = {os.path.realpath(image) for image in images}
    for target in targets:
        if os.path.realpath(target) in inputs:
            raise typer.BadParameter(f"{target} is one of the pictures: name another figure")
        if target.exists() and not force:
            fail(f"{target} exists; --force replaces it")
    return targets


def asked_crop(text: str | None) -> Box | None:
    """Parse X,Y,W,H to left, top, right, bottom."""
    if text is None:
        return None
    x, y, width, height = rectangle(text, "--crop")
    if x < 0 or y < 0 or width < 1 or height < 1:
        raise typer.BadParameter("--crop takes a place inside of the picture and a size of at least 1x1")
    return x, y, x + width, y + height
