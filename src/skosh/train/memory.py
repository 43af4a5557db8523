"""Memory that a step frees is wanted again by the next one: the C library should keep it."""

from __future__ import annotations

import ctypes

# Of mallopt(3), glibc
TRIM_THRESHOLD = -1  # bytes free at the end of the heap that are given back
MMAP_THRESHOLD = -3  # bytes from which a block is mapped by itself, and unmapped when it is freed
LARGEST_BLOCK = 1 << 30
KEPT = (1 << 31) - 1


def keep_freed_memory() -> bool:
    """Let this process keep what it frees, blocks of up to 1 GiB and 2 GiB in all; whether its C library can.

    Otherwise every tensor of a step is new pages, which the system clears and maps one by one.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):  # not Linux, or not glibc
        return False
    kept: bool = mallopt(MMAP_THRESHOLD, LARGEST_BLOCK) == 1 and mallopt(TRIM_THRESHOLD, KEPT) == 1
    return kept
