"""skosh itself, with the bundle that it ships or any other."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path, PurePath

from PIL import Image

import skosh

from .. import UsageError
from ..codec import Codec, Scale

ROOMS = ("picture", "entropy", "container", "bundle", "codec")  # whose code decides what files hold and show
STEP = 0.125  # files keep the quality in eighths


class Skosh(Codec):
    """skosh with the shipped default bundle.

    ``skosh=NAME`` and ``skosh=FOLDER`` are other bundles; ``skosh=NAME@EFFORT`` searches longer.
    """

    settings = "default tiles"
    scale = Scale(0, 100, STEP)
    qualities: tuple[float, ...] = (0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100)
    install = "it is part of this package"
    colour, marker = "vermilion", "o"

    def __init__(self, model: str | None = None, threads: int = 1, effort: int = 0):
        """``model`` and ``effort``: as ``skosh.encode`` takes them. ``threads``: 0 for one a core."""
        self.model, self.threads, self.effort = model, threads, effort
        self.name = self.label = "skosh"
        if model is not None:  # its curve is to be told from the default's
            called = "/".join(PurePath(model).parts[-2:])  # of a folder with the one above it: many end in "bundle"
            self.name, self.label = f"skosh={called}", f"skosh {called}"
            self.colour, self.marker = "pink", "d"
        if effort:
            self.name, self.label = f"{self.name}@{effort}", f"{self.label}, effort {effort}"
            self.colour, self.marker = "orange", "p"

    @classmethod
    def make(cls, argument: str | None) -> Skosh:
        found = re.fullmatch(r"(.+)@(\d+)", argument) if argument and not Path(argument).is_dir() else None
        return cls(found[1], effort=int(found[2])) if found else cls(argument)

    def version(self) -> str:
        """Return the package's version, its code and the model id.

        A bundle of a single rate has one setting from here on. Raises UsageError for an effort out of range.
        """
        try:
            found = skosh.info(self.encode(Image.new("RGB", (64, 64), "grey"), 100))
        except ValueError as error:
            raise UsageError(str(error)) from error
        if not found["quality"]:
            self.scale, self.qualities = Scale(0, 0, STEP), (0,)
        return f"skosh {skosh.__version__}, code {code()}, model {found['model_id']}"

    def encode(self, image: Image.Image, quality: float) -> bytes:
        exact = int(quality) if quality == int(quality) else quality
        return skosh.encode(image, exact, self.model, self.threads, effort=self.effort)

    def decode(self, data: bytes) -> Image.Image:
        return skosh.decode(data, self.model, self.threads).convert("RGB")


def code() -> str:
    """Return a digest of the codec's own modules, 8 hexadecimal digits: files depend on them and on the bundle."""
    digest, root = hashlib.sha256(), Path(skosh.__file__).parent
    for room in ROOMS:
        for path in sorted((root / room).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


CODEC = Skosh
