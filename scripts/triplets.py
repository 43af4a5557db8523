"""Draw the comparisons that the documents show, from openly licensed photographs.

Photographs of scikit-image and scikit-learn. Writes docs/images/triplet-NAME.jpg. JPEG of high quality keeps them
small; ``skosh compare`` itself writes PNG.

coffee: Rachel Michetti, CC0. astronaut: NASA, public domain. temple: danielbuechele, CC BY 2.0. flower: dany eid, CC BY
2.0.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import os
from pathlib import Path

from PIL import Image

import skosh
from skosh.evaluate import codecs
from skosh.evaluate.compare import Contest, opponent, usable_metrics
from skosh.evaluate.figure import figure

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("SKOSH_SHARED", ROOT.parent / "shared"))
PHOTOGRAPHS = {
    "coffee": ("skimage", "data/coffee.png"),
    "astronaut": ("skimage", "data/astronaut.png"),
    "temple": ("sklearn", "datasets/images/china.jpg"),
    "flower": ("sklearn", "datasets/images/flower.jpg"),
}
CROPS = {"astronaut": (140, 24, 300, 184)}  # left, top, right, bottom; of the others where the two differ most
COLUMN = 480  # pixels
LARGEST = 340_000  # bytes of a figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=["astronaut", "temple"], help=f"of {', '.join(PHOTOGRAPHS)}")
    parser.add_argument("--bpp", type=float, default=0.23)
    parser.add_argument("--against", default="avif")
    parser.add_argument("--model", help="an installed bundle's name or a bundle's folder")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    arguments = parser.parse_args()
    ours = codecs.make(f"skosh={arguments.model}" if arguments.model else "skosh")
    other, note = opponent(arguments.against, print)
    weights = SHARED / "lpips" / "alexnet_lpips_v0.1_fp16.npz"
    metrics = usable_metrics(weights if weights.is_file() else None, print)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.names:
        contest = Contest(ours, other, metrics, arguments.bpp, CROPS.get(name), note)
        sheet = figure(contest.compare(photograph(name)), COLUMN)
        path = arguments.out / f"triplet-{name}.jpg"
        path.write_bytes(small(sheet))
        print(path)


def photograph(name: str) -> Path:
    """Return the file of a photograph."""
    package, path = PHOTOGRAPHS[name]
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(f"{name} comes with {package}, which is not installed")
    return Path(spec.origin).parent / path


def small(sheet: Image.Image) -> bytes:
    """Return the figure as a JPEG of at most ``LARGEST`` bytes."""
    for quality in range(95, 59, -3):
        buffer = io.BytesIO()
        sheet.save(buffer, "JPEG", quality=quality, subsampling=0, optimize=True, progressive=True)
        if buffer.tell() <= LARGEST:
            return buffer.getvalue()
    raise SystemExit("the figure is too large")


if __name__ == "__main__":
    try:
        main()
    except (skosh.SkoshError, OSError) as error:
        raise SystemExit(f"triplets: {error}") from error
