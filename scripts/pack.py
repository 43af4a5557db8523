"""Pack a folder of training pictures into few megabytes, so that it can travel.

    python scripts/pack.py photos/ packed/ --megabytes 56

AVIF 4:4:4 of the highest quality that fits. Pictures are halved until no side is over --side. Names and folders stay,
with .avif behind them. Files that can't be read are named and left out.
"""

from __future__ import annotations

import argparse
import io
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image

from skosh.limits import cores
from skosh.picture.picture import from_image

QUALITIES = (93, 90, 87, 84, 80, 75, 70, 60)  # of AVIF; training on lower qualities would teach its artefacts


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
    with ThreadPoolExecutor(cores()) as pool:
        found = pool.map(lambda path: opened(path, arguments.side), paths)
        pictures = {
            path.relative_to(arguments.source): picture for path, picture in zip(paths, found, strict=True) if picture
        }
        if not pictures:
            raise SystemExit(f"none of the {len(paths)} files in {arguments.source} is a picture")
        for quality in QUALITIES:
            packed = list(pool.map(lambda picture: coded(picture, quality), pictures.values()))  # noqa: B023
            total = sum(map(len, packed))
            print(f"quality {quality}: {len(packed)} pictures, {total / 1e6:.1f} MB", file=sys.stderr)
            if total <= arguments.megabytes * 1e6:
                break
        else:
            raise SystemExit(f"even quality {QUALITIES[-1]} is over {arguments.megabytes} MB: take fewer pictures")
    for name, data in zip(pictures, packed, strict=True):
        target = arguments.target / f"{name}.avif"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def opened(path: Path, side: int) -> Image.Image | None:
    """Return the pixels of a picture as the codec would see them, halved until it fits."""
    try:
        with Image.open(path) as image:
            picture = Image.fromarray(from_image(image).pixels)
    except Exception as error:  # a decoder may raise anything on a damaged file
        print(f"left out {path}: {error}", file=sys.stderr)
        return None
    while max(picture.size) > side:
        picture = picture.reduce(2)
    return picture


def coded(picture: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "AVIF", quality=quality, subsampling="4:4:4", speed=6)
    return buffer.getvalue()


if __name__ == "__main__":
    main()
