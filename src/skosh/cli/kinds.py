"""``--strip`` and ``--keep``: kinds of metadata to drop or to keep."""

from __future__ import annotations

import os
import re
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from ..picture.kinds import KINDS, kinds

ALL = "all"

NAMES = ",".join(KINDS)
PANEL = "Metadata"  # of help


class WithKinds(TyperCommand):
    """A command whose --strip may stand alone: it then means every kind."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Insert the word for every kind behind a --strip without kinds."""
        end = args.index("--") if "--" in args else len(args)
        found: list[str] = []
        for place, argument in enumerate(args):
            alone = argument == "--strip" and place < end and not meant_as_kinds("".join(args[place + 1 : place + 2]))
            found.append(f"--strip={ALL}" if alone else argument)
        return super().parse_args(ctx, found)


def is_kinds(text: str) -> bool:
    """Return whether a word is a list of kinds."""
    return text == ALL or all(word in KINDS for word in text.split(","))


def meant_as_kinds(text: str) -> bool:
    """Return whether a word behind --strip belongs to it: a list of kinds, or a misspelt one that is no file's name."""
    return is_kinds(text) or bool(re.fullmatch("[A-Za-z]+(,[A-Za-z]*)*", text) and not os.path.lexists(text))


def asked(strip: str | None, keep: str | None) -> frozenset[str]:
    """Return the kinds to drop. Both options at once, or an unknown kind, are usage errors."""
    if strip is not None and keep is not None:
        raise typer.BadParameter("--strip and --keep exclude each other")
    option, text = ("--strip", strip) if keep is None else ("--keep", keep)
    if text is None:
        return frozenset()
    if not is_kinds(text):
        raise typer.BadParameter(f"{option} takes {NAMES}, or some of them, not {text!r}")
    named = frozenset(KINDS) if text == ALL else kinds(text)
    return named if option == "--strip" else frozenset(KINDS) - named


Strip = Annotated[
    str | None,
    typer.Option(
        "--strip",
        metavar=f"[{NAMES}]",
        help="Drop all metadata, or these kinds. Without its profile (icc) a picture becomes sRGB.",
        show_default=False,
        rich_help_panel=PANEL,
    ),
]
Keep = Annotated[
    str | None,
    typer.Option(
        "--keep",
        metavar=NAMES,
        help="Drop all other kinds of metadata than these.",
        show_default=False,
        rich_help_panel=PANEL,
    ),
]
