"""Sources of pictures besides Pillow's own: arrays, and files by path, as bytes or opened."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..files import Source, check_path, content_of
from .opening import open_image

CHANNELS = ((), (1,), (2,), (3,), (4,))  # of arrays: grey, grey, grey and alpha, RGB, RGBA


def image_of(array: npt.NDArray[np.uint8]) -> Image.Image:
    """Return the picture of an array. Raises ValueError for another shape or type."""
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or array.shape[2:] not in CHANNELS:
        raise ValueError(
            "an array has to be of uint8 and of the shape (H, W), (H, W, 1), (H, W, 2), (H, W, 3) or (H, W, 4), "
            f"not {array.shape} of {array.dtype}"
        )
    return Image.fromarray(array[..., 0] if array.shape[2:] == (1,) else array)


def open_source(source: Source) -> Image.Image:
    """Open the picture of a file. Raises ImageError if it is none, TypeError for anything but a file."""
    if isinstance(source, (str, os.PathLike)):
        check_path(source)
        return open_image(Path(source))
    if not isinstance(source, (bytes, bytearray, memoryview)) and not hasattr(source, "read"):
        raise TypeError(f"a picture is Pillow's, an array or a file, not {type(source).__name__}")
    return open_image(content_of(source))
