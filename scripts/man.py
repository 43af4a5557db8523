"""Write the manual pages of the commands, docs/man/*.1, from what --help shows."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from skosh.cli.commands import app

FOLDER = Path(__file__).parents[1] / "docs" / "man"


def pages() -> dict[str, str]:
    """Return the text of every page by its file's name."""
    group: Any = typer.main.get_command(app)
    return dict(pages_of("skosh", group))


def pages_of(name: str, command: Any) -> Iterator[tuple[str, str]]:
    """Yield the page of a command and those of its own commands."""
    yield f"{name.replace(' ', '-')}.1", page(name, command)
    for inner, other in getattr(command, "commands", {}).items():
        yield from pages_of(f"{name} {inner}", other)


def page(name: str, command: Any) -> str:
    """Return the page of a command."""
    first, *others = command.help.strip().split("\n\n")
    dashed = name.replace(" ", "-")
    lines = [
        f'.TH {dashed.upper()} 1 "" skosh',
        ".SH NAME",
        f"{escaped(dashed)} \\- {escaped(one_line(first).rstrip('.'))}",
    ]
    lines += [".SH SYNOPSIS", f".B {name}", escaped(usage(command))]
    for text in others:
        lines += (
            [".SH EXAMPLES", ".nf", *(escaped(line) for line in text.strip("\b\n").splitlines()), ".fi"]
            if "\b" in text
            else [".PP", escaped(one_line(text))]
        )
    for title, shown in panels(command).items():
        lines.append(f".SH {title.upper()}")
        for param in shown:
            lines += [".TP", f"\\fB{escaped(spelled(param))}\\fR", escaped(one_line(param.help or ""))]
    if commands := getattr(command, "commands", {}):
        lines += [".SH COMMANDS"]
        for one, other in commands.items():
            lines += [
                ".TP",
                f"\\fB{escaped(dashed)}\\-{escaped(one)}\\fR(1)",
                escaped(one_line(other.help.split("\n\n")[0])),
            ]
        lines += [
            ".SH EXIT STATUS",
            "0: all went well; 1: something failed; 2: wrong usage; 130 or 143: ended by Ctrl\\-C or kill.",
        ]
    return "\n".join(lines) + "\n"


def panels(command: Any) -> dict[str, list[Any]]:
    """Return arguments and options as help groups them, without hidden ones and those of the shell's completion."""
    found: dict[str, list[Any]] = {}
    for param in command.params:
        if getattr(param, "hidden", False) or "completion" in param.name or param.name == "help":
            continue
        kind = "Arguments" if param.param_type_name == "argument" else "Options"
        found.setdefault(getattr(param, "rich_help_panel", None) or kind, []).append(param)
    return found


def usage(command: Any) -> str:
    """Return what stands behind the command's name in a synopsis."""
    arguments = [spelled(param) for param in command.params if param.param_type_name == "argument"]
    return " ".join(["[OPTIONS]", *arguments] + (["COMMAND"] if getattr(command, "commands", None) else []))


def spelled(param: Any) -> str:
    """A parameter with its value."""
    if param.param_type_name == "argument":
        return str(param.metavar or param.name.upper())
    names = ", ".join((*param.opts, *param.secondary_opts))
    return names if param.is_flag else f"{names} {param.metavar or param.name.upper()}"


def one_line(text: str) -> str:
    """Return the text without its line ends."""
    return " ".join(text.split())


def escaped(text: str) -> str:
    """Text as troff takes it: minus signs that can be copied, and no line that begins with a dot."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text.startswith((".", "'")) else text


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.glob("*.1"):
        old.unlink()
    for name, text in pages().items():
        (FOLDER / name).write_text(text)
        print(FOLDER / name, file=sys.stderr)


if __name__ == "__main__":
    main()
