"""``skosh eval`` and ``skosh compare``."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from ..errors import SkoshError, describe
from ..files import write_whole
from .console import fail, say
from .display import Display
from .options import Force, Model, Workers, named, number, rectangle, whole
from .work import status

if TYPE_CHECKING:
    from ..evaluate.compare import Box, Contest
    from ..evaluate.results import Result
    from ..evaluate.run import Evaluation

FIGURES = (".png", ".jpg", ".webp")

LpipsWeights = Annotated[
    Path | None,
    typer.Option("--lpips-weights", help="The published LPIPS weights (.npz); also SKOSH_LPIPS_WEIGHTS."),
]


def evaluate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of pictures.", show_default=False)],
    codecs: Annotated[
        str,
        typer.Option(
            "--codecs",
            help="Names, with commas. skosh=NAME and skosh=FOLDER are other bundles, skosh=NAME@2 one with "
            "effort 2. Default: all.",
        ),
    ] = "",
    qualities: Annotated[
        list[str] | None,
        typer.Option(
            "--qualities",
            help="CODEC=10,50,90 for one codec, or 10,50,90 for all; may be repeated. Scales are each codec's own "
            "(bpg, vvc: a quantiser; jpeg2000: a compression ratio). Default: each codec's own.",
        ),
    ] = None,
    metrics: Annotated[str, typer.Option("--metrics", help="Names, with commas.")] = "psnr,ms_ssim,lpips,ssimulacra2",
    out: Annotated[
        Path, typer.Option("-o", "--out", help="Folder of the report; results there are used again.")
    ] = Path("report"),
    measured: Annotated[
        list[Path] | None,
        typer.Option(
            "--measured",
            help="results.json or CODEC.csv with the curve of a codec that is not installed; may be repeated.",
        ),
    ] = None,
    jobs: Annotated[
        int,
        typer.Option(
            "-j", "--jobs", metavar="N", parser=whole(0, 256), help="Pictures at a time; 0: one a core, at most 8."
        ),
    ] = 0,
    workers: Workers = 0,
    lpips_weights: LpipsWeights = None,
) -> None:
    """Measure codecs on a folder of pictures: rate-distortion curves, BD-rates, a report in one page.

    \b
    All codecs:   skosh eval photos/ -o report/
    Some:         skosh eval photos/ --codecs skosh,avif,webp,jpeg -o report/
    Bundles:      skosh eval photos/ --codecs skosh,skosh=bundle/,skosh=flagship@2 -o report/

    Call it again to go on where it was stopped: nothing is measured twice.
    """
    need("torch", "pytorch_msssim", "bjontegaard", "scipy", "matplotlib")
    try:
        from ..evaluate.report import write_report
        from ..evaluate.run import Request, evaluate

        request = Request(
            folder,
            out,
            names(codecs),
            asked_qualities(qualities or []),
            names(metrics),
            lpips_weights,
            tuple(measured or ()),
            jobs or workers,
        )
        found = evaluate(request, say, progress)
        write_report(found, out, f"{folder.resolve().name}: {len(found.codecs)} codecs")
    except (SkoshError, OSError) as error:
        ended(error)
    except KeyboardInterrupt as error:
        say(f"stopped; what was measured is in {out}, and the same call goes on from there")
        raise typer.Exit(status(error)) from None
    finish(found, out / "index.html")


def finish(found: Evaluation, page: Path) -> None:
    """Print the BD-rates, name the failures, and set the exit status."""
    from ..evaluate import tables

    curves = tables.curves_of(found)
    ours = [one for one in curves if one.codec.name.startswith("skosh")][:1] or curves[:1]
    if len(curves) > 1:
        others = [one for one in curves if one is not ours[0]]
        print(tables.bd_table(found.results, ours[0], others).markdown())
    for result in found.failures:
        say(f"failed: {result.image}{f', {result.codec} {result.quality:g}' if result.codec else ''}: {result.error}")
    kept = len(found.results) - found.computed
    say(f"{len(found.results)} results, {max(kept, 0)} of them measured before -> {page}")
    if found.failures:
        raise typer.Exit(1)


def progress(results: Iterator[Result], total: int) -> Iterator[Result]:
    """Yield the same results, with a bar on a terminal and a line now and then in a log."""
    with Display("eval", total) as display:
        for result in results:
            display.count(f"{result.codec} {result.quality:g} {result.image}")
            yield result


def names(text: str) -> tuple[str, ...]:
    """Split a list at its commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def asked_qualities(texts: list[str]) -> dict[str, tuple[float, ...]]:
    """Return ``--qualities`` by codec; "" stands for all."""
    found: dict[str, tuple[float, ...]] = {}
    for text in texts:
        codec, _, listed = text.rpartition("=")
        try:
            found[codec.strip()] = tuple(dict.fromkeys(float(part) for part in names(listed)))
        except ValueError:
            raise typer.BadParameter(f"--qualities takes numbers, not {listed!r}") from None
    return found


def ended(error: Exception) -> NoReturn:
    """End a command: with status 2 for wrong usage, else 1."""
    from ..evaluate import UsageError

    if isinstance(error, UsageError):
        raise typer.BadParameter(str(error)) from None
    fail(describe(error))


def need(*packages: str) -> None:
    """End the command before any work where a package of the extra is missing."""
    absent = [package for package in packages if importlib.util.find_spec(package) is None]
    if absent:
        fail(f"this needs {', '.join(absent)}: pip install '.[eval]' in a checkout")


def compare(
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE...", parser=named, help="Pictures.", show_default=False)
    ],
    bpp: Annotated[
        float, typer.Option("--bpp", metavar="BPP", parser=number(0.001, 24), help="Bits a pixel of both files.")
    ] = 0.23,
    against: Annotated[str, typer.Option("--against", help="The other codec.")] = "bpg",
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
    lpips_weights: LpipsWeights = None,
    force: Force = False,
) -> None:
    """Draw a picture, skosh's and another codec's version of it at the same bytes, and an enlarged crop of each.

    \b
    Beside BPG:   skosh compare photo.png
    Beside AVIF:  skosh compare photo.png --bpp 0.23 --against avif -o figure.png
    """
    need("torch", "pytorch_msssim")
    box = asked_crop(crop)
    targets = planned_figures(images, out, force)
    try:
        from ..evaluate import codecs
        from ..evaluate.compare import Contest, opponent, usable_metrics

        ours = codecs.make("skosh" if model is None else f"skosh={model}")
        ours.version()
        other, note = opponent(against, say)
        contest = Contest(ours, other, usable_metrics(lpips_weights, say), bpp, box, note)
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
