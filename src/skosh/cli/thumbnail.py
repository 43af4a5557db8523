"""``skosh thumbnail``: what file managers call, so that hostile files end in one line and in bounded time."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from ..errors import describe
from ..files import PICTURES, read_ordinary, remove_partials
from .console import fail, say
from .options import MaxPixels, Model, Threads, named, whole

NORMAL = 128  # pixels; file managers ask for 128, 256, 512 or 1024
LARGEST = 4096
MOST_PIXELS = 64 << 20  # of the file's picture
MOST_BYTES = 64 << 20  # of the file
MOST_SECONDS = 60
GRACE = 5.0  # seconds until a process that can't even say so is ended by the system


def thumbnail(
    source: Annotated[
        str, typer.Argument(metavar="IN", help="A .skosh file, or a file:// URI of one.", show_default=False)
    ],
    out: Annotated[
        Path,
        typer.Argument(
            metavar="OUT",
            parser=named,
            help="The PNG to write. An empty file or another PNG there is replaced.",
            show_default=False,
        ),
    ],
    size: Annotated[
        int,
        typer.Option("-s", "--size", metavar="N", parser=whole(1, LARGEST), help="Pixels of the longer side, at most."),
    ] = NORMAL,
    timeout: Annotated[
        int, typer.Option("--timeout", metavar="SECONDS", parser=whole(1, 3600), help="Give up after so long.")
    ] = MOST_SECONDS,
    model: Model = None,
    threads: Threads = 0,
    max_pixels: MaxPixels = MOST_PIXELS,
) -> None:
    """Write a thumbnail of a .skosh file for a file manager: PNG, upright, in sRGB, without metadata.

    \b
    One file:     skosh thumbnail photo.skosh small.png --size 256
    A URI:        skosh thumbnail file:///home/me/a%20b.skosh small.png

    A picture that is smaller stays as it is. Files over 64 MiB are refused.
    """
    if out.suffix.lower() in PICTURES - {".png", ".apng"}:
        raise typer.BadParameter(f"{out} does not have the name of a PNG, which thumbnails are")
    with ended_after(timeout, source):
        try:
            notes = written(source, out, size, model, threads, max_pixels)
        except Exception as error:  # whatever a hostile file leads to
            fail(f"{source}: {describe(error)}")
    for note in notes:
        say(f"skosh: {source}: {note}")


def written(source: str, out: Path, size: int, model: str | None, threads: int, max_pixels: int) -> list[str]:
    """Write the thumbnail, and return notes about losses."""
    from ..desktop.thumbnail import check_replaceable, local_path, put
    from ..desktop.thumbnail import thumbnail as made

    path = local_path(source)
    check_replaceable(out, path)
    content, notes = made(read_ordinary(path, MOST_BYTES), size, model, threads, max_pixels=max_pixels)
    put(out, content)
    return notes


@contextlib.contextmanager
def ended_after(seconds: float, source: str) -> Iterator[None]:
    """End the process with exit status 1 if the work takes longer: no network and no decoder can be asked to stop."""

    def end() -> None:
        say(f"skosh: {source}: takes more than {seconds:g} seconds; --timeout gives it more")
        remove_partials()
        with contextlib.suppress(OSError):
            sys.stderr.flush()
        os._exit(1)

    watch = threading.Timer(seconds, end)
    watch.daemon = True
    watch.start()
    alarm = getattr(signal, "setitimer", None)  # for work that lets no other thread run; not on Windows
    if alarm and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        alarm(signal.ITIMER_REAL, seconds + GRACE)
    try:
        yield
    finally:
        watch.cancel()
        if alarm and threading.current_thread() is threading.main_thread():
            alarm(signal.ITIMER_REAL, 0)
