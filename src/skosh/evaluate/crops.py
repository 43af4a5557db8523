"""Boxes of a picture that are worth enlarging: where codecs differ most, and where the original is flattest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels
Floats = npt.NDArray[np.float64]
AROUND = 9  # pixels a side over which a local contrast is taken
NOISE = 5.0  # grey levels: contrast below it hides nothing
DARK, BRIGHT = 24.0, 231.0  # mean grey levels outside of which a flat box shows little


def quarter(size: tuple[int, int]) -> tuple[int, int]:
    """A quarter of a picture's sides, at least 64 pixels or all of it."""
    width, height = size
    return max(1, min(width, max(64, width // 4))), max(1, min(height, max(64, height // 4)))


def most_different(pictures: Sequence[Image.Image], original: Image.Image, size: tuple[int, int] | None = None) -> Box:
    """Return the box where decoded pictures differ most from each other.

    ``size``: width and height, at most the picture's; ``quarter`` by default. A difference is divided by the
    original's local contrast, so that noise in busy texture does not win.
    """
    width, height = size or quarter(original.size)
    stack = np.stack([blurred(picture) for picture in pictures])
    spread = stack.max(0) - stack.min(0)
    busy = contrast(blurred(original))
    score = box_means(spread / np.hypot(busy, NOISE), height, width)
    return at(int(score.argmax()), score.shape, width, height)


def flattest(original: Image.Image, size: tuple[int, int] | None = None) -> Box:
    """Return the box with the least local contrast, but none that is nearly black or white if there are others."""
    width, height = size or quarter(original.size)
    plane = grey(original)
    score, level = box_means(contrast(plane), height, width), box_means(plane, height, width)
    seen = (level > DARK) & (level < BRIGHT)
    score = np.where(seen, score, np.inf) if seen.any() else score
    return at(int(score.argmin()), score.shape, width, height)


def at(place: int, shape: tuple[int, ...], width: int, height: int) -> Box:
    """The box of a size whose corner has this place among (rows, columns) of corners."""
    top, left = np.unravel_index(place, shape)
    return int(left), int(top), int(left) + width, int(top) + height


def grey(picture: Image.Image) -> Floats:
    """A picture's luma, (H, W) in 0..255."""
    return np.asarray(picture.convert("L"), np.float64)


def blurred(picture: Image.Image) -> Floats:
    """The same as means of 3x3 pixels."""
    return np.asarray(picture.convert("L").filter(ImageFilter.BoxBlur(1)), np.float64)


def contrast(plane: Floats) -> Floats:
    """Deviation from the local mean around each pixel, of the same size, in grey levels."""
    squares = np.square(plane - box_means(plane, AROUND, AROUND, same=True))
    return np.sqrt(np.maximum(box_means(squares, AROUND, AROUND, same=True), 0.0))


def box_means(values: Floats, height: int, width: int, same: bool = False) -> Floats:
    """Means over boxes: (H, W) -> (H - height + 1, W - width + 1), or the same size with repeated edges."""
    if same:
        values = np.pad(values, ((height // 2, height - 1 - height // 2), (width // 2, width - 1 - width // 2)), "edge")
    sums = np.pad(values.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    found: Floats = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
    return found / (height * width)
