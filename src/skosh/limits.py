"""What is refused before anything is allocated for it."""

from __future__ import annotations

from .errors import LimitError

MAX_SIDE = 65_535  # pixels
MAX_PIXELS = 64 << 20  # width x height
MAX_CHUNK = 256 << 20  # bytes of one chunk's payload
MAX_FILE = 512 << 20  # bytes of a file
MAX_MANIFEST = 1 << 20  # bytes


def check_size(width: int, height: int, max_pixels: int = MAX_PIXELS) -> None:
    """Raise LimitError unless a picture of this size may be held in memory."""
    if width < 1 or height < 1:
        raise LimitError(f"a picture of {width}x{height} has no pixels")
    if max(width, height) > MAX_SIDE:
        raise LimitError(f"{width}x{height} is over the limit of {MAX_SIDE} pixels a side")
    if width * height > max_pixels:
        raise LimitError(f"{width}x{height} is {width * height} pixels, over the limit of {max_pixels}")
