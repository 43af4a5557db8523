"""VVC: Fraunhofer's VVenC and VVdeC, through their command-line tools."""

from __future__ import annotations

import struct
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

import skosh

from ..codec import Codec, Scale
from ..tool import find_tool, first_line, run_tool

SIZE = struct.Struct("<HH")  # width and height, before the stream: raw video has even sides only


class Vvc(Codec):
    """One intra frame by ``vvencapp``, decoded by ``vvdecapp``.

    4:2:0, the only format that VVenC has. The setting is QP.
    """

    name = "vvc"
    label = "VVC"
    settings = "VVenC medium, one frame, 4:2:0, no perceptual adaptation"
    scale = Scale(63, 0)
    qualities = (47, 42, 37, 32, 27, 22)
    install = "build vvenc and vvdec (https://github.com/fraunhoferhhi/vvenc)"
    colour, marker = "pink", "*"

    def version(self) -> str:
        encoder = find_tool("vvencapp", self.install)
        find_tool("vvdecapp", self.install)
        return first_line([encoder, "--version"])

    def encode(self, image: Image.Image, quality: float) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            source, coded = Path(folder) / "a.y4m", Path(folder) / "a.266"
            source.write_bytes(to_video(image))
            options = ["--preset", "medium", "--qpa", "0", "--frames", "1", "-q", str(int(quality))]
            run_tool([find_tool("vvencapp", self.install), "--y4m", "-i", source, *options, "-o", coded])
            return SIZE.pack(*image.size) + coded.read_bytes()

    def decode(self, data: bytes) -> Image.Image:
        with tempfile.TemporaryDirectory() as folder:
            coded, shown = Path(folder) / "a.266", Path(folder) / "a.y4m"
            coded.write_bytes(data[SIZE.size :])
            run_tool([find_tool("vvdecapp", self.install), "-b", coded, "--y4m", "-o", shown])
            return from_video(shown.read_bytes()).crop((0, 0, *SIZE.unpack_from(data)))


def to_video(image: Image.Image) -> bytes:
    """A Y4M file of one 8-bit 4:2:0 frame; edges are repeated to even sides, chroma is the mean of 2x2 pixels."""
    ycc = np.asarray(image.convert("YCbCr"))
    ycc = np.pad(ycc, ((0, image.height % 2), (0, image.width % 2), (0, 0)), mode="edge")
    height, width = ycc.shape[:2]
    chroma = ycc[:, :, 1:].reshape(height // 2, 2, width // 2, 2, 2).mean((1, 3))
    planes = [ycc[:, :, 0], *(np.rint(chroma[:, :, i]).astype(np.uint8) for i in range(2))]
    head = f"YUV4MPEG2 W{width} H{height} F25:1 Ip A1:1 C420jpeg\nFRAME\n"
    return head.encode() + b"".join(plane.tobytes() for plane in planes)


def from_video(data: bytes) -> Image.Image:
    """The first frame of a Y4M file, 4:2:0 of 8 or 10 bits, as RGB."""
    head, _, rest = data.partition(b"\n")
    fields = {part[:1]: part[1:].decode() for part in head.split()[1:]}
    if not head.startswith(b"YUV4MPEG2") or not fields.get(b"C", "420").startswith("420"):
        raise skosh.SkoshError("the decoder wrote no 4:2:0 video")
    width, height = int(fields[b"W"]), int(fields[b"H"])
    deep = "p10" in fields.get(b"C", "")
    frame = np.frombuffer(rest.partition(b"\n")[2], "<u2" if deep else "u1", width * height * 3 // 2)
    if deep:
        frame = np.clip(np.rint(frame / 4), 0, 255).astype(np.uint8)
    ends = np.cumsum([width * height, width * height // 4])
    luma, *chroma = np.split(frame, ends)
    return joined(luma.reshape(height, width), [plane.reshape(height // 2, width // 2) for plane in chroma])


def joined(luma: npt.NDArray[np.uint8], chroma: list[npt.NDArray[np.uint8]]) -> Image.Image:
    """Full-range planes (H, W), (H/2, W/2) twice -> RGB, chroma enlarged bicubically."""
    size = luma.shape[1], luma.shape[0]
    large = [Image.fromarray(np.ascontiguousarray(plane)).resize(size, Image.Resampling.BICUBIC) for plane in chroma]
    return Image.merge("YCbCr", [Image.fromarray(np.ascontiguousarray(luma)), *large]).convert("RGB")


CODEC = Vvc
