"""HEIC: HEVC intra coding by x265, through libheif and pillow-heif."""

from __future__ import annotations

from typing import Any

import skosh

from ..codec import Scale, TunedCodec


class Heic(TunedCodec):
    """HEIC with full chroma; libheif tunes x265 for SSIM."""

    name = "heic"
    label = "HEIC"
    kind = "HEIF"
    settings = "x265, 4:4:4"
    scale = Scale(0, 100)
    qualities = (10, 20, 30, 40, 50)
    install = "pip install pillow-heif"
    colour, marker = "sky", "P"

    def version(self) -> str:
        try:
            import pillow_heif
        except ImportError:
            raise skosh.DependencyError(f"pillow-heif is not installed: {self.install}") from None
        found = pillow_heif.libheif_info()
        encoders = " ".join(found["encoders"].values())
        if "x265" not in encoders:
            raise skosh.DependencyError("this pillow-heif has no x265 and can't write HEIC")
        pillow_heif.register_heif_opener()
        return f"pillow-heif {pillow_heif.__version__}, libheif {found['libheif']}, {found['HEIF']}"

    def options(self, quality: float) -> dict[str, Any]:
        tune = {"enc_params": {"tune": self.tune}} if self.tune else {}
        return {"quality": int(quality), "chroma": "444", **tune}


CODEC = Heic
