"""Does a file decode the same on arm64? ``write FOLDER`` here, then ``check FOLDER`` there (``scripts/arm64.sh`` does both, emulated).

constriction has no package for arm64 Linux, so a range decoder in plain integers stands in for it there: it is slow, and its symbols
have to be the same, since nothing but integers reaches it. The networks run in ONNX Runtime's own arm64 kernels.
"""

from __future__ import annotations

import bisect
import platform
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

WORD, MASK, PRECISION = 32, (1 << 64) - 1, 24


class PlainDecoder:
    """constriction's ``queue.RangeDecoder`` as the format's page describes it."""

    def __init__(self, words: npt.NDArray[np.uint32]):
        self.words = iter(words.tolist())
        self.lower, self.width = 0, MASK
        self.point = next(self.words, 0) << WORD | next(self.words, 0)

    def decode(self, model: list[int], count: int) -> npt.NDArray[np.int32]:
        """So many symbols of a table, which is given by where its entries end."""
        return np.array([self.symbol(model) for _ in range(count)], np.int32)

    def symbol(self, ends: list[int]) -> int:
        """The next one; ValueError where none can be."""
        scale = self.width >> PRECISION
        symbol = bisect.bisect_right(ends, (self.point - self.lower & MASK) // scale)
        if symbol == len(ends):
            raise ValueError("no symbol has this quantile")
        start = ends[symbol - 1] if symbol else 0
        self.lower = self.lower + scale * start & MASK
        self.width = scale * (ends[symbol] - start)
        while self.width < 1 << WORD:
            self.lower, self.width = self.lower << WORD & MASK, self.width << WORD
            self.point = (self.point << WORD | next(self.words, 0)) & MASK
        return symbol


def stand_in() -> types.ModuleType:
    """What of constriction the decoder uses."""

    def categorical(weights: npt.NDArray[np.float64], lazy: bool, perfect: bool) -> list[int]:
        return [int(end) for end in np.cumsum(weights.astype(np.int64) + 1)]

    def uniform(size: int) -> list[int]:
        step = (1 << PRECISION) // size
        return [step * n for n in range(1, size)] + [1 << PRECISION]

    model = types.SimpleNamespace(Categorical=categorical, Uniform=uniform)
    module: Any = types.ModuleType("constriction")
    module.stream = types.SimpleNamespace(model=model, queue=types.SimpleNamespace(RangeDecoder=PlainDecoder))
    return module  # type: ignore[no-any-return]


def symbols(data: bytes) -> list[npt.NDArray[Any]]:
    """z, q and scale indices of every tile of a file, decoded from its bytes."""
    from skosh.bundle.loading import load
    from skosh.codec.boxes import split, whole
    from skosh.codec.decoder import take_symbols
    from skosh.container.chunks import read

    bundle, contents = load(None, 1), read(data)
    header = contents.header
    grid = whole(*(-(-n // bundle.multiple) for n in (header.height, header.width)))
    found: list[npt.NDArray[Any]] = []
    for box, stream in zip(split(grid, header.tile // bundle.multiple), contents.tiles, strict=True):
        assert stream is not None
        taken = take_symbols(bundle, stream, box.height, box.width, header.quality)
        found += [part for part in taken if part is not None]
    return found


def write(folder: Path) -> None:
    """Files of a photograph, with the symbols and the pixels that this machine decodes them to."""
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
    """Decode each file here and compare; the number of files that differ."""
    import onnxruntime

    import skosh
    from skosh.bundle.loading import load

    bundle = load(
        None, 1
    )  # checks the scale map against its reference vector, and refuses the bundle if one index differs
    checked = bundle.arrays["check_index"].size
    print(f"{platform.machine()}, Python {platform.python_version()}, ONNX Runtime {onnxruntime.__version__}")
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
    try:
        import constriction  # noqa: F401
    except ModuleNotFoundError:
        sys.modules["constriction"] = stand_in()
    ways: dict[str, Callable[[Path], int | None]] = {"write": write, "check": check}
    sys.exit(ways[sys.argv[1]](Path(sys.argv[2])) or 0)
