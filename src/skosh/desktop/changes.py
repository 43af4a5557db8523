"""What installing and uninstalling change, worked out before anything is written."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import SkoshError, describe
from ..files import read_ordinary, write_whole
from .entries import MAGIC, MARK, MIME_XML, thumbnailer
from .magic import with_lines, without_lines
from .places import Places

LARGEST = 1 << 20  # bytes of a file that is changed
UPDATE = "update-mime-database"
PATIENCE = 120.0  # seconds for it


@dataclass(frozen=True)
class Change:
    """A file as it shall be."""

    path: Path
    before: bytes | None  # None: there is no file
    content: bytes | None
    verb: str  # write, add lines to, remove, remove lines from
    shown: str = ""  # what is written

    @property
    def needed(self) -> bool:
        """Return whether the file is another one now."""
        return self.before != self.content


def to_install(at: Places, command: str) -> list[Change]:
    """Return the changes that install.

    Raises SkoshError where a file of somebody else is in the way, OSError where one can't be read.
    """
    changes = []
    for path, text in ((at.mime_xml, MIME_XML), (at.thumbnailer, thumbnailer(command))):
        before = found(path)
        if before is not None and not is_ours(before):
            raise SkoshError(f"{path} is there, and not from this command: remove it, or leave it in place")
        changes.append(Change(path, before, text.encode(), "write", text))
    before = found(at.magic)
    if before is None and at.system:
        return changes  # this system's file(1) reads no such file
    return [*changes, Change(at.magic, before, in_magic(with_lines, at, before or b""), "add lines to", MAGIC)]


def to_uninstall(at: Places) -> list[Change]:
    """Return the changes that take back what installing wrote; files of somebody else stay."""
    changes = []
    for path in (at.mime_xml, at.thumbnailer):
        before = found(path)
        if before is not None and is_ours(before):
            changes.append(Change(path, before, None, "remove"))
    if (before := found(at.magic)) is not None:
        after = in_magic(without_lines, at, before)
        gone = not after and not at.system and not at.magic.is_symlink()
        if after != before:
            changes.append(Change(at.magic, before, None if gone else after, "remove lines from"))
    return changes


def in_magic(edit: Callable[[bytes], bytes], at: Places, content: bytes) -> bytes:
    """Return the edited magic. Errors name its file."""
    try:
        return edit(content)
    except SkoshError as error:
        raise SkoshError(f"{at.magic}: {error}") from None


def found(path: Path) -> bytes | None:
    """Return the content of a file, or None where there is none. Raises OSError for anything but a small file."""
    try:
        return read_ordinary(path, LARGEST)
    except FileNotFoundError:
        return None


def is_ours(content: bytes) -> bool:
    """Return whether ``skosh desktop install`` wrote a file."""
    return MARK.encode() in content


def make(change: Change) -> None:
    """Change a file, or raise OSError. Links to it and its permissions stay."""
    path = change.path.resolve()
    if change.content is None:
        change.path.unlink()
        return
    mode = 0o644 if change.before is None else stat.S_IMODE(os.stat(path).st_mode)
    write_whole(path, change.content)
    path.chmod(mode)


def update(at: Places) -> str | None:
    """Bring the desktop's database of types up to date; return what is left to do where that was not possible."""
    call = [UPDATE, str(at.mime)]
    if not shutil.which(UPDATE):
        return f"{UPDATE} is not installed (package shared-mime-info): until {' '.join(call)} runs, no program knows it"
    try:
        done = subprocess.run(call, capture_output=True, text=True, errors="replace", timeout=PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{UPDATE}: {describe(error)}"
    if done.returncode:
        return f"{UPDATE} failed: {' '.join(done.stderr.split()) or done.returncode}"
    return None
