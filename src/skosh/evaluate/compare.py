"""``skosh compare``: a picture, and what two codecs make of it in the same number of bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

import skosh

from . import UsageError, codecs, pictures
from .codec import Codec
from .crops import Box, most_different
from .metrics import DEFAULT, Metrics, Values, available
from .search import EQUAL, Match, equal_bytes

INSTEAD = {"bpg": "heic"}  # HEVC intra coding, x265, 4:4:4
FAR = 0.1  # relative difference to the bytes asked for from which on a note says so


@dataclass(frozen=True)
class Panel:
    """One of the pictures side by side."""

    label: str
    setting: str  # of the codec, in words
    picture: Image.Image
    bytes: int
    metrics: Values  # {} for the original

    @property
    def bpp(self) -> float:
        """Bits a pixel."""
        return 8 * self.bytes / (self.picture.width * self.picture.height)


@dataclass(frozen=True)
class Comparison:
    """The original, skosh and the other codec, the crop, and notes for the reader."""

    panels: tuple[Panel, Panel, Panel]
    crop: Box
    note: str = ""


def opponent(name: str, say: Callable[[str], None]) -> tuple[Codec, str]:
    """Return the codec to compare with, and a note. Without BPG it is HEIC, and the note says so."""
    codec = codecs.make(name)
    try:
        codec.version()
        return codec, ""
    except skosh.DependencyError as error:
        if name not in INSTEAD:
            raise
        stand_in = codecs.make(INSTEAD[name])
        stand_in.version()
        note = (
            f"{stand_in.label} stands in for {codec.label}, which is not installed: "
            "HEVC intra coding too (x265, 4:4:4), but tuned for SSIM, 17 % larger on Kodak at equal PSNR"
        )
        say(f"{error}; {note}")
        return stand_in, note


def usable_metrics(weights: Path | None, say: Callable[[str], None], names: tuple[str, ...] = DEFAULT) -> Metrics:
    """Return the metrics that are available here; write a line for each that is not.

    Raises UsageError for an unknown one.
    """
    return Metrics(available(names, weights, say), weights)


@dataclass(frozen=True)
class Contest:
    """What pictures are compared under."""

    ours: Codec
    other: Codec
    metrics: Metrics
    bpp: float  # of both files
    crop: Box | None = None  # None: where the two differ most
    note: str = ""  # that goes with every figure

    def compare(self, path: Path) -> Comparison:
        """Code a picture with both codecs.

        Raises ImageError, UsageError for a crop outside of the picture, and what the codecs raise.
        """
        original = pictures.read(path)
        check_inside(self.crop, original, path)
        target = self.bpp * original.width * original.height / 8
        match = equal_bytes(self.ours, self.other, original, target)
        sides = ((self.ours, match.ours, match.our_quality), (self.other, match.other, match.other_quality))
        coded = [self.decoded(*side, original) for side in sides]
        panels = (Panel("original", "", original, path.stat().st_size, {}), coded[0], coded[1])
        box = self.crop or most_different([one.picture for one in coded], original)
        notes = [self.note, *what_is_off(match, target)]
        return Comparison(panels, box, "; ".join(filter(None, notes)))

    def decoded(self, codec: Codec, data: bytes, quality: float, original: Image.Image) -> Panel:
        """What a file decodes to."""
        picture = codec.decode(data)
        return Panel(codec.label, f"quality {quality:g}", picture, len(data), self.metrics(original, picture))


def what_is_off(match: Match, target: float) -> list[str]:
    """Return lines for a figure whose sizes are not those that were asked for."""
    notes = []
    if match.difference > EQUAL:
        notes.append(f"the sizes differ by {match.difference:.1%}: no nearer qualities exist")
    if abs(len(match.ours) / target - 1) > FAR:
        notes.append(f"{target:,.0f} bytes were asked for: there are no files of that size")
    return notes


def check_inside(crop: Box | None, image: Image.Image, path: Path) -> None:
    """Raise UsageError unless the crop is inside of the picture."""
    if crop and not (0 <= crop[0] < crop[2] <= image.width and 0 <= crop[1] < crop[3] <= image.height):
        raise UsageError(f"the crop is not inside of {path}, which is {image.width}x{image.height}")
