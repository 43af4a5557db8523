"""Read what the browser's encoder wrote, for its tests (web/tests): Python as another reader, and as a yardstick.

    python scripts/web_encoding.py FOLDER

FOLDER holds ``cases.json``, a list of names, bundles, qualities and tiles, and for each case the pixels NAME.rgba and
the file NAME.skosh that the browser made of them. Writes ``read.json``: for each case the SHA-256 of the symbols, mode
and size of the picture, the PSNR (dB) at a realism of 0, and bytes and PSNR of Python's own file by plain rounding.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from unittest.mock import PropertyMock, patch

import numpy as np
import numpy.typing as npt
from PIL import Image

import skosh
from golden import symbol_hash
from skosh.bundle.bundle import Bundle


def main(folder: Path) -> None:
    cases = json.loads((folder / "cases.json").read_text())
    with patch.object(Bundle, "has_gradients", new_callable=PropertyMock, return_value=False):  # no optimised symbols
        (folder / "read.json").write_text(json.dumps([read(folder, **case) for case in cases]))


def read(
    folder: Path, name: str, bundle: str, quality: float, tile: int, width: int, height: int, **_: Any
) -> dict[str, Any]:
    """Return what Python finds in a file, and what it makes of the same pixels."""
    pixels = np.fromfile(folder / f"{name}.rgba", np.uint8).reshape(height, width, 4)
    data = (folder / f"{name}.skosh").read_bytes()
    shown = skosh.decode(data, bundle, 1, realism=0)
    own = skosh.encode(as_python(pixels), quality, bundle, 1, tile=tile)
    (folder / f"{name}.shown.rgba").write_bytes(shown.convert("RGBA").tobytes())
    return {
        "symbols": symbol_hash(data, Path(bundle)),
        "mode": shown.mode,
        "size": shown.size,
        "psnr": psnr(shown, pixels),
        "alpha": bool(np.array_equal(np.asarray(shown.convert("RGBA"))[..., 3], pixels[..., 3])),
        "own_bytes": len(own),
        "own_psnr": psnr(skosh.decode(own, bundle, 1, realism=0), pixels),
    }


def as_python(pixels: npt.NDArray[np.uint8]) -> Image.Image:
    """Return the picture in the mode that the browser's encoder finds in the pixels (H, W, 4)."""
    grey = bool(np.all(pixels[..., :3] == pixels[..., :1]))
    clear = bool(np.any(pixels[..., 3] < 255))
    return Image.fromarray(pixels).convert(("LA" if clear else "L") if grey else ("RGBA" if clear else "RGB"))


def psnr(shown: Image.Image, pixels: npt.NDArray[np.uint8]) -> float:
    """Return the PSNR in dB of the colours."""
    found = np.asarray(shown.convert("RGB"), np.float64)
    return float(10 * np.log10(255**2 / max(float(np.mean((found - pixels[..., :3]) ** 2)), 1e-10)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
