"""What every command says and how it ends: lines on standard error, exit status 1 for a failure."""

from __future__ import annotations

import warnings
from typing import NoReturn, TextIO

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


def hear_warnings() -> None:
    """Warnings of libraries, as Pillow's of a damaged picture, become lines like all others, each once."""

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        say(f"skosh: {' '.join(str(message).split())}")

    warnings.showwarning = show
