"""Messages and ends of commands: lines on standard error, exit status 1 for a failure."""

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
    """Write a line on standard error."""
    console.print(printable(text), markup=False)


def printable(text: str) -> str:
    """Escape non-printable characters: file names may contain control codes or undecodable bytes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def fail(text: str) -> NoReturn:
    """Write a line on standard error, and exit with status 1."""
    say(f"skosh: {text}")
    raise typer.Exit(1)


_heard: ContextVar[list[str] | None] = ContextVar("heard", default=None)


@contextlib.contextmanager
def listening() -> Iterator[list[str]]:
    """Collect this thread's warnings, each once, instead of showing them; needs ``hear_warnings`` first."""
    found: list[str] = []
    token = _heard.set(found)
    try:
        yield found
    finally:
        _heard.reset(token)


def hear_warnings() -> None:
    """Show warnings of libraries, such as Pillow's of a damaged picture, in one line like all others."""

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

    warnings.simplefilter("always", UserWarning)  # of every picture, not only of the first
    warnings.showwarning = show
