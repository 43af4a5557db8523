"""Peak memory and time of one command on a large picture, each in a process of its own.

python benchmarks/memory.py 50 megapixels, enlarged from a photograph that scikit-learn brings python
benchmarks/memory.py --megapixels 12 --write
"""

from __future__ import annotations

import argparse
import math
import resource
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from page import machine, replace_section, table
from PIL import Image, ImageFilter

RUNS = (1, 2)  # threads


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megapixels", type=float, default=50.0)
    parser.add_argument("--child", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    parser.add_argument("--write", action="store_true", help="write the table into docs/results.md")
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child)
        return
    with tempfile.TemporaryDirectory() as work:
        picture, coded, back = (Path(work) / name for name in ("a.png", "a.skosh", "b.png"))
        image = large_photograph(arguments.megapixels)
        image.save(picture, compress_level=1)
        region = f"{image.width // 2},{image.height // 2},{min(1000, image.width // 2)},{min(1000, image.height // 2)}"
        rows = []
        for threads in RUNS:
            common = ["--threads", str(threads), "--force"]
            rows.append(row("compress", threads, ["compress", str(picture), "-o", str(coded), *common]))
            rows.append(row("decompress", threads, ["decompress", str(coded), "-o", str(back), *common]))
            part = ["decompress", str(coded), "-o", str(back), "--region", region, *common]
            rows.append(row("decompress --region, 1000x1000", threads, part))
    size = f"{image.width}x{image.height} ({image.width * image.height / 1e6:.0f} megapixels)"
    text = f"{size}, PNG in and out, whole commands. {machine()}.\n\n"
    text += table(["command", "threads", "seconds", "peak memory (MB)"], rows)
    print(text)
    if arguments.write:
        replace_section("memory", text)


def row(name: str, threads: int, command: list[str]) -> list[str]:
    call = [sys.executable, __file__, "--child", *command]
    seconds, kibibytes = subprocess.run(call, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    return [name, str(threads), f"{float(seconds):.1f}", f"{int(kibibytes) * 1024 / 1e6:.0f}"]


def child(command: list[str]) -> None:
    """Run one command and print its seconds and the most memory that it held, in units of 1024 bytes."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "skosh", *command], check=True, stdout=subprocess.DEVNULL)
    print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)


def large_photograph(megapixels: float) -> Image.Image:
    """Return a photograph of this size: an enlarged one with detail added.

    Without the detail it would compress to nothing.
    """
    spec = find_spec("sklearn")
    if spec is None or spec.origin is None:
        raise SystemExit("this benchmark needs scikit-learn, which brings a photograph")
    with Image.open(Path(spec.origin).parent / "datasets" / "images" / "china.jpg") as small:
        scale = math.sqrt(megapixels * 1e6 / (small.width * small.height))
        size = (round(small.width * scale), round(small.height * scale))
        large = small.convert("RGB").resize(size, Image.Resampling.BICUBIC)
        tiled = Image.new("RGB", size)
        for x in range(0, size[0], small.width):
            for y in range(0, size[1], small.height):
                tiled.paste(small, (x, y))
    return Image.blend(large, tiled.filter(ImageFilter.SMOOTH), 0.2)


if __name__ == "__main__":
    main()
