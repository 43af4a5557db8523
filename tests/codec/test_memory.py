"""What is freed early: latents that no other file needs, and memory that C's allocator would keep."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from skosh.bundle.loading import load
from skosh.codec import tiling
from skosh.codec.encoder import Encoder, take_apart


@pytest.mark.parametrize("workers", [1, 2])
def test_an_encoder_of_one_file_frees_the_latents_and_makes_the_same_bytes(
    photo: Image.Image, filtered_bundle: Path, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiling, "WINDOW", 128)
    picture, bundle = take_apart(photo), load(filtered_bundle, 1)
    usual = Encoder(picture, bundle, workers)
    once = Encoder(picture, bundle, workers, one_file=True)
    assert once.file(70) == usual.file(70)
    assert (once.y is None, usual.y is None) == (True, False)
    assert once.file(20) == usual.file(20)  # analysed anew


PEAK = """
import os, sys
from skosh.memory import give_back
def held():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
before = held()
parts = [bytes(100_000) for _ in range(2000)]  # too small to be given back one by one
last = bytes(100_000)
del parts
kept = held() - before
give_back()
print(kept, held() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux how much memory it has")
def test_memory_that_was_freed_is_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", PEAK], capture_output=True, text=True, check=True)
    kept, left = map(int, done.stdout.split())
    if kept < 100 << 20:
        pytest.skip("this allocator keeps nothing")
    assert left < 20 << 20
