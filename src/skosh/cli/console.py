"""What every command says and how it ends: lines on standard error, exit status 1 for a failure."""

from __future__ import annotations

import warnings
from typing import NoReturn, TextIO

import typer
from rich.console import Console

console = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)


def say(text: str) -> None:
    """A line on standard error."""
    console.print(printable(text), markup=False)


def printable(text: str) -> str:
    """With everything that is no letter of a line escaped: a file's name may hold what moves a terminal's cursor, or no text at all."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


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
