"""Any bytes become a picture or a SkoshError, and a small file does so within two seconds.

    make fuzz

Seven of eight inputs are repaired when they are made: their checksums fit, and they have the bundle's own model id. So
damage gets past the CRCs to the header's numbers, the inflater, the PNG reader and the range decoder.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
import warnings
import zlib
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["skosh"]):
    import skosh
    from skosh.bundle import manifest
    from skosh.bundle.bundle import Bundle

sys.path.insert(0, str(Path(__file__).parent))
import mutate

warnings.simplefilter("ignore")
warnings.simplefilter("error", RuntimeWarning)  # numbers that overflow on the way count as a finding, too
BUNDLE = Bundle(manifest.find(os.environ.get("SKOSH_FUZZ_MODEL")), threads=1)
WAYS: list[dict[str, Any]] = [
    {"salvage": True},
    {"region": (0, 0, 1, 1)},
    {"region": (70, 3, 40, 80)},
    {"scale": 0.125},
]
SLOW = 2.0  # seconds of processor time; -timeout takes those of the clock


def test_one_input(data: bytes) -> None:
    """Ask for the file's own description; decode it, and once more in one of the other ways."""
    with contextlib.suppress(skosh.SkoshError):
        skosh.info(data)
    for way in ({}, WAYS[zlib.crc32(data) % len(WAYS)]):
        start = time.process_time()
        with contextlib.suppress(skosh.SkoshError):
            skosh.decode(data, BUNDLE, 1, **way)
        if time.process_time() - start > SLOW:
            raise TimeoutError(f"{time.process_time() - start:.1f} s with {way}")


def mutated(data: bytes, max_size: int, seed: int) -> bytes:
    """What libFuzzer calls for each new input."""
    return mutate.mutated(data, max_size, seed, atheris.Mutate, BUNDLE.model_id)


if __name__ == "__main__":
    atheris.Setup(sys.argv, test_one_input, custom_mutator=mutated)
    atheris.Fuzz()
