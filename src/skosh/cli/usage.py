"""Report a wrong call in one line, with a suggestion."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any

from ..errors import did_you_mean
from ..files import PICTURES, SIGNATURE, SKOSH, first_bytes


def no_command(arguments: list[str], commands: list[str]) -> str:
    """Return the message for an unknown command. A file in its place suggests a command by its kind."""
    word = arguments[0]
    suffix = Path(word).suffix.lower()
    if suffix == SKOSH or (os.path.isfile(word) and first_bytes(Path(word), len(SIGNATURE)) == SIGNATURE):
        command = "decompress"
    else:
        command = "compress" if suffix in PICTURES or os.path.isdir(word) else ""
    if command:
        return f"{word} is no command; did you mean skosh {command} {shlex.join(arguments)}?"
    suggestion = did_you_mean(word, commands)
    return f"no command {word!r}{suggestion}" if suggestion else f"no command {word!r}: there are {', '.join(commands)}"


def in_our_words(error: Any) -> str:
    """Return a line for an error of typer. Errors are told apart by name, as click may be any of two packages."""
    kind, context = type(error).__name__, getattr(error, "ctx", None)
    name = context.info_name if context else "skosh"
    where = f" ({context.command_path} --help)" if context else ""
    if kind == "NoSuchOption":
        return no_option(error.option_name, context, name) or f"{name} has no option {error.option_name}{where}"
    if kind == "BadOptionUsage":
        return f"{error.option_name} takes {'no value' if 'not take' in error.message else 'a value'}{where}"
    if kind == "MissingParameter":
        return f"{name} needs {name_of(error.param)}{where}"
    message: str = str(error.message).rstrip(".")
    if kind == "BadParameter" and getattr(error, "param", None) is not None:
        return f"{name_of(error.param)}: {message}"
    return message if kind == "BadParameter" else message[:1].lower() + message[1:] + where


def no_option(option: str, context: Any, name: str) -> str:
    """Return the message for an unknown option with a similar known one."""
    known = options_of(context.command)
    suggestion = did_you_mean(option, known)
    if not suggestion:
        having = [name for name, one in getattr(context.command, "commands", {}).items() if option in options_of(one)]
        if having:
            return f"{option} goes behind a command, as in {context.command_path} {having[0]} {option}"
    return f"{name} has no option {option}{suggestion}" if suggestion else ""


def options_of(command: Any) -> list[str]:
    """Return every spelling of a command's visible options."""
    shown = [param for param in command.params if not getattr(param, "hidden", False)]
    return [one for param in shown for one in (*param.opts, *param.secondary_opts) if one.startswith("-")]


def name_of(param: Any) -> str:
    """Return a parameter's name: for an option, its long name."""
    options = [one for one in param.opts if one.startswith("--")]
    return str(options[0] if options else (param.metavar or param.name).rstrip("."))
