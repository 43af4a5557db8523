"""Time of encoding and decoding a 768x512 photograph: warm in one process, and as cold commands.

    python benchmarks/speed.py           show
    python benchmarks/speed.py --write   and put the table into docs/results.md

A warm figure is the median of some runs with its spread; a cold one is the whole command, interpreter and networks included.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from page import machine, replace_section, table
from PIL import Image

import skosh
from skosh.bundle import Bundle
from skosh.manifest import installed

SIZE = (768, 512)
WARM, COLD = 15, 5  # runs
QUALITIES = (20, 50, 80)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="write the table into docs/results.md")
    arguments = parser.parse_args()
    image = photograph()
    rows = []
    for name, folder, _ in installed():
        for quality in QUALITIES:
            rows.append(row(name, folder, image, quality, arguments.threads))
    text = f"{SIZE[0]}x{SIZE[1]}, {arguments.threads} threads, milliseconds as median (least to most). {machine()}.\n\n"
    text += table(["model", "-q", "encode", "decode", "compress, cold", "decompress, cold"], rows)
    print(text)
    if arguments.write:
        replace_section("speed", text)


def row(name: str, folder: Path, image: Image.Image, quality: int, threads: int) -> list[str]:
    bundle = Bundle(folder, threads)
    data = skosh.encode(image, quality, bundle)
    warm = [
        timed(lambda: skosh.encode(image, quality, bundle), WARM),
        timed(lambda: skosh.decode(data, bundle), WARM),
    ]
    return [name, str(quality), *warm, *cold(name, image, quality, threads)]


def cold(name: str, image: Image.Image, quality: int, threads: int) -> list[str]:
    """Whole commands, each in a new process."""
    with tempfile.TemporaryDirectory() as work:
        picture, coded, back = (Path(work) / f for f in ("a.png", "a.skosh", "b.png"))
        image.save(picture)
        common = ["--model", name, "--threads", str(threads), "--force"]

        def call(*arguments: str | Path) -> None:
            command = [sys.executable, "-m", "skosh", *map(str, arguments), *common]
            subprocess.run(command, check=True, capture_output=True)

        return [
            timed(lambda: call("compress", picture, "-o", coded, "-q", str(quality)), COLD),
            timed(lambda: call("decompress", coded, "-o", back), COLD),
        ]


def timed(call: Callable[[], object], runs: int) -> str:
    call()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - start))
    return f"{statistics.median(times):.0f} ({min(times):.0f} to {max(times):.0f})"


def photograph() -> Image.Image:
    """A photograph that scikit-learn brings, cut to Kodak's shape."""
    spec = find_spec("sklearn")
    if spec is None or spec.origin is None:
        raise SystemExit("this benchmark needs scikit-learn, which brings a photograph")
    with Image.open(Path(spec.origin).parent / "datasets" / "images" / "china.jpg") as image:
        return image.convert("RGB").resize(SIZE, Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main()
