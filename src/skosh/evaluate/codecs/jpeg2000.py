"""JPEG 2000: OpenJPEG through Pillow."""

from __future__ import annotations

from typing import Any

from PIL import features

import skosh

from ..codec import PillowCodec, Scale


class Jpeg2000(PillowCodec):
    """JPEG 2000 with the irreversible 9/7 wavelet and colour transform.

    The setting is the compression ratio, 24 / bits a pixel. OpenJPEG can aim at a PSNR instead. But a curve of means
    over pictures at equal PSNR lies far below what it does for each of them.
    """

    name = "jpeg2000"
    label = "JPEG 2000"
    kind = "JPEG2000"
    settings = "9/7 wavelet, colour transform, compression ratio"
    scale = Scale(480, 2, 0.5)
    qualities = (240, 160, 104, 69, 44, 24)
    colour, marker = "purple", "D"

    def version(self) -> str:
        if not features.check("jpg_2000"):
            raise skosh.DependencyError(f"this Pillow can't write JPEG 2000: {self.install}")
        return f"{super().version()}, OpenJPEG {features.version('jpg_2000')}"

    def options(self, quality: float) -> dict[str, Any]:
        layers = {"quality_mode": "rates", "quality_layers": [float(quality)]}
        return {**layers, "irreversible": True, "mct": 1, "no_jp2": True}  # without mct: three pictures in grey


CODEC = Jpeg2000
