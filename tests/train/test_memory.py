"""Freed memory stays with the process, where the C library can do that."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from skosh.train.memory import keep_freed_memory

FAULTS = """
import resource, sys, torch
from skosh.train.memory import keep_freed_memory
if sys.argv[1] == "keep" and not keep_freed_memory():
    sys.exit(3)
for repeat in range(60):
    if repeat == 10:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    parts = [torch.ones(9 << 18) for part in range(15)]
    del parts
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(way: str) -> int:
    """Pages that 50 rounds of fifteen blocks of 9 MiB ask the system for."""
    plain = {
        name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_", "LD_PRELOAD"))
    }
    done = subprocess.run([sys.executable, "-c", FAULTS, way], env=plain, capture_output=True, text=True)
    if done.returncode == 3:
        pytest.skip("this C library has no mallopt")
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="page faults are counted as Linux does")
def test_a_step_gets_its_memory_from_the_one_before() -> None:
    kept, usual = faults("keep"), faults("usual")
    assert 10 * kept < usual


def test_another_c_library_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda name: object())
    assert not keep_freed_memory()
