"""The stored files: which one a path means, and what has to be known of it before anything is decoded."""

from __future__ import annotations

import errno
import hashlib
import os
import threading
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ..container.chunks import ALPHA, read
from ..errors import FormatError, SkoshError, describe
from ..files import SKOSH, open_ordinary
from ..limits import UNLIMITED, check_justified, check_size
from .lru import Lru

MAX_STORED = 64 << 20  # bytes of a file that is served; 500 megapixels at 1 bpp
REMEMBERED = 4096  # files
SPECIAL_ON_WINDOWS = frozenset("\\:")  # folders, drives and streams


@dataclass(frozen=True)
class Facts:
    """What is known of a whole stored file."""

    digest: str  # SHA-256 of its bytes, hexadecimal
    width: int  # pixels
    height: int
    transparent: bool
    decodable: bool  # within the limits


class Folder:
    """The pictures in a folder and below."""

    def __init__(self, folder: str | os.PathLike[str], max_pixels: int):
        """Raises OSError unless ``folder`` is a folder."""
        self.root = Path(folder).resolve(strict=True)
        if not self.root.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), os.fspath(folder))
        self.max_pixels = max_pixels
        self._known: Lru[Facts | FormatError] = Lru(REMEMBERED, lambda _: 1)
        self._lock = threading.Lock()

    def open(self, path: str) -> IO[bytes]:
        """Open the file that a decoded path means; ``.skosh`` may be left out.

        Raises FileNotFoundError for whatever is no ordinary file below the folder: what does not exist, what leads
        outside (also by symbolic links), hidden files and folders, pipes and devices.
        """
        start, *parts = path.split("/")
        if start or not parts or any(is_odd(part) for part in parts):
            raise FileNotFoundError
        if not parts[-1].lower().endswith(SKOSH):
            parts[-1] += SKOSH
        try:
            real = self.root.joinpath(*parts).resolve(strict=True)
            inside = real.relative_to(self.root).parts
            if not inside or any(is_odd(part) for part in inside):
                raise FileNotFoundError
            return open_ordinary(real, getattr(os, "O_NOFOLLOW", 0))  # it was resolved, so a link is new here
        except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: links in a circle, in Python 3.10 to 3.12
            raise FileNotFoundError from error

    def facts(self, file: IO[bytes]) -> Facts:
        """Return the facts of an open file. They are kept as long as its size, times and place stay.

        Raises FormatError for a damaged or too long file.
        """
        key = signature(file)
        with self._lock:
            found = self._known.get(key)
        if found is None:
            found = self._look(file)
            with self._lock:
                self._known.put(key, found)
        if isinstance(found, FormatError):
            raise FormatError(str(found))  # a new one: a raised exception keeps its traceback
        return found

    def blame(self, file: Hashable, error: FormatError) -> None:
        """Remember that a file turned out to be damaged while decoding. ``file``: its signature."""
        with self._lock:
            self._known.put(file, FormatError(str(error)))

    def _look(self, file: IO[bytes]) -> Facts | FormatError:
        try:
            data = content(file)
            contents = read(data, UNLIMITED)
        except SkoshError as error:
            return FormatError(describe(error))
        width, height = contents.header.width, contents.header.height
        try:
            check_size(width, height, self.max_pixels)
            check_justified(width, height, len(data))
            decodable = True
        except SkoshError:
            decodable = False
        return Facts(hashlib.sha256(data).hexdigest(), width, height, ALPHA in contents.extras, decodable)


def content(file: IO[bytes]) -> bytes:
    """Return the bytes of an open file. Raises FormatError for more than MAX_STORED."""
    file.seek(0)
    data = file.read(MAX_STORED + 1)
    if len(data) > MAX_STORED:
        raise FormatError(f"more than {MAX_STORED} bytes")
    return data


def signature(file: IO[bytes]) -> Hashable:
    """Return what changes with a file's content."""
    found = os.fstat(file.fileno())
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def is_odd(part: str) -> bool:
    """Return whether a part of a path is empty, hidden, a way up, or no name on this system."""
    return (
        not part or part.startswith(".") or "\0" in part or (os.name == "nt" and bool(SPECIAL_ON_WINDOWS & set(part)))
    )
