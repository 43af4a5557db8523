"""Files: kinds of pictures by suffix, reading within limits, and writing whole files or none."""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import io
import os
import platform
import re
import secrets
import stat
import sys
import threading
import time
from pathlib import Path
from typing import IO

from .errors import LimitError, SkoshError, did_you_mean
from .limits import MAX_FILE

PICTURES = {  # sought in a directory
    *(".apng", ".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".mpo"),
    *(".pbm", ".pgm", ".png", ".pnm", ".ppm", ".qoi", ".tga", ".tif", ".tiff", ".webp"),
}
SKOSH = ".skosh"


Source = str | os.PathLike[str] | IO[bytes] | bytes | bytearray | memoryview  # of a file
LONGEST_NAME = 200  # characters of a path in messages


partials: set[Path] = set()  # files that are being written


_door = threading.Lock()  # held while a partial file is opened; for good once they are removed


# System, process and start of the writer, and a random number.
PARTIAL = re.compile(r"\.skosh-(?:([0-9a-f]{8})-(\d+)-(\d+)-)?[0-9a-f]{8,16}\.partial")
LEFT_OVER = 3600.0  # seconds after which a partial file counts as left, where its writer is unknown


def _after_fork() -> None:
    """Forget partial files in a new process: they belong to the old one."""
    global _door
    partials.clear()
    _door = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def check_ordinary(path: Path) -> None:
    """Raise SkoshError for an output that exists and is a pipe, a device or a folder: files are renamed into place."""
    if os.path.exists(path) and not os.path.isfile(path):
        raise SkoshError(f"{path} is no ordinary file; -o - writes to standard output, which can be redirected there")


def write_whole(path: Path, content: bytes, replace: bool = True) -> None:
    """Write beside and rename, so that no reader sees half a file; make folders on the way.

    Without ``replace``, raises FileExistsError if the name has been taken meanwhile, and leaves that file alone.
    """
    check_ordinary(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    pid = os.getpid()
    partial = path.parent / f".skosh-{_system()}-{pid}-{_start(pid)[0]}-{secrets.token_hex(4)}.partial"
    try:
        with _door:
            partials.add(partial)
            file = open(partial, "xb")  # noqa: SIM115 (closed below, but opened behind the door)
        with file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        put(partial, path, replace)
    except OSError as error:
        error.filename = os.fspath(path)  # a full disk does not say where, and users do not know the partial file
        raise
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        partials.discard(partial)


def put(partial: Path, path: Path, replace: bool) -> None:
    """Give a whole file its name in one atomic step."""
    if not replace:
        try:
            os.link(partial, path)  # unlike a rename, refuses a taken name
            return
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            if path.exists():
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(path)) from None
    os.replace(partial, path)


def remove_partials() -> None:
    """Remove partial files, and let none begin: for a process that ends while its threads still write."""
    _door.acquire()
    for partial in list(partials):
        with contextlib.suppress(OSError):
            partial.unlink()


def remove_left_partials(folder: Path) -> None:
    """Remove partial files of killed runs in a folder. Keep those whose writer lives, perhaps on another machine."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            found = PARTIAL.fullmatch(entry.name)
            if found and _is_left(entry, found):
                with contextlib.suppress(OSError):
                    os.unlink(entry.path)


def _is_left(entry: os.DirEntry[str], name: re.Match[str]) -> bool:
    """Return whether nobody writes a partial file any more."""
    if name[1] == _system() and os.name == "posix":
        return not _lives(int(name[2]), int(name[3]))
    with contextlib.suppress(OSError):
        return time.time() - entry.stat(follow_symlinks=False).st_mtime > LEFT_OVER
    return False


@functools.cache
def _system() -> str:
    """Return what process numbers belong to: this machine since its start, and this container."""
    parts = [platform.node()]
    for name, read in (
        ("/proc/sys/kernel/random/boot_id", lambda name: Path(name).read_text()),
        ("/proc/self/ns/pid", os.readlink),
    ):
        with contextlib.suppress(OSError):
            parts.append(read(name))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]


def _start(pid: int) -> tuple[int, bool]:
    """Return when a process started, in the system's own units, and whether it is a zombie; 0 where unknown."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[18]), state in "ZX"
    except (OSError, ValueError, IndexError):
        return 0, False


def _lives(pid: int, start: int) -> bool:
    """Return whether the process of this number is alive and started at that time."""
    found, ended = _start(pid)
    if found:
        return found == start and not ended
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # somebody else's process
        pass
    return True


def first_bytes(path: Path, count: int) -> bytes:
    """Return up to ``count`` bytes from the beginning of a file."""
    with path.open("rb") as file:
        return file.read(count)


def open_ordinary(path: str | os.PathLike[str], flags: int = 0) -> IO[bytes]:
    """Open an ordinary file to read it, with more ``flags`` of ``os.open``. Raises OSError for anything else."""
    # a pipe would wait without O_NONBLOCK
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | flags)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "no ordinary file", os.fspath(path))
    return open(handle, "rb")


def read_ordinary(path: Path, limit: int) -> bytes:
    """Read an ordinary file, following links. Raises OSError for anything else and for more than ``limit`` bytes."""
    with open_ordinary(path) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"more than {limit} bytes", os.fspath(path))
    return data


def read_file(path: Path) -> bytes:
    """Read a file or pipe up to the limit. Raises SkoshError for a device, which may have no end."""
    mode = os.stat(path).st_mode
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        raise SkoshError("is a device: name a file, or - for standard input")
    with path.open("rb") as file:
        return within_limit(file.read(MAX_FILE + 1))


def content_of(source: Source) -> bytes:
    """Return the bytes of a file: by its path, opened in binary mode (from its position on), or given.

    Raises OSError where it can't be read, LimitError where it is too large, TypeError for anything else.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source)
    if isinstance(source, (str, os.PathLike)):
        check_path(source)
        return read_file(Path(source))
    if not hasattr(source, "read"):
        raise TypeError(f"a file is a path, a file that was opened or its bytes, not {type(source).__name__}")
    data = source.read(MAX_FILE + 1) if not isinstance(source, io.TextIOBase) else ""
    if not isinstance(data, bytes):
        raise TypeError('a file has to be opened in binary mode, as with open(path, "rb")')
    return within_limit(data)


def check_path(path: str | os.PathLike[str]) -> None:
    """Raise ValueError or FileNotFoundError for an impossible path: somebody may have passed a file's content."""
    name = os.fspath(path)
    if not name or "\0" in name:
        raise ValueError(f"a str names a file, and {name[:40]!r} is no name; the content of a file has to be bytes")
    if not os.path.lexists(name):
        shown = name if len(name) <= LONGEST_NAME else name[:LONGEST_NAME] + "..."
        raise FileNotFoundError(errno.ENOENT, "no such file (a str is taken for a path)", shown)


def similar(path: Path) -> str:
    """Return the end of a message about a missing file: a neighbour with a similar name, or nothing."""
    from difflib import get_close_matches

    try:
        names = [Path(name) for name in os.listdir(path.parent) if name != path.name]
    except (OSError, ValueError):
        return ""
    kinds = {SKOSH} if path.suffix.lower() == SKOSH else PICTURES
    if path.suffix.lower() not in {*PICTURES, SKOSH}:  # the kind is misspelt
        return did_you_mean(path.name, [name.name for name in names if name.suffix.lower() in {*PICTURES, SKOSH}])
    stems = {name.stem: name.name for name in names if name.suffix.lower() in kinds}
    found = get_close_matches(path.stem, stems, n=1)
    return f"; did you mean {stems[found[0]]}?" if found else ""


def read_again(path: Path) -> Path | bytes:
    """Return the path of a file that can be read again, or the bytes of a pipe, which can't."""
    mode = os.stat(path).st_mode
    return path if stat.S_ISREG(mode) or stat.S_ISDIR(mode) else read_file(path)


def from_stdin() -> bytes:
    """Read standard input. Raises LimitError if it is too much, SkoshError where it is closed."""
    if sys.stdin is None:
        raise SkoshError("standard input is closed")
    return within_limit(sys.stdin.buffer.read(MAX_FILE + 1))


def within_limit(data: bytes) -> bytes:
    """Return the bytes unchanged. Raises LimitError if they are too many."""
    if len(data) > MAX_FILE:
        raise LimitError(f"more than {MAX_FILE} bytes")
    return data


SIGNATURE = b"\x93SK"
APPLE_DOUBLE = b"\0\5\x16\7"  # first bytes of ._photo.jpg, macOS's file of attributes on foreign file systems
