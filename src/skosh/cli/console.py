"""What every command says and how it ends: lines on standard error, exit status 1 for a failure."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from contextvars import ContextVar
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


_heard: ContextVar[list[str] | None] = ContextVar("heard", default=None)


@contextlib.contextmanager
def listening() -> Iterator[list[str]]:
    """Warnings that this thread is given meanwhile, if ``hear_warnings`` was called before: each once, instead of a line for it."""
    found: list[str] = []
    token = _heard.set(found)
    try:
        yield found
    finally:
        _heard.reset(token)


def hear_warnings() -> None:
    """Warnings of libraries, as Pillow's of a damaged picture, become lines like all others."""

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        text, found = " ".join(str(message).split()), _heard.get()
        if found is None:
            say(f"skosh: {text}")
        elif text not in found:
            found.append(text)

    warnings.simplefilter("always", UserWarning)  # of each picture, not only of the first
    warnings.showwarning = show
