"""Make the renditions that the browser's decoder is held to (`web_cases.py` calls this): small, natural and double.

``renditions.json`` lists them: the file, the bundle, the options of ``decode`` and the size; pixels lie beside it.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import skosh
from golden import photo
from skosh.bundle.graphs import HEADS

SMALL = Path(__file__).parents[1] / "tests" / "bundles"
PREFERRED = 0.4  # the realism of a bundle that has a default


def renditions(folder: Path) -> None:
    """Write files, their renditions by Python as RGBA, and the list of both."""
    preferring = copy_with_default(folder / "preferring")
    (folder / "renditions.json").write_text(
        json.dumps(
            [
                written(folder, f"{name}-{number}", folder / f"{name}.skosh", bundle, options)
                for name, bundle, every in files(folder, preferring)
                for number, options in enumerate(every)
            ]
        )
    )


def copy_with_default(folder: Path) -> Path:
    """Write a copy of a small bundle whose manifest names a realism."""
    shutil.copytree(SMALL / "filtered", folder)
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest[HEADS]["realism"] = PREFERRED
    path.write_text(json.dumps(manifest))
    return folder


def files(folder: Path, preferring: Path) -> list[tuple[str, Path, list[dict[str, Any]]]]:
    """Write the files to be shown. Returns their names, bundles and options."""
    cat = photo("skimage", "data/chelsea.png").crop((60, 40, 293, 213))
    large = photo("skimage", "data/astronaut.png").resize((900, 700))  # more than a window of pixels
    clear = cat.crop((3, 5, 116, 88))
    clear.putalpha(clear.getchannel("G").point(lambda v: max(0, min(255, 3 * v - 250))))
    grey = clear.convert("LA")
    filtered, tiny = SMALL / "filtered", SMALL / "tiny"
    for name, image, bundle, options in (
        ("tiled", cat, filtered, {"tile": 64, "realism": 0.7}),
        ("whole", cat, tiny, {"tile": 0}),
        ("large", large, filtered, {"tile": 256}),
        ("clear", clear, filtered, {"tile": 64}),
        ("grey", grey, tiny, {"tile": 0}),
    ):
        (folder / f"{name}.skosh").write_bytes(skosh.encode(image, 55.5, bundle, 1, **options))
    region = {"region": [37, 21, 90, 101]}
    sizes = [{"scale": scale} for scale in (0.125, 0.25, 0.5, 1, 2)]
    return [
        ("tiled", filtered, [*sizes, {"realism": 0}, {"realism": 1}, *({**size, **region} for size in sizes)]),
        ("whole", tiny, [*sizes, {"realism": 0.3}, {"realism": 1, "scale": 0.25}, {"realism": 1, **region}]),
        ("large", filtered, [{"scale": 0.5}, {"realism": 0.5}, {"scale": 2, "region": [700, 500, 200, 200]}]),
        ("clear", filtered, [*sizes, {"realism": 0.6}, {"scale": 2, **region, "region": [11, 7, 60, 43]}]),
        ("grey", tiny, [*sizes, {"realism": 1}]),
        ("large", preferring, [{"region": [0, 0, 300, 200]}, {"region": [0, 0, 300, 200], "realism": 0}]),
    ]


def written(folder: Path, name: str, file: Path, bundle: Path, options: dict[str, Any]) -> dict[str, Any]:
    """Write what Python shows of a file."""
    shown: Image.Image = skosh.decode(file, bundle, 1, **options)
    name += f"-{bundle.name}"
    (folder / f"{name}.rgba").write_bytes(np.asarray(shown.convert("RGBA")).tobytes())
    about = {"name": name, "file": file.name, "bundle": str(bundle), "options": options}
    return about | {"width": shown.width, "height": shown.height, "mode": shown.mode}
