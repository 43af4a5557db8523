"""AVIF: libavif through Pillow."""

from __future__ import annotations

from typing import Any

from PIL import features

import skosh

from ..codec import Scale, TunedCodec


class Avif(TunedCodec):
    """AVIF with full chroma; libavif 1.4 tunes still pictures for what people see (``tune=iq``)."""

    name = "avif"
    label = "AVIF"
    kind = "AVIF"
    settings = "speed 4, 4:4:4"
    scale = Scale(0, 100)
    qualities = (10, 20, 30, 40, 50, 60, 70)
    install = "pip install 'pillow>=11.3'"
    colour, marker = "blue", "s"

    def version(self) -> str:
        if not features.check("avif"):
            raise skosh.DependencyError(f"this Pillow can't write AVIF: {self.install}")
        return f"{super().version()}, libavif {features.version('avif')}"

    def options(self, quality: float) -> dict[str, Any]:
        advanced = {"advanced": {"tune": self.tune}} if self.tune else {}
        return {"quality": int(quality), "speed": 4, "subsampling": "4:4:4", **advanced}


CODEC = Avif
