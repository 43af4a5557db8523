"""Make the golden files of tests/golden anew: on purpose, alone in a commit, and named in CHANGELOG.md.

    python scripts/golden.py

Five pictures from photographs of scikit-image and scikit-learn, each with every installed bundle. For each: the file,
the faithful picture that it decodes to, and in golden.json the SHA-256 of its symbols. From the first release on, these
files stay and decode for ever; new weights add a folder.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import skosh
from skosh.bundle.loading import load
from skosh.bundle.manifest import installed
from skosh.codec.decoder import Decoder
from skosh.container.chunks import read

GOLDEN = Path(__file__).parents[1] / "tests" / "golden"


def main() -> None:
    for name, folder, manifest in installed():
        target = GOLDEN / f"{name}-{manifest['model_id']}"
        target.mkdir(parents=True, exist_ok=True)
        hashes = {}
        for picture, (image, options) in pictures().items():
            data = skosh.encode(image, model=folder, **options)
            (target / f"{picture}.skosh").write_bytes(data)
            skosh.decode(data, folder, realism=0).save(target / f"{picture}.png", optimize=True)
            hashes[picture] = symbol_hash(data, folder)
        (target / "golden.json").write_text(json.dumps(hashes, indent=1) + "\n")
        print(f"{target}: {sum(file.stat().st_size for file in target.iterdir()):,} bytes")


def symbol_hash(data: bytes, folder: Path, threads: int = 1, optimise: bool = True) -> str:
    """SHA-256 over z, q and the Wiener filters of a whole file, as little-endian 32-bit numbers."""
    decoder = Decoder(load(folder, threads, optimise), read(data), 1, salvage=False)
    z, q, filters, _ = decoder.symbols(decoder.tiles)
    parts = [z] if q is None else [z, q]
    parts += [symbols for _, symbols in sorted(filters.found.items())]
    return hashlib.sha256(b"".join(np.ascontiguousarray(part, "<i4").tobytes() for part in parts)).hexdigest()


def pictures() -> dict[str, tuple[Image.Image, dict[str, Any]]]:
    """Name -> picture and what it is encoded with."""
    cat = photo("skimage", "data/chelsea.png").crop((60, 40, 253, 170))
    rocket = photo("skimage", "data/rocket.jpg").crop((220, 60, 420, 220))
    temple = photo("sklearn", "datasets/images/china.jpg").crop((180, 120, 380, 260))
    flower = photo("sklearn", "datasets/images/flower.jpg").crop((200, 100, 340, 230))
    cut = flower.copy()
    cut.putalpha(flower.getchannel("R").point(lambda v: 0 if v < 120 else v))
    return {
        "cat": (cat, {"quality": 50}),
        "rocket-low": (rocket, {"quality": 0.125}),
        "temple-tiles": (temple, {"quality": 90, "tile": 64}),
        "flower-alpha": (cut, {"quality": 37.5}),
        "temple-grey": (temple.convert("L"), {"quality": 70}),
    }


def photo(package: str, path: str) -> Image.Image:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(f"this needs {package}, which brings a photograph")
    with Image.open(Path(spec.origin).parent / path) as image:
        made = image.convert("RGB")
    made.info.clear()
    return made


if __name__ == "__main__":
    main()
