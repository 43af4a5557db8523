"""BPG: HEVC intra coding by x265 in a small container, through its author's command-line tools."""

from __future__ import annotations

import tempfile
from pathlib import Path

from PIL import Image

from ..codec import Codec, Scale
from ..tool import find_tool, first_line, run_tool


class Bpg(Codec):
    """``bpgenc`` and ``bpgdec``. The setting is the quantiser: the higher, the smaller."""

    name = "bpg"
    label = "BPG"
    settings = "x265, level 8, 4:4:4"
    scale = Scale(51, 0)
    qualities = (46, 43, 40, 37, 34, 31, 28, 25, 22)
    install = "build libbpg (https://bellard.org/bpg)"
    colour, marker = "black", "o"

    def version(self) -> str:
        encoder = find_tool("bpgenc", self.install)
        find_tool("bpgdec", self.install)
        return first_line([encoder, "-h"])

    def encode(self, image: Image.Image, quality: float) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            source, coded = Path(folder) / "a.png", Path(folder) / "a.bpg"
            image.save(source, compress_level=1)
            tool = find_tool("bpgenc", self.install)
            run_tool([tool, "-m", "8", "-q", str(int(quality)), "-f", "444", "-o", coded, source])
            return coded.read_bytes()

    def decode(self, data: bytes) -> Image.Image:
        with tempfile.TemporaryDirectory() as folder:
            coded, shown = Path(folder) / "a.bpg", Path(folder) / "a.png"
            coded.write_bytes(data)
            run_tool([find_tool("bpgdec", self.install), "-o", shown, coded])
            with Image.open(shown, formats=["PNG"]) as image:
                return image.convert("RGB")


CODEC = Bpg
