"""JPEG 2000: OpenJPEG through Pillow."""

from __future__ import annotations

from typing import Any

from PIL import features

import skosh

from ..codec import PillowCodec, Scale


class Jpeg2000(PillowCodec):
    """JPEG 2000, irreversible 9/7 wavelet and colour transform. The setting is the PSNR in dB that OpenJPEG aims at."""

    name = "jpeg2000"
    label = "JPEG 2000"
    kind = "JPEG2000"
    settings = "9/7 wavelet, quality in dB"
    scale = Scale(18, 50, 0.25)
    qualities = (24, 26, 28, 30, 32, 35)
    colour, marker = "purple", "D"

    def version(self) -> str:
        if not features.check("jpg_2000"):
            raise skosh.DependencyError(f"this Pillow can't write JPEG 2000: {self.install}")
        return f"{super().version()}, OpenJPEG {features.version('jpg_2000')}"

    def options(self, quality: float) -> dict[str, Any]:
        return {"quality_mode": "dB", "quality_layers": [float(quality)], "irreversible": True, "no_jp2": True}


CODEC = Jpeg2000
