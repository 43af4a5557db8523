"""Transparency: one plane of 8 bits, kept exactly, as a grey PNG inside the file."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from .errors import FormatError
from .pixels import Plane


def pack(alpha: Plane) -> bytes:
    """(H, W) bytes -> PNG."""
    buffer = io.BytesIO()
    Image.fromarray(alpha).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def unpack(data: bytes, height: int, width: int) -> Plane:
    """PNG -> (height, width) bytes. Raises FormatError for anything else, before much is allocated."""
    try:
        with PngImageFile(io.BytesIO(data)) as image:  # without Image.open, whose own limit of pixels is not ours
            if image.size != (width, height) or image.mode != "L":
                raise FormatError(
                    f"the transparency is {image.mode} of {image.width}x{image.height}: not the picture's"
                )
            return np.asarray(image)
    except FormatError:
        raise
    except Exception as error:  # Pillow's decoders raise anything on damaged data
        raise FormatError(f"the transparency can't be read: {error}") from error
