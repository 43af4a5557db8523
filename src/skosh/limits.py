"""What is refused before anything is allocated for it."""

from __future__ import annotations

import contextlib
import math
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from .errors import LimitError

MAX_SIDE = 65_535  # pixels
UNLIMITED = 1 << 62  # pixels, for whoever decodes none or has looked already
MAX_PIXELS = (
    128 << 20
)  # width x height, unless the user says otherwise; decoding takes about 20 bytes and 0.6 microseconds of a core for each, encoding 45 bytes
FREE_PIXELS = 1 << 20  # a file may claim so many, however short it is
PIXELS_PER_BYTE = 1024  # ... and so many more for each of its bytes, which is 20 KB and 0.6 ms of a core to decode; a picture of one colour has about 250, the cheapest symbols 910
PADDING = 64  # pixels: the sides that networks see are multiples of this
MAX_CHUNK = 256 << 20  # bytes of one chunk's payload
MAX_FILE = 512 << 20  # bytes of a file
MAX_UNKNOWN = 4096  # chunks of kinds that this version does not know
MAX_MANIFEST = 1 << 20  # bytes
MAX_BUNDLE_FILE = 256 << 20  # bytes of one file of a bundle
MAX_METADATA = 16 << 20  # bytes of an ICC profile, of EXIF or of XMP
MAX_THREADS = 256  # of one call


def cores() -> int:
    """How many cores this process may use: fewer than the machine has where it was given only some, or a share of their time.

    Never more than ``MAX_THREADS``.
    """
    if hasattr(os, "process_cpu_count"):  # Python 3.13; knows the affinity, and what -X cpu_count says
        found = os.process_cpu_count() or 1
    else:
        found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(found, cpu_quota(), MAX_THREADS)))


def cpu_quota(root: Path = Path("/")) -> float:
    """How many cores' worth of time the control groups of Linux leave this process, as containers set it; infinity without a limit."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return math.inf
    found = math.inf
    for line in lines:
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if not controllers:  # version 2
            groups = [root / "sys/fs/cgroup", root / "sys/fs/cgroup/unified"]
        elif "cpu" in controllers.split(","):
            groups = [root / "sys/fs/cgroup" / name for name in dict.fromkeys((controllers, "cpu", "cpu,cpuacct"))]
        else:
            continue
        inner = Path(path.lstrip("/"))
        folders = [group / part for group in groups for part in (inner, *inner.parents)]  # each limits those inside it
        found = min([found, *map(_quota_of, folders)])
    return found


def _quota_of(folder: Path) -> float:
    """The quota of one control group, in cores."""
    try:
        if (folder / "cpu.max").exists():
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            quota, period = ((folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        return float(quota) / float(period) if float(quota) > 0 else math.inf  # -1 is none in version 1
    except (OSError, ValueError, ZeroDivisionError):  # "max" is none in version 2
        return math.inf


def startable(wanted: int) -> int:
    """How many more threads the system lets this process start now, ``wanted`` at most.

    It is tried out. Libraries in C hang or crash where a thread of theirs can't be started.
    """
    end, threads = threading.Event(), []
    for _ in range(wanted):
        thread = threading.Thread(target=end.wait, daemon=True)
        try:
            thread.start()
        except RuntimeError:
            break
        threads.append(thread)
    end.set()
    for thread in threads:
        thread.join()
    patience = time.monotonic() + 1.0
    while time.monotonic() < patience and any(os.path.exists(f"/proc/self/task/{one.native_id}") for one in threads):
        time.sleep(0.0002)  # for Linux they count until here
    return len(threads)


def check_size(width: int, height: int, max_pixels: int = MAX_PIXELS) -> None:
    """Raise LimitError unless a picture of this size may be held in memory."""
    if width < 1 or height < 1:
        raise LimitError(f"a picture of {width}x{height} has no pixels")
    if max(width, height) > MAX_SIDE:
        raise LimitError(f"{width}x{height} is over the limit of {MAX_SIDE} pixels a side")
    if width * height > max_pixels:
        raise LimitError(
            f"{width}x{height} is {width * height} pixels, over the limit of {max_pixels} (max_pixels, --max-pixels raises it)"
        )


def check_justified(width: int, height: int, size: int) -> None:
    """Raise LimitError if a file of ``size`` bytes claims a picture so large that it can't be meant.

    What counts is what the networks work on: sides that are padded to a multiple of 64, so that a line of one pixel is no cheap way to much work.
    """
    padded = -(-width // PADDING) * -(-height // PADDING) * PADDING**2
    if padded > FREE_PIXELS + PIXELS_PER_BYTE * size:
        raise LimitError(f"a file of {size} bytes claims a picture of {width}x{height}: refused")


@contextlib.contextmanager
def memory_for(width: int, height: int) -> Iterator[None]:
    """Raise LimitError where a picture of this size takes more memory than there is."""
    try:
        yield
    except MemoryError as error:
        raise LimitError(f"there is not enough memory for a picture of {width}x{height}") from error
