"""Pack a folder of training pictures into few megabytes, so that it can travel: AVIF 4:4:4 of the highest quality that fits.

    python scripts/pack.py photos/ packed/ --megabytes 56

Pictures are halved until no side is over --side. Names stay, with .avif behind them. Files that can't be read are named and left out.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image, ImageOps

QUALITIES = (93, 90, 87, 84, 80, 75, 70, 60)  # of AVIF; training on less would teach its artefacts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--megabytes", type=float, default=56.0)
    parser.add_argument("--side", type=int, default=2048, help="largest side in pixels")
    arguments = parser.parse_args()
    paths = sorted(path for path in arguments.source.rglob("*") if path.is_file())
    if not paths:
        raise SystemExit(f"no files in {arguments.source}")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        pictures = [picture for picture in pool.map(lambda path: opened(path, arguments.side), paths) if picture]
        for quality in QUALITIES:
            packed = list(pool.map(lambda picture: coded(picture[1], quality), pictures))  # noqa: B023
            total = sum(map(len, packed))
            print(f"quality {quality}: {len(packed)} pictures, {total / 1e6:.1f} MB", file=sys.stderr)
            if total <= arguments.megabytes * 1e6:
                break
        else:
            raise SystemExit(f"even quality {QUALITIES[-1]} is over {arguments.megabytes} MB: take fewer pictures")
    arguments.target.mkdir(parents=True, exist_ok=True)
    for (name, _), data in zip(pictures, packed, strict=True):
        (arguments.target / f"{name}.avif").write_bytes(data)


def opened(path: Path, side: int) -> tuple[str, Image.Image] | None:
    """The name and the pixels of a picture, halved until it fits."""
    try:
        with Image.open(path) as image:
            picture = ImageOps.exif_transpose(image).convert("RGB")
    except Exception as error:  # a decoder may raise anything on a damaged file
        print(f"left out {path}: {error}", file=sys.stderr)
        return None
    while max(picture.size) > side:
        picture = picture.reduce(2)
    return path.stem, picture


def coded(picture: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "AVIF", quality=quality, subsampling="4:4:4", speed=6)
    return buffer.getvalue()


if __name__ == "__main__":
    main()
