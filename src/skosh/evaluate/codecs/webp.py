"""WebP: libwebp through Pillow."""

from __future__ import annotations

from typing import Any

from PIL import features

from ..codec import PillowCodec, Scale


class WebP(PillowCodec):
    """Lossy WebP at its slowest method; always 4:2:0."""

    name = "webp"
    label = "WebP"
    kind = "WEBP"
    settings = "method 6"
    scale = Scale(0, 100)
    qualities = (1, 10, 30, 50, 70, 85)
    colour, marker = "orange", "^"

    def version(self) -> str:
        return f"{super().version()}, libwebp {features.version('webp')}"

    def options(self, quality: float) -> dict[str, Any]:
        return {"quality": int(quality), "method": 6}


CODEC = WebP
