"""JPEG: libjpeg-turbo through Pillow."""

from __future__ import annotations

from typing import Any

from PIL import features

from ..codec import PillowCodec, Scale


class Jpeg(PillowCodec):
    """Baseline JPEG with optimised Huffman tables, 4:2:0."""

    name = "jpeg"
    label = "JPEG"
    kind = "JPEG"
    settings = "optimize, 4:2:0"
    scale = Scale(1, 95)
    qualities = (5, 10, 20, 30, 50, 70, 85)
    colour, marker = "grey", "v"

    def version(self) -> str:
        turbo = features.version("libjpeg_turbo")
        return f"{super().version()}, {f'libjpeg-turbo {turbo}' if turbo else 'libjpeg'}"

    def options(self, quality: float) -> dict[str, Any]:
        return {"quality": int(quality), "optimize": True, "subsampling": "4:2:0"}


CODEC = Jpeg
