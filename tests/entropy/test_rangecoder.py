"""All range coders agree on every byte, whatever the tables and symbols."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement

from skosh.entropy.rangecoder import Backend, backend, compiled, native, plain
from skosh.entropy.tables import TOTAL, IntTable, integer_table, normal_tables

BACKENDS = [native, compiled, plain]


def table(kind: str, rng: np.random.Generator) -> IntTable:
    """A uniform table, one of a bundle, one of random shape, or one in which a single symbol has nearly everything."""
    if kind == "uniform":
        size = 1 << int(rng.integers(1, 13))
        return np.full(size, TOTAL // size, np.int64)
    if kind == "normal":
        return normal_tables()[int(rng.integers(64))]
    if kind == "random":
        return integer_table(rng.random(int(rng.integers(2, 300))) ** 8)
    found = np.ones(int(rng.integers(2, 9)), np.int64)
    found[int(rng.integers(found.size))] += TOTAL - found.size
    return found


def coded(coder: Backend, tables: list[IntTable], symbols: list[np.ndarray]) -> bytes:
    encoder = coder.encoder()
    for frequencies, run in zip(tables, symbols, strict=True):
        encoder.encode(run, coder.model(frequencies))
    return encoder.words().astype("<u4").tobytes().rstrip(b"\0")


def words(stream: bytes) -> np.ndarray:
    return np.frombuffer(stream + bytes(-len(stream) % 4), "<u4").astype(np.uint32)


KINDS = st.lists(st.sampled_from(["uniform", "normal", "random", "sure"]), max_size=12)


@given(st.integers(0, 2**32 - 1), KINDS)
@settings(max_examples=30, deadline=None)
def test_every_coder_writes_the_same_bytes_and_reads_them(seed: int, kinds: list[str]) -> None:
    compare_both_ways(seed, kinds)


@pytest.mark.slow
@given(st.integers(0, 2**32 - 1), KINDS)
@settings(max_examples=500, deadline=None)
def test_every_coder_writes_the_same_bytes_and_reads_them_many_times(seed: int, kinds: list[str]) -> None:
    compare_both_ways(seed, kinds)


def compare_both_ways(seed: int, kinds: list[str]) -> None:
    rng = np.random.default_rng(seed)
    tables = [table(kind, rng) for kind in kinds]
    symbols = []
    for frequencies in tables:
        likely = rng.choice(frequencies.size, 40, p=frequencies / TOTAL)
        anywhere = rng.integers(0, frequencies.size, 40)
        symbols.append(np.where(rng.random(40) < 0.9, likely, anywhere).astype(np.int32))
    one, *others = (coded(coder, tables, symbols) for coder in BACKENDS)
    assert all(other == one for other in others)
    for coder in BACKENDS:
        decoder = coder.decoder(words(one))
        for frequencies, run in zip(tables, symbols, strict=True):
            assert np.array_equal(decoder.decode(coder.model(frequencies), run.size), run)


@given(st.binary(max_size=60), st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_every_coder_reads_the_same_out_of_any_bytes_and_refuses_the_same(stream: bytes, seed: int) -> None:
    rng = np.random.default_rng(seed)
    tables = [table(kind, rng) for kind in ("random", "uniform", "normal", "sure")]

    def read(coder: Backend) -> list[int] | str:
        decoder, found = coder.decoder(words(stream)), []
        try:
            for frequencies in tables:
                model = coder.model(frequencies)
                found += [int(decoder.decode(model, 1)[0]) for _ in range(8)]
        except ValueError:
            return f"refused after {len(found)}"
        return found

    assert read(native) == read(plain) == read(compiled)


def test_a_carry_runs_through_words_that_are_full() -> None:
    """Symbols at the upper end of their share settle words of ones, until one takes them all over."""
    frequencies = np.array([1, TOTAL - 2, 1], np.int64)
    rng = np.random.default_rng(1)
    for _ in range(200):
        run = np.where(rng.random(300) < 0.98, 1, 2).astype(np.int32)
        one, *others = (coded(coder, [frequencies], [run]) for coder in BACKENDS)
        assert all(other == one for other in others)


def test_an_encoder_goes_on_after_it_was_asked_for_its_words() -> None:
    frequencies, run = normal_tables()[20], np.arange(10, dtype=np.int32)
    for coder in BACKENDS:
        encoder, model = coder.encoder(), coder.model(frequencies)
        encoder.encode(run, model)
        encoder.words()
        encoder.encode(run, model)
        assert encoder.words().tolist() == words(coded(native, [frequencies] * 2, [run, run])).tolist()


def test_a_symbol_outside_of_its_table_is_refused() -> None:
    for coder in (compiled, plain):
        encoder = coder.encoder()
        for symbol in (2, -1):
            with pytest.raises(ValueError, match="outside of a table"):
                encoder.encode(np.array([symbol], np.int32), coder.model(np.array([1, TOTAL - 1], np.int64)))


@pytest.mark.slow
def test_every_coder_agrees_on_millions_of_symbols() -> None:
    rng = np.random.default_rng(2)
    tables = [table(kind, rng) for kind in ("normal", "random", "uniform", "sure")]
    symbols = [rng.choice(t.size, 500_000, p=t / TOTAL).astype(np.int32) for t in tables]
    stream = coded(native, tables, symbols)
    assert coded(compiled, tables, symbols) == stream
    decoder = compiled.decoder(words(stream))
    for frequencies, run in zip(tables, symbols, strict=True):
        assert np.array_equal(decoder.decode(compiled.model(frequencies), run.size), run)


def test_without_constriction_another_coder_takes_over_and_files_are_the_same() -> None:
    assert backend() is native
    code = """
import sys
for name in MISSING:
    sys.modules[name] = None
import hashlib, numpy as np, skosh
from skosh.entropy.rangecoder import backend
picture = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
data = skosh.encode(picture, 30, threads=1)
assert skosh.decode(data, threads=1).size == (50, 40)
print(backend().NAME, hashlib.sha256(data).hexdigest())
"""
    shown = [
        subprocess.run(
            [sys.executable, "-c", code.replace("MISSING", missing)], capture_output=True, text=True, check=True
        ).stdout.split()
        for missing in ("()", "('constriction',)", "('constriction', 'numba')")
    ]
    assert [line[0] for line in shown] == ["constriction", "numba", "plain"]
    assert len({line[-1] for line in shown}) == 1


def test_a_numba_that_does_not_load_leaves_plain_python() -> None:
    code = """
import sys
from importlib.abc import MetaPathFinder
class Broken(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "numba":
            raise OSError("Could not find/load shared object file")
sys.meta_path.insert(0, Broken())
sys.modules["constriction"] = None
from skosh.entropy.rangecoder import backend
print(backend().NAME)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "plain Python\n"


@pytest.mark.parametrize(
    ("system", "machine", "python", "coder"),
    [
        ("linux", "x86_64", "3.10", "constriction"),
        ("linux", "aarch64", "3.10", "numba"),
        ("darwin", "arm64", "3.12", "constriction"),
        ("win32", "AMD64", "3.12", "constriction"),
        ("win32", "ARM64", "3.12", "numba"),
        ("win32", "ARM64", "3.11", None),  # numba has no wheel there
    ],
)
def test_every_machine_asks_for_one_range_coder_at_most(
    system: str, machine: str, python: str, coder: str | None
) -> None:
    tomllib = pytest.importorskip("tomllib")
    packages = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]["dependencies"]
    there = {"sys_platform": system, "platform_machine": machine, "python_version": python}
    asked = {one.name for one in map(Requirement, packages) if one.marker is None or one.marker.evaluate(there)}
    assert asked & {"constriction", "numba"} == ({coder} if coder else set())
