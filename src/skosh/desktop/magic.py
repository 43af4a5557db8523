"""Our lines in a file of magic that belongs to somebody else: added between marks, and only these removed."""

from __future__ import annotations

import re

from ..errors import SkoshError
from .entries import MAGIC

BEGIN, END = b"# >>> skosh desktop install >>>", b"# <<< skosh desktop install <<<"
ADDED = b"# (the line before had no end)"  # then a line end of ours stands before the first mark
BLOCK = re.compile(
    b"(?ms)(^|\n)" + re.escape(BEGIN) + b"\n(" + re.escape(ADDED) + b"\n)?.*?^" + re.escape(END) + b"\n?"
)


def with_lines(content: bytes) -> bytes:
    """Return the content with our lines at its end. Older ones of ours go."""
    others = without_lines(content)
    open_ended = bool(others) and not others.endswith(b"\n")
    marked = BEGIN + b"\n" + (ADDED + b"\n") * open_ended + MAGIC.encode() + END + b"\n"
    return others + b"\n" * open_ended + marked


def without_lines(content: bytes) -> bytes:
    """Return the content without our lines: every other byte as it was before they came.

    Raises SkoshError where only one of the two marks is left.
    """

    def kept(found: re.Match[bytes]) -> bytes:
        is_last = found.end() == len(content)
        return b"" if found[2] and is_last else found[1]

    others = BLOCK.sub(kept, content)
    if BEGIN in others or END in others:
        raise SkoshError(f"one of the lines '{BEGIN.decode()}' and '{END.decode()}' is missing: remove the other")
    return others
