"""What is refused before anything is allocated for it."""

from __future__ import annotations

from .errors import LimitError

MAX_SIDE = 65_535  # pixels
MAX_PIXELS = 32 << 20  # width x height; a picture takes about 200 bytes of memory a pixel on its way
FREE_PIXELS = 1 << 20  # a file may claim so many, however short it is
PIXELS_PER_BYTE = 4096  # ... and so many more for each of its bytes; a picture of one colour has about 250
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


def check_justified(width: int, height: int, size: int) -> None:
    """Raise LimitError if a file of ``size`` bytes claims a picture so large that it can't be meant."""
    if width * height > FREE_PIXELS + PIXELS_PER_BYTE * size:
        raise LimitError(f"a file of {size} bytes claims a picture of {width}x{height}: refused")
