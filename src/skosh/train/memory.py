"""Keep freed memory with the C library: the next training step needs it again."""

from __future__ import annotations

import ctypes

# Of mallopt(3), glibc
TRIM_THRESHOLD = -1  # bytes free at the end of the heap that are given back
MMAP_THRESHOLD = -3  # bytes from which a block is mapped by itself, and unmapped when it is freed
LARGEST_BLOCKS = (1 << 30, 1 << 25)  # what is asked for, and the most that glibc before 2.35 allows
KEPT = (1 << 31) - 1


def keep_freed_memory() -> bool:
    """Let this process keep the memory that it frees, in blocks of up to 1 GiB (32 MiB), from now on.

    Returns whether its C library can. Otherwise every tensor of a step takes new pages, which the system clears and
    maps one by one.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):  # not Linux, or not glibc
        return False
    trims = mallopt(TRIM_THRESHOLD, KEPT) == 1
    return any(mallopt(MMAP_THRESHOLD, size) == 1 for size in LARGEST_BLOCKS) and trims
