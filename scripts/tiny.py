"""Make the small bundles of tests/bundles anew: on purpose, alone in a commit.

    python scripts/tiny.py

With them, the codec's tests need no PyTorch. ``tiny`` is twelve steps of the configuration ``tiny`` on crops of a
photograph from scikit-image; ``filtered`` also has Wiener filters. Both get the heads of ``tiny_heads.py``, which can
also be made anew alone.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import tiny_heads

from golden import photo
from skosh.train import calibrate, config, loop, wiener_terms
from skosh.train.export import export

BUNDLES = Path(__file__).parents[1] / "tests" / "bundles"


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        photos, run = Path(name, "photos"), Path(name, "tiny")
        photos.mkdir()
        cat = photo("skimage", "data/chelsea.png")
        for i, left in enumerate((0, 40, 80, 130)):
            cat.crop((left, i * 10, left + 320, i * 10 + 256)).save(photos / f"{i}.png")
        loop.train(config.load("tiny"), photos, photos, run)
        shutil.rmtree(BUNDLES, ignore_errors=True)
        export(run, BUNDLES / "tiny", licence="CC0-1.0")
        calibrate.BATCHES, wiener_terms.BATCHES, wiener_terms.ROUNDS = 2, 8, 20
        export(run, BUNDLES / "filtered", calibrate=photos, licence="CC0-1.0")
    tiny_heads.main()


if __name__ == "__main__":
    main()
