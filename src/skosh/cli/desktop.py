"""``skosh desktop``: let file managers and ``file`` know the format."""

from __future__ import annotations

import shlex
import shutil
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import SkoshError, describe
from .console import fail, printable, say

if TYPE_CHECKING:  # loaded when a command runs
    from ..desktop.changes import Change
    from ..desktop.places import Places

OTHERS = {"darwin": "macOS", "win32": "Windows", "cygwin": "Windows"}  # systems whose desktops read no such files
PAST = {
    "write": "wrote",
    "add lines to": "added lines to",
    "remove": "removed",
    "remove lines from": "removed lines from",
}

System = Annotated[
    bool,
    typer.Option("--system/--user", help="For all users of this machine (as root), or for you."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, on standard output; do nothing.")]


def install(system: System = False, dry_run: DryRun = False) -> None:
    """Let file managers know .skosh files and show thumbnails of them, and file(1) name them.

    \b
    For you:        skosh desktop install
    For everybody:  sudo skosh desktop install --system
    To look first:  skosh desktop install --dry-run

    Run it again where the skosh command has moved.
    """
    from ..desktop.changes import to_install
    from ..desktop.places import hidden_from_gnome, own_command, places

    check_system()
    at = places(system)
    try:
        command = own_command()
        changes = to_install(at, command)
    except (SkoshError, OSError) as error:
        fail(describe(error) + remedy(error, at))
    carry_out(changes, at, dry_run)
    if at.magic not in [change.path for change in changes]:
        say(f"{at.magic} is not there: file does not read it on this system, and is not told of the format")
    if at.magic.with_name(at.magic.name + ".mgc").exists() and not system:
        say(f"file reads {at.magic}.mgc instead of {at.magic}: compile it anew with file -C -m {at.magic}")
    if hidden := hidden_from_gnome(command):
        say(f"GNOME's sandbox for thumbnailers hides {hidden}: for thumbnails there, install skosh below /usr/local")


def uninstall(system: System = False, dry_run: DryRun = False) -> None:
    """Take back what skosh desktop install wrote, and nothing else.

    \b
    For you:        skosh desktop uninstall
    For everybody:  sudo skosh desktop uninstall --system
    """
    from ..desktop.changes import to_uninstall
    from ..desktop.places import places

    check_system()
    at = places(system)
    try:
        changes = to_uninstall(at)
    except (SkoshError, OSError) as error:
        fail(describe(error) + remedy(error, at))
    if not changes:
        say(f"nothing is installed in {at.share} and {at.magic}")
        return
    carry_out(changes, at, dry_run)


def magic() -> None:
    """Print the lines by which file(1) knows .skosh files.

    \b
    Without installing:   skosh desktop magic > skosh.magic
                          file -m skosh.magic photo.skosh
    To a file of yours:   skosh desktop magic >> ~/.magic
    """
    from ..desktop.entries import MAGIC

    print(MAGIC, end="")


def check_system() -> None:
    """End the command on a system whose desktop is not told in this way."""
    if name := OTHERS.get(sys.platform):
        fail(
            f"there is nothing to install on {name}: this is for desktops that follow freedesktop.org, as on Linux. "
            "skosh decompress makes pictures that every program opens"
        )


def remedy(error: Exception, at: Places) -> str:
    """Return the end of a message about a file: what to do where only root may."""
    return " (for all users, run it as root: sudo)" if at.system and isinstance(error, PermissionError) else ""


def carry_out(changes: list[Change], at: Places, dry_run: bool) -> None:
    """Make the changes, or show them, and bring the database of types up to date."""
    from ..desktop.changes import UPDATE, make, update

    for change in changes:
        if not change.needed:
            say(f"{change.path}: as it shall be already")
        elif dry_run:
            print(printable(f"would {change.verb} {change.path}") + (":" if change.shown else ""))
            print("".join(f"    {line}\n" for line in change.shown.splitlines()), end="")
        else:
            try:
                make(change)
            except OSError as error:
                fail(f"can't {change.verb} {change.path}: {describe(error)}{remedy(error, at)}")
            say(f"{PAST[change.verb]} {change.path}")
    if at.mime_xml not in [change.path for change in changes]:
        return
    if dry_run:
        print(printable(f"would run {UPDATE} {shlex.quote(str(at.mime))}"))
    elif problem := update(at):
        say(f"skosh: {problem}")
        if shutil.which(UPDATE):
            raise typer.Exit(1)
