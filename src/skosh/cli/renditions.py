"""Options for what a file shows: realism, size, and the encoders for a purpose."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Annotated

import typer

from .aims import PICTURE, Aim
from .options import number

if TYPE_CHECKING:  # loaded when a command runs, so that help and versions come at once
    from ..codec.purpose import Purpose

SHOWN = "What is shown"  # a panel of help
SIZES = ("1/8", "1/4", "1/2", "1", "2")


def scale_of(text: object) -> Fraction:
    """Return the scale that ``1/8`` or ``0.125`` means. Anything but the five sizes is a usage error."""
    try:
        found = Fraction(str(text))
    except (ValueError, ZeroDivisionError):
        found = Fraction(0)
    if found not in map(Fraction, SIZES):
        raise typer.BadParameter(f"{str(text)!r} is none of {', '.join(SIZES)}")
    return found


Realism = Annotated[
    float | None,
    typer.Option(
        "--realism",
        metavar="0-1",
        parser=number(0, 1),
        help="How much fine detail to draw that the file does not hold: grain, hair and grass that look right but are "
        "invented. 0 draws none: take it for measurements, evidence and archives. Default: what the file asks for, "
        "else the model's.",
        show_default=False,
        rich_help_panel=SHOWN,
    ),
]
Scale = Annotated[
    Fraction,
    typer.Option(
        "--scale",
        metavar="|".join(SIZES),
        parser=scale_of,
        autocompletion=lambda: list(SIZES),
        help="Size of the output. Previews of 1/2 to 1/8 take less time than the whole, and draw no detail unless "
        "--realism says so; 2 needs a model with a head for it.",
        show_default="1",
        rich_help_panel=SHOWN,
    ),
]
AskedRealism = Annotated[
    float | None,
    typer.Option(
        "--realism",
        metavar="0-1",
        parser=number(0, 1),
        help="Ask readers for this realism when nobody tells them another: how much detail they draw that the file "
        "does not hold. 0 asks for none. It costs 7 bytes and changes nothing else. Default: ask for nothing.",
        show_default=False,
        rich_help_panel=PICTURE,
    ),
]
Denoise = Annotated[
    bool,
    typer.Option(
        "--denoise",
        help="Leave the noise of a noisy picture out: the file gets smaller, and every reader shows it clean. Needs a "
        "model with an encoder for it.",
        rich_help_panel=PICTURE,
    ),
]


def check_shown(realism: float | None, scale: Fraction) -> None:
    """Raise a usage error where two options exclude each other."""
    if realism and scale == 2:
        raise typer.BadParameter("--realism and --scale 2 exclude each other: double size has detail of its own")


def purpose_asked(tune: str | None, denoise: bool, realism: float | None, effort: int, aim: Aim) -> Purpose:
    """Return what a file is for. Options that exclude each other are a usage error."""
    from ..codec.purpose import purpose_of

    others = {"--tune psnr": tune is not None, "--effort": effort > 0, "--target-psnr": aim.psnr is not None}
    for other, given in others.items():
        if denoise and given:
            raise typer.BadParameter(f"--denoise and {other} exclude each other: one would bring the noise back")
    return purpose_of(tune, denoise, realism)
