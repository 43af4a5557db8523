"""Give back memory that C's allocator keeps after it was freed: hundreds of megabytes after a large picture.

Only glibc has these calls; elsewhere they do nothing.
"""

from __future__ import annotations

import ctypes
import functools
from typing import Any

ARENA_MAX = -8  # a parameter of mallopt


@functools.cache
def _c_library() -> Any:
    """The C library that this process uses, or None where it can't be asked."""
    try:
        return ctypes.CDLL(None)
    except (OSError, TypeError):  # Windows
        return None


def give_back() -> None:
    """Give memory that was freed back to the system."""
    if hasattr(_c_library(), "malloc_trim"):
        _c_library().malloc_trim(0)


def share_memory() -> None:
    """Let all later threads allocate from one pool: with a pool each, every thread keeps the most it ever needed."""
    if hasattr(_c_library(), "mallopt"):
        _c_library().mallopt(ARENA_MAX, 1)
