"""``skosh info``."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from ..batch.plan import below
from ..errors import SkoshError, describe
from ..files import SKOSH, from_stdin, read_file, similar
from ..limits import UNLIMITED
from .console import printable, say
from .options import STREAM, named
from .words import size

CODE_MOST = 4  # bytes of a colour space that the file names by a code


def info(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            parser=named,
            help=".skosh files, or folders of them; - is standard input.",
            show_default=False,
        ),
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a file on standard output, a line each.")
    ] = False,
) -> None:
    """Show what .skosh files say of themselves; no model is loaded, no pixel decoded, every checksum checked.

    \b
    One file:   skosh info photo.skosh
    A folder:   skosh info small/                    all .skosh files below it, and totals
    A program:  skosh info small/ --json
    """
    from ..codec.file_info import info as file_info

    failed = 0
    shown: list[dict[str, Any]] = []
    for place, (file, error) in enumerate(spread(files)):
        try:
            if error:
                raise error
            data = from_stdin() if file == STREAM else read_file(file)
            found = file_info(data, UNLIMITED)
        except (SkoshError, OSError) as error:
            failed += 1
            why = error.strerror if isinstance(error, OSError) and error.strerror else describe(error)
            say(f"skosh: {file}: {why}{similar(file) if isinstance(error, FileNotFoundError) else ''}")
            if as_json:
                print(json.dumps({"file": str(file), "error": why}))
            continue
        shown.append(found)
        if as_json:
            print(json.dumps({"file": str(file)} | found))
        else:
            print("\n" * (place > 0) + printable(str(file)))
            print("\n".join(f"  {name:<8} {text}" for name, text in rows(found)))
    if len(shown) + failed > 1 and not as_json:
        print("\n" + totals(shown, failed))
    if failed:
        raise typer.Exit(1)


def spread(paths: list[Path]) -> Iterator[tuple[Path, Exception | None]]:
    """Yield the files, and for folders all .skosh files below them, or an error."""
    for path in paths:
        if path == STREAM or not os.path.isdir(path):
            yield path, None
            continue
        try:
            found = below(path, {SKOSH})
        except OSError as error:
            yield path, error
            continue
        if not found:
            yield path, SkoshError(f"no {SKOSH} files below it")
        yield from ((one, None) for one in found)


def totals(shown: list[dict[str, Any]], failed: int) -> str:
    """Return a line about all files together."""
    count, pixels = sum(found["bytes"] for found in shown), sum(found["width"] * found["height"] for found in shown)
    text = f"{len(shown)} files, {size(count)}"
    if pixels:
        text += f", {pixels / 1e6:.1f} megapixels, {8 * count / pixels:.3f} bits a pixel"
    return text + (f"; {failed} can't be read" if failed else "")


def rows(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the rows of the description: name and text."""
    exif = dict(found["exif"])
    position = ["with a position"] if exif.pop("position", False) else []
    tiles = f"{found['tiles']} of {found['tile']}x{found['tile']}" if found["tile"] else "1"
    return [
        ("picture", f"{found['width']}x{found['height']} {found['mode']}"),
        ("size", f"{found['bytes']:,} bytes, {found['bpp']:.3f} bits a pixel"),
        ("quality", f"{found['quality']:g}"),
        ("realism", "the reader's choice" if found["realism"] is None else f"asks for {found['realism']:.2f}"),
        ("tiles", tiles),
        ("alpha", amount(found["alpha_bytes"], [])),
        ("profile", profile_in_words(found)),
        ("EXIF", amount(found["exif_bytes"], [*exif.values(), *position])),
        ("XMP", amount(found["xmp_bytes"], [])),
        ("model", f"{found['model_id']}, " + (f"installed: {found['model']}" if found["model"] else "not installed")),
        ("format", f"version {found['format_version']}"),
        *(("damaged", text) for text in found["damaged"]),
    ]


def profile_in_words(found: dict[str, Any]) -> str:
    """Return what there is to say of the colour profile. One that the file names by a code is not stored."""
    if found["icc_stored_bytes"] < found["icc_bytes"] and found["icc_stored_bytes"] <= CODE_MOST:
        return f"a code of {found['icc_stored_bytes']} bytes: {found['icc']}"
    return amount(found["icc_bytes"], [found["icc"] or ""])


def amount(size: int, words: list[str]) -> str:
    """Return how much there is of something, and what."""
    text = ", ".join(word for word in words if word)
    return (f"{size:,} bytes" + (f": {text}" if text else "")) if size else "none"
