"""``skosh eval``."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from ..errors import SkoshError, describe
from .console import fail, say
from .display import Display
from .options import Workers, number, whole
from .work import status

if TYPE_CHECKING:
    from ..evaluate.results import Result
    from ..evaluate.run import Evaluation

MetricNames = Annotated[
    str, typer.Option("--metrics", help="Names, with commas. There are also butteraugli and flip, where installed.")
]
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
            help="Names, with commas. skosh=NAME and skosh=FOLDER are other bundles; options follow, as in skosh@2 "
            "(effort 2), skosh@realism=0.5, skosh=NAME@tune=psnr. Default: all.",
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
    metrics: MetricNames = "psnr,ms_ssim,lpips,ssimulacra2",
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
    show: Annotated[
        str,
        typer.Option(
            "--show",
            metavar="N|NAMES",
            help="Pictures whose crops the report shows: how many, from easy to hard, or names with commas; 0: none.",
        ),
    ] = "3",
    bpp: Annotated[
        float,
        typer.Option("--bpp", metavar="BPP", parser=number(0.001, 24), help="Bits a pixel of those crops' files."),
    ] = 0.25,
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
    Bundles:      skosh eval photos/ --codecs skosh,skosh=bundle/,skosh@2 -o report/

    Call it again to go on where it was stopped: nothing is measured twice.
    """
    need("torch", "pytorch_msssim", "bjontegaard", "scipy", "matplotlib")
    try:
        from ..evaluate.gallery import exhibits
        from ..evaluate.report import write_report
        from ..evaluate.run import Request, Show, evaluate

        request = Request(
            folder,
            out,
            names(codecs),
            asked_qualities(qualities or []),
            names(metrics),
            lpips_weights,
            tuple(measured or ()),
            jobs or workers,
            Show(int(show), (), bpp) if show.isdecimal() else Show(0, names(show), bpp),
        )
        found = evaluate(request, say, progress)
        shown = exhibits(found, request, progress)
        write_report(found, out, f"{folder.resolve().name}: {len(found.codecs)} codecs", shown, bpp)
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
