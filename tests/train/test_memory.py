"""Freed memory stays with the process, where the C library can do that."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from skosh.train.memory import keep_freed_memory

# What glibc says of its memory, with fifteen blocks of 9 MiB and after they are freed; the counts of page faults would
# say more, but there are systems that keep none.
STATISTICS = """
import ctypes, json, sys, torch
from skosh.train.memory import keep_freed_memory

NAMES = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"  # mallinfo2(3)

class Statistics(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in NAMES.split()]

mallinfo2 = getattr(ctypes.CDLL(None), "mallinfo2", None)
if mallinfo2 is None or (sys.argv[1] == "keep" and not keep_freed_memory()):
    sys.exit(3)
mallinfo2.restype = Statistics
before = mallinfo2()
parts = [torch.ones(9 << 18) for part in range(15)]
held = mallinfo2()
del parts
freed = mallinfo2()
print(json.dumps({"mapped": held.hblks - before.hblks, "heap": [held.arena, freed.arena], "free": freed.fordblks}))
"""


def statistics(way: str) -> dict[str, int | list[int]]:
    """Blocks that are mapped by themselves, bytes of the heap with and without the fifteen, free bytes in it."""
    plain = {
        name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_", "LD_PRELOAD"))
    }
    done = subprocess.run([sys.executable, "-c", STATISTICS, way], env=plain, capture_output=True, text=True)
    if done.returncode == 3:
        pytest.skip("this C library has no mallopt or no mallinfo2")
    assert done.returncode == 0, done.stderr
    found: dict[str, int | list[int]] = json.loads(done.stdout)
    return found


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="mallopt is of glibc")
def test_a_step_gets_its_memory_from_the_one_before() -> None:
    kept, usual = statistics("keep"), statistics("usual")
    assert usual["mapped"] == 15  # given back, and new pages the next time
    assert kept["mapped"] == 0
    held, freed = kept["heap"]
    assert freed == held > 15 * 9 << 20
    assert kept["free"] >= 15 * 9 << 20


def test_another_c_library_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda name: object())
    assert not keep_freed_memory()
