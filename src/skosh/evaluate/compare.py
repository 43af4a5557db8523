"""``skosh compare``: a picture, and what two codecs make of it in the same number of bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

import skosh

from . import UsageError, codecs, pictures
from .codec import Codec
from .metrics import Metrics, Values, missing
from .search import EQUAL, equal_bytes

INSTEAD = {"bpg": "heic"}  # the same HEVC intra coding; x265, 4:4:4
METRICS = ("psnr", "ms_ssim", "lpips")
Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels


@dataclass(frozen=True)
class Panel:
    """One of the pictures side by side."""

    label: str
    picture: Image.Image
    bytes: int
    metrics: Values  # {} for the original

    @property
    def bpp(self) -> float:
        """Bits a pixel."""
        return 8 * self.bytes / (self.picture.width * self.picture.height)


@dataclass(frozen=True)
class Comparison:
    """The original, skosh and the other codec, where the crop is to be, and what has to be said about it."""

    panels: tuple[Panel, Panel, Panel]
    crop: Box
    note: str = ""


def opponent(name: str, say: Callable[[str], None]) -> Codec:
    """The codec to compare with; for BPG, where it is not installed, HEIC, with a line that says so."""
    codec = codecs.make(name)
    try:
        codec.version()
        return codec
    except skosh.DependencyError as error:
        if name not in INSTEAD:
            raise
        stand_in = codecs.make(INSTEAD[name])
        stand_in.version()
        say(f"{error}; comparing with {stand_in.label} instead, the same HEVC intra coding (x265, 4:4:4)")
        return stand_in


def usable_metrics(weights: Path | None, say: Callable[[str], None]) -> Metrics:
    """The metrics that can be had here; a line for each that can't."""
    reasons = {name: missing(name, weights) for name in METRICS}
    for reason in filter(None, reasons.values()):
        say(f"skipped: {reason}")
    return Metrics(tuple(name for name in METRICS if not reasons[name]), weights)


def compare(path: Path, bpp: float, ours: Codec, other: Codec, metrics: Metrics, crop: Box | None = None) -> Comparison:
    """Code a picture with both codecs at about ``bpp``. Raises ImageError, UsageError for a crop outside of it, SkoshError of the codecs."""
    original = pictures.read(path)
    if crop and not (0 <= crop[0] < crop[2] <= original.width and 0 <= crop[1] < crop[3] <= original.height):
        raise UsageError(f"the crop is not inside of {path}, which is {original.width}x{original.height}")
    match = equal_bytes(ours, other, original, bpp * original.width * original.height / 8)
    first = Panel("original", original, path.stat().st_size, {})
    coded = [decoded(codec, data, original, metrics) for codec, data in ((ours, match.ours), (other, match.other))]
    note = "" if match.difference <= EQUAL else f"the sizes differ by {match.difference:.1%}: no nearer qualities exist"
    box = crop or most_different(coded[0].picture, coded[1].picture, original)
    return Comparison((first, coded[0], coded[1]), box, note)


def decoded(codec: Codec, data: bytes, original: Image.Image, metrics: Metrics) -> Panel:
    """What a file decodes to."""
    picture = codec.decode(data)
    return Panel(codec.label, picture, len(data), metrics(original, picture))


def most_different(first: Image.Image, second: Image.Image, original: Image.Image) -> Box:
    """A box, a quarter of the sides, where two decoded pictures differ most from each other.

    Differences count against what the original has there (its own local contrast), so that noise in busy texture does not win.
    """
    width, height = original.size
    box_width, box_height = max(1, min(width, max(64, width // 4))), max(1, min(height, max(64, height // 4)))
    grey = [
        np.asarray(picture.convert("L").filter(ImageFilter.BoxBlur(1)), np.float64)
        for picture in (first, second, original)
    ]
    contrast = box_means(np.square(grey[2] - box_means(grey[2], 9, 9, same=True)), 9, 9, same=True)
    score = box_means(np.abs(grey[0] - grey[1]) / np.sqrt(contrast + 25.0), box_height, box_width)
    top, left = np.unravel_index(int(score.argmax()), score.shape)
    return int(left), int(top), int(left) + box_width, int(top) + box_height


def box_means(values: np.ndarray, height: int, width: int, same: bool = False) -> np.ndarray:
    """Means over boxes: (H, W) -> (H - height + 1, W - width + 1), or the same size with repeated edges."""
    if same:
        values = np.pad(values, ((height // 2, height - 1 - height // 2), (width // 2, width - 1 - width // 2)), "edge")
    sums = np.pad(values.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    found: np.ndarray = (
        sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
    )
    return found / (height * width)
