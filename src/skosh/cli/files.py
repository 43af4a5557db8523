"""Bytes of files and pictures, within limits and with errors of ours."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from ..errors import ImageError, LimitError
from ..limits import MAX_FILE


def open_image(data: bytes) -> Image.Image:
    """A picture from a file's bytes; ImageError if they are none."""
    try:
        return Image.open(io.BytesIO(data))
    except UnidentifiedImageError:
        raise ImageError("empty file" if not data else "not a picture of a known kind") from None
    except Exception as error:  # Pillow's decoders raise anything on damaged data
        raise ImageError(f"can't read the picture: {error}") from error


def image_bytes(image: Image.Image, suffix: str) -> bytes:
    """A picture in the format that a file name's suffix stands for."""
    kind = Image.registered_extensions().get(suffix.lower())
    if kind is None or kind not in Image.SAVE:
        raise ImageError(f"can't write pictures as {suffix or 'a file without a suffix'}: use .png")
    buffer = io.BytesIO()
    image.save(buffer, format=kind)
    return buffer.getvalue()


def read_file(path: Path) -> bytes:
    """A file's bytes, up to the limit."""
    with path.open("rb") as file:
        return within_limit(file.read(MAX_FILE + 1))


def within_limit(data: bytes) -> bytes:
    """The same bytes; LimitError if they are too many."""
    if len(data) > MAX_FILE:
        raise LimitError(f"more than {MAX_FILE} bytes")
    return data
