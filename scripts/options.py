"""Write the site's page of every command and option, docs/options.md, from what --help shows."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from man import one_line, panels, spelled, usage

from skosh.cli.commands import app

PAGE = Path(__file__).parents[1] / "docs" / "options.md"
HEAD = """# Every option

What `--help` says, written by `scripts/options.py`. [The command line](commands.md) explains it.
"""


def page() -> str:
    """Return the text of the page."""
    group: Any = typer.main.get_command(app)
    return "\n".join([HEAD, *(line for text in sections("skosh", group) for line in text)]).rstrip() + "\n"


def sections(name: str, command: Any) -> Iterator[list[str]]:
    """Yield the lines of a command's section, and of those of its own commands."""
    yield section(name, command)
    for inner, other in getattr(command, "commands", {}).items():
        yield from sections(f"{name} {inner}", other)


def section(name: str, command: Any) -> list[str]:
    """Return the lines of a command's section: what it does, examples, and a table for each panel of options."""
    first, *others = command.help.strip().split("\n\n")
    lines = [f"## {name}", "", one_line(first), "", "```", f"{name} {usage(command)}", "```", ""]
    for text in others:
        block = "\b" in text
        lines += ["```", *text.strip("\b\n").splitlines(), "```", ""] if block else [one_line(text), ""]
    for title, shown in panels(command).items():
        rows = [f"| {code(spelled(param))} | {cell(one_line(param.help or ''))} |" for param in shown]
        lines += [f"| {title} | |", "| --- | --- |", *rows, ""]
    return lines


def code(text: str) -> str:
    """Code as a cell of a table holds it; readers of Markdown differ in what a backslash before a bar means there."""
    return f"<code>{cell(text)}</code>" if "|" in text else f"`{text}`"


def cell(text: str) -> str:
    """Text as a cell of a table holds it."""
    return text.replace("|", "&#124;").replace("<", "&lt;")


def main() -> None:
    PAGE.write_text(page())
    print(PAGE, file=sys.stderr)


if __name__ == "__main__":
    main()
