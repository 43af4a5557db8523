"""Check that a file decodes the same on arm64.

Run ``write FOLDER`` here, then ``check FOLDER`` there; ``scripts/arm64.sh`` does both, emulated.

constriction has no package for arm64 Linux: the range coder in plain Python takes over (``skosh.entropy.rangecoder``).
The networks run in ONNX Runtime's own arm64 kernels.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image


def symbols(data: bytes) -> list[npt.NDArray[Any]]:
    """Return z, q and scale indices of every tile of a file."""
    from skosh.bundle.loading import load
    from skosh.codec.boxes import split, whole
    from skosh.codec.decoder import take_symbols
    from skosh.container.chunks import read

    bundle, contents = load(None, 1), read(data)
    header = contents.header
    at = bundle.at(header.quality)
    grid = whole(*(-(-n // bundle.multiple) for n in (header.height, header.width)))
    found: list[npt.NDArray[Any]] = []
    for box, stream in zip(split(grid, header.tile // bundle.multiple), contents.tiles, strict=True):
        assert stream is not None
        taken = take_symbols(at, stream, box.height, box.width)
        found += [part for part in taken if part is not None]
    return found


def write(folder: Path) -> None:
    """Write files of a photograph, with their symbols and pixels as decoded on this machine."""
    import skimage

    import skosh

    photo = Image.open(Path(skimage.__file__).parent / "data" / "chelsea.png").convert("RGB")  # a cat
    folder.mkdir(parents=True, exist_ok=True)
    crops = {"tiles": ((60, 40, 252, 168), 64), "odd": ((300, 100, 365, 170), 0), "wide": ((0, 0, 256, 64), 1024)}
    for n, (name, (box, tile)) in enumerate(crops.items()):
        coded = skosh.encode(photo.crop(box), (20, 60, 95.5)[n], tile=tile)
        (folder / f"{name}.skosh").write_bytes(coded)
        pixels = np.asarray(skosh.decode(coded, threads=1))
        np.savez(folder / f"{name}.npz", *symbols(coded), pixels=pixels)


def check(folder: Path) -> int:
    """Decode each file here, compare, and return the number of files that differ."""
    import onnxruntime

    import skosh
    from skosh.bundle.loading import load
    from skosh.entropy.rangecoder import backend

    bundle = load(None, 1)  # refuses the bundle if one index of the scale map's reference vector differs
    checked = bundle.arrays["check_index"].size
    print(
        f"{platform.machine()}, Python {platform.python_version()}, ONNX Runtime {onnxruntime.__version__}, "
        f"{backend().NAME}"
    )
    print(f"scale map's reference vector: all {checked} indices equal")
    bad = 0
    for file in sorted(folder.glob("*.skosh")):
        data = file.read_bytes()
        with np.load(file.with_suffix(".npz")) as stored:
            due = [stored[f"arr_{n}"] for n in range(len(stored.files) - 1)]
            pixels = stored["pixels"].astype(np.int16)
        found = symbols(data)
        equal = len(found) == len(due) and all(map(np.array_equal, found, due))
        apart = np.abs(np.asarray(skosh.decode(data, threads=1)).astype(np.int16) - pixels)
        count = sum(part.size for part in due)
        print(
            f"{file.name}: {count} symbols and indices {'equal' if equal else 'DIFFER'}, "
            f"pixels at most {apart.max()} apart, {np.count_nonzero(apart)} of {apart.size} values"
        )
        bad += not equal or int(apart.max()) > 1
    return bad


if __name__ == "__main__":
    ways: dict[str, Callable[[Path], int | None]] = {"write": write, "check": check}
    sys.exit(ways[sys.argv[1]](Path(sys.argv[2])) or 0)
