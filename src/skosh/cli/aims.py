"""Options for the size or quality of a file, and what they ask of the encoder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from ..codec.defaults import DEFAULT_QUALITY, EFFORT_MAX
from .options import SPEED, number, one_of, whole

if TYPE_CHECKING:  # loaded when a command runs, so that help and versions come at once
    from ..codec.encoder import Encoder

UNITS = {"": 1, "b": 1, "kb": 1000, "kib": 1024, "mb": 1000**2, "mib": 1024**2}
TUNES = ("psnr",)  # encoders for a purpose, as codec.purpose lists them
PICTURE = "Quality and size"  # a panel of help


@dataclass(frozen=True)
class Aim:
    """The size or quality of a file. At most one of the first three is set; it replaces the quality."""

    size: float | None = None  # bytes
    bpp: float | None = None
    psnr: float | None = None  # dB
    quality: float = DEFAULT_QUALITY

    @property
    def is_quality(self) -> bool:
        """Whether one file is enough to hit it."""
        return self.size is self.bpp is self.psnr is None

    def file(self, encoder: Encoder) -> bytes:
        """Return the file that hits the aim."""
        from ..codec.target import file_of_psnr, file_of_size

        if self.bpp is not None:
            return file_of_size(encoder, self.bpp * encoder.width * encoder.height / 8)
        if self.size is not None:
            return file_of_size(encoder, self.size)
        if self.psnr is not None:
            return file_of_psnr(encoder, self.psnr)
        return encoder.file(self.quality)


Quality = Annotated[
    float | None,
    typer.Option(
        "-q",
        "--quality",
        metavar="0-100",
        parser=number(0, 100),
        help="0: smallest, 100: best; in eighths.",
        show_default=str(DEFAULT_QUALITY),
        rich_help_panel=PICTURE,
    ),
]
TargetSize = Annotated[
    float | None,
    typer.Option(
        "--target-size",
        metavar="BYTES",
        parser=lambda text: parse_size(text),
        help="The best picture in a file of at most BYTES: 20000, 20KB, 1.5MiB.",
        rich_help_panel=PICTURE,
    ),
]
TargetBpp = Annotated[
    float | None,
    typer.Option(
        "--target-bpp",
        metavar="BPP",
        parser=number(0),
        help="The best picture in a file of at most BPP bits a pixel.",
        rich_help_panel=PICTURE,
    ),
]
TargetPsnr = Annotated[
    float | None,
    typer.Option(
        "--target-psnr",
        metavar="DB",
        parser=number(0),
        help="The smallest file that reaches this PSNR.",
        rich_help_panel=PICTURE,
    ),
]
TuneOption = Annotated[
    str | None,
    typer.Option(
        "--tune",
        metavar="|".join(TUNES),
        parser=one_of(*TUNES),
        autocompletion=lambda: list(TUNES),
        help="psnr: the encoder for exact pixels, of more PSNR and less good looks at the same size. The same decoder "
        "reads its files.",
        rich_help_panel=SPEED,
    ),
]
Effort = Annotated[
    int,
    typer.Option(
        "-e",
        "--effort",
        metavar=f"0-{EFFORT_MAX}",
        parser=whole(0, EFFORT_MAX),
        rich_help_panel=PICTURE,
        help="How long to look for a better file, of fewer bytes at equal PSNR. "
        "For every quality that is tried and every megapixel, 1 takes about four seconds of a core, "
        "3 more than a minute.",
    ),
]


def asked(quality: float | None, size: float | None, bpp: float | None, psnr: float | None) -> Aim:
    """Return the aim of the options. More than one of them is a usage error."""
    if sum(aim is not None for aim in (quality, size, bpp, psnr)) > 1:
        raise typer.BadParameter("choose one of -q, --target-size, --target-bpp and --target-psnr")
    return Aim(size, bpp, psnr, DEFAULT_QUALITY if quality is None else quality)


def parse_size(text: str) -> float:
    """Return the bytes that ``20000``, ``20KB`` or ``1.5 MiB`` mean."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-zA-Z]*)", str(text).strip())
    if not found or found[2].lower() not in UNITS:
        raise typer.BadParameter(f"{str(text)!r} is not bytes, as 20000, 20KB or 1.5MiB")
    return float(found[1]) * UNITS[found[2].lower()]
