"""Make the three standard streams safe: an unwritable message must not stop the work."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class Forgiving(io.RawIOBase):
    """Writes to another raw stream, and drops what it does not take: its reader is gone, or its disk is full."""

    def __init__(self, raw: io.RawIOBase):
        self.raw = raw

    def writable(self) -> bool:
        """Return True."""
        return True

    def fileno(self) -> int:
        """Return the other stream's number."""
        return self.raw.fileno()

    def isatty(self) -> bool:
        """Return whether the other stream is a terminal."""
        return self.raw.isatty()

    def write(self, data: ReadableBuffer) -> int:
        """Return how many bytes are written or dropped; never raise OSError."""
        size = memoryview(data).nbytes
        try:
            written = self.raw.write(data)
        except OSError:
            return size
        return size if written is None else written  # None: it would have to wait


def make_safe() -> None:
    """Make the standard streams safe.

    Standard error never fails, standard output escapes what it can't encode, and no file takes the number of a closed
    stream. Printing to a closed standard output fails as on a full disk.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDONLY)  # takes this number, the lowest free one; writing to it fails
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
    """Return a text stream that never fails."""
    return io.TextIOWrapper(io.BufferedWriter(Forgiving(raw)), encoding, "backslashreplace", line_buffering=True)
