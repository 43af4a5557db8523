"""The three standard streams, made safe to use: what can't be said is no reason to stop."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class Forgiving(io.RawIOBase):
    """Writes to another raw stream, and drops what that does not take: its reader is gone, its disk is full."""

    def __init__(self, raw: io.RawIOBase):
        self.raw = raw

    def writable(self) -> bool:
        """It is."""
        return True

    def fileno(self) -> int:
        """That of the other stream."""
        return self.raw.fileno()

    def isatty(self) -> bool:
        """Whether the other stream is a terminal."""
        return self.raw.isatty()

    def write(self, data: ReadableBuffer) -> int:
        """How many bytes are dealt with; never an error of the system's."""
        size = memoryview(data).nbytes
        try:
            written = self.raw.write(data)
        except OSError:
            return size
        return size if written is None else written  # None: it would have to wait


def make_safe() -> None:
    """Standard error never fails, standard output has an escape for every character, and no file takes the number of a stream that is closed.

    Printing to a closed standard output is an error as on a full disk.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDONLY)  # gets this number, the lowest that is free; to write to it fails
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    elif isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    if sys.stderr is None:
        sys.stderr = forgiving(io.FileIO(2, "w", closefd=False), "utf-8")
    elif isinstance(sys.stderr, io.TextIOWrapper):
        raw: Any = getattr(sys.stderr.buffer, "raw", sys.stderr.buffer)
        sys.stderr = forgiving(raw, sys.stderr.encoding)


def forgiving(raw: io.RawIOBase, encoding: str) -> io.TextIOWrapper:
    """A stream of text that never fails."""
    return io.TextIOWrapper(io.BufferedWriter(Forgiving(raw)), encoding, "backslashreplace", line_buffering=True)
