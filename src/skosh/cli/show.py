"""``skosh info``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from ..codec.file_info import info as file_info
from ..errors import SkoshError, describe
from ..files import from_stdin, read_file
from ..limits import UNLIMITED
from .console import printable, say
from .options import STREAM, named


def info(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", parser=named, help=".skosh files; - is standard input.", show_default=False),
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a file on standard output, a line each.")
    ] = False,
) -> None:
    """Show what .skosh files say of themselves; no model is loaded, no pixel decoded, every checksum checked."""
    failed = False
    for place, file in enumerate(files):
        try:
            data = from_stdin() if file == STREAM else read_file(file)
            found = file_info(data, UNLIMITED)
        except (SkoshError, OSError) as error:
            failed = True
            why = error.strerror if isinstance(error, OSError) and error.strerror else describe(error)
            say(f"skosh: {file}: {why}")
            if as_json:
                print(json.dumps({"file": str(file), "error": why}))
            continue
        if as_json:
            print(json.dumps({"file": str(file)} | found))
        else:
            print("\n" * (place > 0) + printable(str(file)))
            print("\n".join(f"  {name:<8} {text}" for name, text in rows(found)))
    if failed:
        raise typer.Exit(1)


def rows(found: dict[str, Any]) -> list[tuple[str, str]]:
    """What there is to say, by name."""
    exif = dict(found["exif"])
    position = ["with a position"] if exif.pop("position", False) else []
    tiles = f"{found['tiles']} of {found['tile']}x{found['tile']}" if found["tile"] else "1"
    return [
        ("picture", f"{found['width']}x{found['height']} {found['mode']}"),
        ("size", f"{found['bytes']:,} bytes, {found['bpp']:.3f} bits a pixel"),
        ("quality", f"{found['quality']:g}"),
        ("tiles", tiles),
        ("alpha", amount(found["alpha_bytes"], [])),
        ("profile", amount(found["icc_bytes"], [found["icc"] or ""])),
        ("EXIF", amount(found["exif_bytes"], [*exif.values(), *position])),
        ("XMP", amount(found["xmp_bytes"], [])),
        ("model", f"{found['model_id']}, " + (f"installed: {found['model']}" if found["model"] else "not installed")),
        ("format", f"version {found['format_version']}"),
        *(("damaged", text) for text in found["damaged"]),
    ]


def amount(size: int, words: list[str]) -> str:
    """How much there is of something, and what."""
    text = ", ".join(word for word in words if word)
    return (f"{size:,} bytes" + (f": {text}" if text else "")) if size else "none"
