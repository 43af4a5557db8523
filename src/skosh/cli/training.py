"""``skosh train`` and ``skosh export``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import ConfigError, SkoshError, describe
from ..progress import watched
from .console import fail, say
from .display import Display
from .options import Force, number


def train(
    config: Annotated[
        str,
        typer.Option(
            "--config",
            help="A configuration's name (flagship, flagship-gpu, seed, stream, tiny; for a part of a "
            "bundle detail, small, double, denoise, psnr) or a .yaml file.",
        ),
    ],
    data: Annotated[Path, typer.Option("--data", help="Folder of training pictures.")],
    val: Annotated[Path, typer.Option("--val", help="Folder of validation pictures.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the run: checkpoint, log.jsonl, TensorBoard.")],
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on from the checkpoint in --out; only steps, epochs, learning_rate, crop, batch, "
            "validate_every and save_every may change.",
        ),
    ] = False,
    init: Annotated[
        str | None,
        typer.Option(
            "--init",
            help="Start from the weights of an installed model or a bundle's folder. A part is trained on this bundle, "
            "which stays as it is.",
        ),
    ] = None,
    towards: Annotated[
        str | None,
        typer.Option(help="With --init: start --share of the way from its weights to those of this model or bundle."),
    ] = None,
    share: Annotated[
        float, typer.Option("--share", metavar="0-1", parser=number(0, 1), help="How far --towards moves, 0 to 1.")
    ] = 0.5,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="key=value over the configuration; may be repeated.")
    ] = None,
    lpips_weights: Annotated[
        Path | None,
        typer.Option(
            "--lpips-weights", help="LPIPS weights (.npz), where the loss needs them; also SKOSH_LPIPS_WEIGHTS."
        ),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(
            "--minutes",
            metavar="MINUTES",
            parser=number(0),
            help="Stop and save after so long; go on with --resume.",
            show_default=False,
        ),
    ] = None,
    device: Annotated[
        str | None, typer.Option("--device", help="cpu, cuda, cuda:1, ...; by default CUDA if there is any.")
    ] = None,
) -> None:
    """Train a network. Ctrl-C saves first (exit status 130); go on with --resume.

    \b
    A new run:     skosh train --config flagship --data in/ --val held/ --out runs/a
    Going on:      the same with --resume
    From weights:  skosh train --config stream --init skosh ...
    A part:        skosh train --config detail --init bundle/ --data in/ --val held/ --out runs/b
    Other values:  the same with --set steps=20000 --set batch=4
    """
    try:
        training = training_half()
        loaded = wanted(training, config, tuple(settings or ()))
        with Display(steady=False) as display, watched(display.part("train")):  # until the run's own line begins
            stopped = training.loop.train(
                loaded,
                data,
                val,
                out,
                resume=resume,
                init=init,
                towards=towards,
                share=share,
                lpips_weights=lpips_weights,
                device=device,
                minutes=math.inf if minutes is None else minutes,
            )
    except (SkoshError, OSError) as error:
        fail(describe(error))
    if stopped:
        raise typer.Exit(128 + stopped)


def export(
    run: Annotated[Path, typer.Argument(help="Folder of a run.", show_default=False)],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Folder of the bundle to write.", show_default=False)
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(
            "--into",
            help="For a run that trained a part: the folder of the bundle that it was trained on. Its graphs are "
            "written there, or replaced; all else stays, the model id as well.",
            show_default=False,
        ),
    ] = None,
    version: Annotated[str, typer.Option("--version", help="Version of the weights, for the manifest.")] = "1",
    calibrate: Annotated[
        Path | None,
        typer.Option(
            "--calibrate",
            help="Folder of training pictures: fit the frequency tables to them (files 1 to 2 % smaller) and learn "
            "Wiener filters (another 1 to 5 %, if trained for MSE alone). Not for seed.",
        ),
    ] = None,
    towards: Annotated[
        str | None,
        typer.Option(
            "--towards",
            help="Move the weights --share of the way back to this bundle's, normally the one that the run started "
            "from (--init).",
            show_default=False,
        ),
    ] = None,
    share: Annotated[
        float | None,
        typer.Option(
            "--share",
            metavar="0-1",
            parser=number(0, 1),
            help="How much of the way; 0.1 unless said.",
            show_default=False,
        ),
    ] = None,
    licence: Annotated[str, typer.Option("--licence", help="Licence of the weights, for the manifest.")] = "unstated",
    force: Force = False,
) -> None:
    """Export a run's averaged weights as a bundle that compress and decompress can use.

    \b
    At once:      skosh export runs/a -o bundle/
    Calibrated:   skosh export runs/a -o bundle/ --calibrate photos/
    To use it:    skosh compress photo.jpg --model bundle/
    A part:       skosh export runs/b --into bundle/
    """
    if (out is None) == (into is None):
        raise typer.BadParameter("give either --out, for a bundle, or --into, for a part of one")
    if into is not None and (calibrate is not None or towards is not None or force):
        raise typer.BadParameter("--into takes a part as it is: leave --calibrate, --towards and --force out")
    if share is not None and towards is None:
        raise typer.BadParameter("--share says how far to go --towards a bundle: name it")
    try:
        training_half()
        from ..train.export import check_target
        from ..train.export import export as export_run
        from ..train.export_part import check_bundle, export_into

        if out is not None:
            check_target(run, out, force)
        elif into is not None:
            check_bundle(run, into)
        with Display() as display, watched(display.part("export")):
            way = 0.1 if share is None else share
            if out is not None:
                manifest = export_run(run, out, version, force, calibrate, licence, towards, way)
            elif into is not None:
                manifest = export_into(run, into)
    except (SkoshError, OSError) as error:
        fail(describe(error))
    say(f"{out or into}: {manifest['name']} {manifest['version']}, model id {manifest['model_id']}")


def wanted(training: Any, config: str, settings: tuple[str, ...]) -> Any:
    """Return a configuration changed by ``--set``. An unknown name or an impossible value is a usage error."""
    try:
        return training.config.load(config, settings)
    except ConfigError as error:
        raise typer.BadParameter(str(error)) from None


def training_half() -> Any:
    """Import the training half on demand. Ends the command where its packages are missing."""
    try:
        from .. import train as training
        from ..train import config, loop  # noqa: F401
    except ModuleNotFoundError as error:
        fail(f"this needs the package {error.name}: pip install '.[train]' in a checkout")
    return training
