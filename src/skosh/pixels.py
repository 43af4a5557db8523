"""Between Pillow's pictures and the arrays that the networks take."""

from __future__ import annotations

import io
import warnings

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms, ImageOps

from .errors import ImageError, SkoshError
from .limits import check_size

Pixels = npt.NDArray[np.uint8]  # (H, W, 3), RGB
Floats = npt.NDArray[np.float32]

ALPHA_MODES = ("RGBA", "LA", "PA", "RGBa", "La")
SIXTEEN_BIT_MODES = ("I;16", "I;16L", "I;16B", "I;16N")


def from_image(image: Image.Image) -> Pixels:
    """RGB pixels of a picture, turned upright by its EXIF orientation.

    16-bit grey is reduced to 8 bits. Alpha is dropped and further frames are left out, each with a warning. Raises ImageError for modes
    without a stated conversion (32-bit integers and floats) and for damaged data, LimitError for too many pixels.
    """
    check_size(image.width, image.height)
    try:
        if getattr(image, "n_frames", 1) > 1:
            warnings.warn("only the first frame of the animation is kept", stacklevel=2)
        image.load()
        image = ImageOps.exif_transpose(image)
        if image.mode in SIXTEEN_BIT_MODES:
            warnings.warn("16-bit grey is reduced to 8 bits", stacklevel=2)
            image = Image.fromarray((np.asarray(image).astype(np.float32) / 257.0 + 0.5).astype(np.uint8))
        elif image.mode in ("I", "F"):
            raise ImageError(f"pictures of mode {image.mode} (32 bits a value) have no stated conversion to 8 bits")
        if image.mode in ALPHA_MODES or "transparency" in image.info:
            warnings.warn("transparency is dropped", stacklevel=2)
            image = image.convert("RGBA")
        if not _is_srgb(image.info.get("icc_profile")):
            warnings.warn("the colour profile is dropped: colours will shift a little", stacklevel=2)
        return np.asarray(image.convert("RGB"))
    except SkoshError:
        raise
    except Exception as error:  # Pillow's decoders raise anything on damaged data: IndexError, struct.error, ...
        raise ImageError(f"can't read the picture: {error}") from error


def _is_srgb(profile: bytes | None) -> bool:
    """Whether a colour profile says nothing new: there is none, or it is one of sRGB."""
    if not profile:
        return True
    try:
        return "srgb" in ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile))).lower()
    except (ImageCms.PyCMSError, OSError):
        return False


def to_image(pixels: Pixels) -> Image.Image:
    """A Pillow picture of RGB pixels."""
    return Image.fromarray(pixels)


def padded(size: int, multiple: int) -> int:
    """The next multiple, at or above ``size``."""
    return -(-size // multiple) * multiple


def to_network(pixels: Pixels, multiple: int) -> Floats:
    """(H, W, 3) bytes -> (1, 3, H', W') in [0, 1]; the right and bottom edges are repeated up to a multiple."""
    height, width = pixels.shape[:2]
    edges = ((0, padded(height, multiple) - height), (0, padded(width, multiple) - width), (0, 0))
    planes = np.pad(pixels, edges, mode="edge").transpose(2, 0, 1)
    return np.ascontiguousarray(planes, dtype=np.float32)[None] / np.float32(255.0)


def from_network(x: Floats, height: int, width: int) -> Pixels:
    """(1, 3, H', W') in [0, 1] -> (height, width, 3) bytes, rounded to the nearest."""
    scaled = x[0, :, :height, :width] * np.float32(255.0)
    np.clip(scaled, 0.0, 255.0, out=scaled)
    return np.ascontiguousarray(np.rint(scaled).astype(np.uint8).transpose(1, 2, 0))
