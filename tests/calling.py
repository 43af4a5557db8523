"""The skosh command as the desktop's tests call it."""

from __future__ import annotations

import sysconfig
from collections.abc import Callable
from pathlib import Path

from typer.testing import CliRunner, Result

from skosh.bundle.manifest import DEFAULT
from skosh.cli import app

GOLDEN = next((Path(__file__).parent / "golden").glob(f"{DEFAULT}-*"))
COMMAND = Path(sysconfig.get_path("scripts"), "skosh")
Tool = Callable[..., str]


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))
