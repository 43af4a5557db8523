"""What a codec has to offer to be measured.

Each codec is a class in a file of its own in ``codecs/``; nothing else has to be touched.
"""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import PIL
from PIL import Image

from . import UsageError


@dataclass(frozen=True)
class Scale:
    """The settings that a codec takes, from the smallest file to the best picture."""

    worst: float
    best: float
    step: float = 1.0  # positive

    @property
    def last(self) -> int:
        """The place of the best setting; the worst one's is 0."""
        return round(abs(self.best - self.worst) / self.step)

    def setting(self, place: int) -> float:
        """The setting at a place in 0..last."""
        sign = 1 if self.best > self.worst else -1
        return self.worst + sign * self.step * place

    def __contains__(self, setting: float) -> bool:
        place = abs(setting - self.worst) / self.step
        inside = min(self.worst, self.best) <= setting <= max(self.worst, self.best)
        return inside and abs(place - round(place)) < 1e-6


class Codec(ABC):
    """A codec with everything but its quality decided."""

    name: str  # in files and on the command line
    label: str  # in plots and tables
    settings: str  # what is decided besides the quality
    scale: Scale
    qualities: tuple[float, ...]  # settings that cover about 0.1 to 1.5 bpp on photographs
    install: ClassVar[str]  # how to get it
    colour: str = "grey"  # of its curve; a name in plots.COLOURS
    marker: str = "o"  # matplotlib's, for print without colours

    @classmethod
    def make(cls, argument: str | None) -> Codec:
        """The codec, from what stands after its name on the command line, without a first ``=``.

        Raises UsageError where it takes nothing there.
        """
        if argument is not None:
            raise UsageError(f"{cls.name} takes nothing after its name, and not {argument!r}")
        return cls()

    @property
    def encoder(self) -> str:
        """What decides the files: codecs of one encoder differ in how they decode alone."""
        return self.name

    @abstractmethod
    def version(self) -> str:
        """Return the tool or library and its version; results are kept under it.

        Raises DependencyError if it is missing or does not answer.
        """

    @abstractmethod
    def encode(self, image: Image.Image, quality: float) -> bytes:
        """The file of an RGB picture."""

    @abstractmethod
    def decode(self, data: bytes) -> Image.Image:
        """The RGB picture of a file."""


class PillowCodec(Codec):
    """A codec that Pillow, or one of its plugins, has."""

    kind: ClassVar[str]  # Pillow's name of the format
    install = "pip install --upgrade pillow"

    @abstractmethod
    def options(self, quality: float) -> dict[str, Any]:
        """Arguments of Pillow's ``save``."""

    def version(self) -> str:
        return f"Pillow {PIL.__version__}"

    def encode(self, image: Image.Image, quality: float) -> bytes:
        buffer = io.BytesIO()
        image.save(buffer, self.kind, **self.options(quality))
        return buffer.getvalue()

    def decode(self, data: bytes) -> Image.Image:
        with Image.open(io.BytesIO(data), formats=[self.kind]) as image:
            return image.convert("RGB")


class TunedCodec(PillowCodec):
    """A codec whose encoder works for a metric of its own choice, unless ``NAME=psnr`` asks for PSNR."""

    tune: str | None = None

    @classmethod
    def make(cls, argument: str | None) -> Codec:
        if argument not in (None, "psnr"):
            raise UsageError(f"{cls.name} takes psnr after =, to be tuned for it, or nothing")
        codec = cls()
        if argument:
            codec.tune = argument
            codec.name, codec.label = f"{cls.name}={argument}", f"{cls.label}, tuned for PSNR"
            codec.settings, codec.marker = f"{cls.settings}, tune {argument}", "^"
        return codec
