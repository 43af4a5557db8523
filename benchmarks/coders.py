"""How long the range coders take: constriction, ours compiled by numba, ours in plain Python.

    python benchmarks/coders.py

Two million symbols, drawn from the tables of the 63 scale indices that are coded, in one run for each table, as a
stream holds them. All coders have to write the same words and read the same symbols.
"""

from __future__ import annotations

import time
from importlib import import_module

import numpy as np
from page import machine, table

from skosh.entropy.rangecoder import BACKENDS, Backend, Words
from skosh.entropy.tables import TOTAL, IntTable, normal_tables
from skosh.types import Symbols

SYMBOLS = 2_000_000
RUNS = 7  # the least counts: other programs only add to it
PLAIN_PART = 20  # the plain one codes a part of each run of symbols, once: it takes long enough

Runs = list[tuple[IntTable, Symbols]]


def main() -> None:
    rng = np.random.default_rng(0)
    tables = normal_tables()[1:]
    count = SYMBOLS // len(tables)
    runs = [(t, rng.choice(t.size, count, p=t / TOTAL).astype(np.int32)) for t in tables]
    rows, expected = [], None
    for name in BACKENDS:
        coder: Backend = import_module(f"skosh.entropy.rangecoder.{name}")
        part = PLAIN_PART if name == "plain" else 1
        start = time.perf_counter()
        measured(coder, [(t, symbols[:9]) for t, symbols in runs])  # numba compiles, or reads what it once compiled
        first = time.perf_counter() - start
        shorter = [(t, symbols[: count // part]) for t, symbols in runs]
        taken = [measured(coder, shorter) for _ in range(1 if name == "plain" else RUNS)]
        words = taken[0][2]
        if part == 1:
            expected = words if expected is None else expected
            assert np.array_equal(words, expected)
        encode, decode = (part * min(run[i] for run in taken) for i in (0, 1))
        rows.append([coder.NAME, f"{encode:.3f} s", f"{decode:.3f} s", f"{first:.2f} s"])
    print(
        f"{count * len(tables):,} symbols, one thread, the least of {RUNS} runs; plain Python once, a "
        f"{PLAIN_PART}th of the symbols, and multiplied. The first use compiles, or reads what was once compiled. "
        f"{machine()}.\n\n{table(['range coder', 'encode', 'decode', 'first use'], rows)}"
    )


def measured(coder: Backend, runs: Runs) -> tuple[float, float, Words]:
    """Return the seconds of encoding and of decoding all runs of symbols, and the words. Tables are prepared before."""
    models = [coder.model(t) for t, _ in runs]
    start = time.perf_counter()
    encoder = coder.encoder()
    for model, (_, symbols) in zip(models, runs, strict=True):
        encoder.encode(symbols, model)
    words = encoder.words()
    middle = time.perf_counter()
    decoder = coder.decoder(words)
    found = [decoder.decode(model, symbols.size) for model, (_, symbols) in zip(models, runs, strict=True)]
    end = time.perf_counter()
    assert all(np.array_equal(one, symbols) for one, (_, symbols) in zip(found, runs, strict=True))
    return middle - start, end - middle, words


if __name__ == "__main__":
    main()
