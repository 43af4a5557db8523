"""Limits, checked before anything is allocated."""

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
UNLIMITED = 1 << 62  # pixels, for callers that decode none or have checked already
MAX_PIXELS = 128 << 20  # width x height; decoding takes about 20 bytes and 0.6 us of a core a pixel, encoding 45 bytes
FREE_PIXELS = 1 << 20  # pixels that a file of any length may claim
# and this many more for each byte (20 KB and 0.6 ms of a core to decode). A picture of one colour has about 250, the
# cheapest symbols 910.
PIXELS_PER_BYTE = 1024
PADDING = 64  # pixels: padded sides are multiples of this
MAX_CHUNK = 256 << 20  # bytes of one chunk's payload
MAX_FILE = 512 << 20  # bytes of a file
MAX_UNKNOWN = 4096  # chunks of unknown types
MAX_MANIFEST = 1 << 20  # bytes
MAX_BUNDLE_FILE = 256 << 20  # bytes of one file of a bundle
MAX_METADATA = 16 << 20  # bytes of an ICC profile, of EXIF or of XMP
MAX_THREADS = 256  # of one call


def cores() -> int:
    """Return how many cores this process may use, at most ``MAX_THREADS``.

    Affinity and quotas can leave it fewer than the machine has.
    """
    if hasattr(os, "process_cpu_count"):  # Python 3.13; knows the affinity and -X cpu_count
        found = os.process_cpu_count() or 1
    else:
        found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(found, cpu_quota(), MAX_THREADS)))


def cpu_quota(root: Path = Path("/")) -> float:
    """Return the CPU quota that Linux control groups (containers) set, in cores; infinity without one."""
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
    """Return the quota of one control group, in cores."""
    try:
        if (folder / "cpu.max").exists():
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            quota, period = ((folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        return float(quota) / float(period) if float(quota) > 0 else math.inf  # -1 is none in version 1
    except (OSError, ValueError, ZeroDivisionError):  # "max" is none in version 2
        return math.inf


def startable(wanted: int) -> int:
    """Return how many more threads the system lets this process start now, at most ``wanted``.

    Threads are started to find out. C libraries hang or crash where a thread of theirs can't start.
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
        time.sleep(0.0002)  # Linux counts a thread until here
    return len(threads)


def check_size(width: int, height: int, max_pixels: int = MAX_PIXELS) -> None:
    """Raise LimitError unless a picture of this size may be held in memory."""
    if width < 1 or height < 1:
        raise LimitError(f"a picture of {width}x{height} has no pixels")
    if max(width, height) > MAX_SIDE:
        raise LimitError(f"{width}x{height} is over the limit of {MAX_SIDE} pixels a side")
    if width * height > max_pixels:
        raise LimitError(
            f"{width}x{height} is {width * height} pixels, over the limit of {max_pixels} "
            "(max_pixels, --max-pixels raises it)"
        )


def check_justified(width: int, height: int, size: int) -> None:
    """Raise LimitError if a file of ``size`` bytes claims an implausibly large picture.

    Sides count as padded to a multiple of 64, as the networks work on them: a line of one pixel is no cheap way to much
    work.
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
