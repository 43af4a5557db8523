"""Open pictures in files with Pillow, and raise errors of our own."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, PngImagePlugin, UnidentifiedImageError

from ..errors import ImageError, LimitError
from ..files import APPLE_DOUBLE, SIGNATURE, first_bytes, read_again
from ..limits import MAX_METADATA

TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # beginnings


def open_image(source: Path | bytes) -> Image.Image:
    """Open a picture by its path or from a file's bytes. Raises ImageError if it is none."""
    if isinstance(source, Path):
        source = read_again(source)
    try:
        return Image.open(io.BytesIO(source) if isinstance(source, bytes) else source)
    except UnidentifiedImageError:
        raise ImageError(unknown_kind(source)) from None
    except Image.DecompressionBombError:  # more than twice the limit
        raise LimitError(f"over the limit of {Image.MAX_IMAGE_PIXELS} pixels (--max-pixels raises it)") from None
    except OSError as error:
        if error.errno:  # of the file, not of its content
            raise
        raise ImageError(f"can't read the picture: {error}") from error
    except MemoryError:
        raise
    except Exception as error:  # Pillow's decoders raise anything on damaged data
        raise ImageError(f"can't read the picture: {error}") from error


def unknown_kind(source: Path | bytes) -> str:
    """Say what a file is that Pillow can't read, as far as its first bytes tell."""
    head = source[:12] if isinstance(source, bytes) else first_bytes(source, 12)
    if not head:
        return "empty file"
    if head.startswith(APPLE_DOUBLE):
        return "no picture, but what macOS keeps beside one (AppleDouble)"
    if head[:4] in TIFF:
        return "a TIFF picture of a kind that this Pillow does not read"
    if head.startswith(SIGNATURE):
        return "a .skosh file already"
    if head[4:8] == b"ftyp":
        return "a HEIC picture or a film: this Pillow reads neither"
    return "not a picture of a known kind"


@contextlib.contextmanager
def pillow_limit(max_pixels: int) -> Iterator[None]:
    """Set Pillow's limits of pixels (also for embedded pictures) and metadata to ours for a while."""
    before, text = Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK
    Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK = max_pixels, MAX_METADATA
    try:
        with warnings.catch_warnings():
            # just above it: our own check refuses the picture itself
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            yield
    finally:
        Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK = before, text
