"""``skosh info``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from .. import batch
from ..decode import info as file_info
from ..errors import SkoshError
from .console import fail
from .files import read_file


def info(
    file: Annotated[Path, typer.Argument(help="A .skosh file.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Show what a .skosh file says of itself; no model is loaded."""
    try:
        found = file_info(read_file(file))
    except (SkoshError, OSError) as error:
        fail(f"{file}: {batch.describe(error)}")
    if as_json:
        print(json.dumps(found))
        return
    found["model"] = found["model"] or "not installed"
    found["bpp"] = f"{found['bpp']:.4f}"
    for key, value in found.items():
        print(f"{key.replace('_', ' '):<9} {value}")
