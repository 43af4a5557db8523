"""How long one small photograph takes with the networks loaded: 768x512, two threads, one process.

    python benchmarks/latency.py [--write]
    python benchmarks/latency.py --against BUNDLE     processor time of decoding beside another bundle's, one thread

768x512 is the size of the Kodak pictures and a multiple of 64 both ways. Other sizes are padded to one: 775x516 is
coded as 832x576. ``benchmarks/speed.py`` has other codecs and larger pictures.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from memory import large_photograph
from page import machine, replace_section, table
from PIL import Image

import skosh

SIZE = (768, 512)
THREADS = 2
RUNS = 50
QUALITY = 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the section into docs/results.md")
    parser.add_argument("--against", type=Path, help="folder of another bundle, whose decoding is taken as 1")
    arguments = parser.parse_args()
    image = large_photograph(1.0).crop((0, 0, *SIZE))
    if arguments.against:
        print(ratios(image, arguments.against))
        return
    data = skosh.encode(image, QUALITY, threads=THREADS)
    rows = [
        ["encode", *timed(lambda: skosh.encode(image, QUALITY, threads=THREADS))],
        ["decode", *timed(lambda: skosh.decode(data, threads=THREADS))],
    ]
    head = ["milliseconds", "median", "least", "most"]
    text = (
        f"{SIZE[0]}x{SIZE[1]}, `-q {QUALITY}`, {8 * len(data) / (SIZE[0] * SIZE[1]):.2f} bits a pixel, "
        f"{THREADS} threads, {RUNS} runs. {machine()}.\n\n{table(head, rows)}"
    )
    print(text)
    if arguments.write:
        replace_section("latency", text)


def ratios(image: Image.Image, against: Path) -> str:
    """Compare decoding with another bundle's at about the same bytes, in turns, by the least of many runs."""
    own, other = skosh.encode(image, QUALITY, threads=1), skosh.Bundle(against, 1)
    theirs = skosh.encode(image, model=other, target_bytes=len(own), threads=1)
    ways: dict[str, Callable[[], object]] = {
        f"{other.name} {other.manifest['version']}": partial(skosh.decode, theirs, other, 1),
        "realism 0": partial(skosh.decode, own, threads=1, realism=0),
        "as it comes": partial(skosh.decode, own, threads=1),
    }
    least = dict.fromkeys(ways, math.inf)
    for _ in range(RUNS):
        for name, code in ways.items():
            start = time.process_time()
            code()
            least[name] = min(least[name], time.process_time() - start)
    first = next(iter(least.values()))
    rows = [[name, f"{1000 * seconds:.0f}", f"{seconds / first:.2f}"] for name, seconds in least.items()]
    return table(["decode", "milliseconds", "ratio"], rows)


def timed(code: Callable[[], object]) -> list[str]:
    """Return median, least and most of the milliseconds of some runs, after a first one."""
    code()
    taken = []
    for _ in range(RUNS):
        start = time.perf_counter()
        code()
        taken.append(1000.0 * (time.perf_counter() - start))
    return [f"{value:.0f}" for value in (statistics.median(taken), min(taken), max(taken))]


if __name__ == "__main__":
    main()
