"""JPEG XL: libjxl through pillow-jxl-plugin."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import skosh

from ..codec import PillowCodec, Scale


class JpegXL(PillowCodec):
    """Lossy JPEG XL."""

    name = "jxl"
    label = "JPEG XL"
    kind = "JXL"
    settings = "effort 7"
    scale = Scale(1, 99)
    qualities = (5, 15, 30, 45, 60, 75, 85)
    install = "pip install pillow-jxl-plugin"
    colour, marker = "green", "X"

    def version(self) -> str:
        try:
            import pillow_jxl  # noqa: F401  (registers itself with Pillow)
        except ImportError:
            raise skosh.DependencyError(f"pillow-jxl-plugin is not installed: {self.install}") from None
        return f"pillow-jxl-plugin {version('pillow-jxl-plugin')}"

    def options(self, quality: float) -> dict[str, Any]:
        return {"quality": int(quality), "effort": 7}


CODEC = JpegXL
