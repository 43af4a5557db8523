"""What every command says and how it ends: lines on standard error, exit status 1 for a failure."""

from __future__ import annotations

from typing import NoReturn

import typer
from rich.console import Console

console = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)


def say(text: str) -> None:
    """A line on standard error."""
    console.print(text, markup=False)


def fail(text: str) -> NoReturn:
    """A line on standard error, and exit status 1."""
    say(f"skosh: {text}")
    raise typer.Exit(1)
