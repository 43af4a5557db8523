"""Between Pillow's pictures and the arrays that the networks take: the rule for every kind of picture, and what is lost by it."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms, ImageOps

from .errors import ImageError, SkoshError
from .limits import MAX_PIXELS, check_size
from .metadata import Metadata, from_info, to_info, upright

Pixels = npt.NDArray[np.uint8]  # (H, W, 3), RGB
Plane = npt.NDArray[np.uint8]  # (H, W)
Floats = npt.NDArray[np.float32]

ALPHA_MODES = ("RGBA", "LA", "PA", "RGBa", "La")
SIXTEEN_BIT_MODES = ("I;16", "I;16L", "I;16B", "I;16N")


@dataclass
class Picture:
    """A picture taken apart."""

    pixels: Pixels  # upright
    grey: bool = False  # all three channels are the same
    alpha: Plane | None = None  # None where everything is opaque
    metadata: Metadata = field(default_factory=Metadata)
    notes: list[str] = field(default_factory=list)  # what was lost, for people


def from_image(image: Image.Image, max_pixels: int = MAX_PIXELS, strip: bool = False) -> Picture:
    """Take a picture apart by the rules of the README's table, upright by its EXIF orientation.

    With ``strip``, metadata are dropped, and colours are converted to sRGB first. Raises ImageError for damaged data and LimitError for more than
    ``max_pixels``. The picture itself is not changed, but its data are loaded.
    """
    check_size(image.width, image.height, max_pixels)
    notes: list[str] = []
    try:
        if getattr(image, "n_frames", 1) > 1:
            notes.append("only the first of its frames is kept")
            image.seek(0)
        if any(";16" in str(tile) for tile in getattr(image, "tile", ())) and image.mode not in SIXTEEN_BIT_MODES:
            notes.append("16 bits a channel are reduced to 8")  # Pillow does so when it loads the data
        image.load()
        metadata = upright(from_info(image.info))
        image = ImageOps.exif_transpose(image)
        image = _to_eight_bits(image, notes)
        image, metadata = _to_rgb(image, metadata, notes, strip)
    except SkoshError:
        raise
    except Exception as error:  # Pillow's decoders raise anything on damaged data: IndexError, struct.error, ...
        raise ImageError(f"can't read the picture: {error}") from error
    alpha = np.asarray(image.getchannel("A")) if image.mode in ("LA", "RGBA") else None
    if alpha is not None and alpha.min() == 255:
        alpha = None
    grey = image.mode in ("L", "LA")
    return Picture(np.asarray(image.convert("RGB")), grey, alpha, metadata, notes)


def _to_eight_bits(image: Image.Image, notes: list[str]) -> Image.Image:
    """Grey of more than 8 bits and floats become grey of 8 bits; other pictures stay as they are."""
    if image.mode in SIXTEEN_BIT_MODES or image.mode == "I":
        notes.append("16-bit grey is reduced to 8 bits")
        values = np.asarray(image).astype(np.float32) / np.float32(257.0)
    elif image.mode == "F":
        values = np.nan_to_num(np.asarray(image), nan=0.0)
        unit = values.min() >= 0.0 and values.max() <= 1.0
        notes.append(f"floats are taken as {'0 to 1' if unit else '0 to 255'} and reduced to 8 bits")
        values = values * np.float32(255.0) if unit else values
    else:
        return image
    made = Image.fromarray(np.clip(np.rint(values), 0.0, 255.0).astype(np.uint8))
    made.info = image.info
    return made


def _to_rgb(image: Image.Image, metadata: Metadata, notes: list[str], strip: bool) -> tuple[Image.Image, Metadata]:
    """A picture of mode L, LA, RGB or RGBA, and the metadata that still hold for it."""
    if image.mode == "1":
        image = image.convert("L")
    if image.mode in ALPHA_MODES or "transparency" in image.info:
        image = image.convert("LA" if image.mode in ("L", "LA", "La") else "RGBA")
    elif image.mode not in ("L", "RGB"):
        if image.mode in ("CMYK", "LAB"):
            notes.append(f"{image.mode} is converted to RGB")
            image = _to_srgb(image, metadata.icc)
            metadata = replace(metadata, icc=None)  # it described other channels
        image = image.convert("RGB")
    if strip:
        image = _to_srgb(image, metadata.icc)
        metadata = Metadata()
    return image, metadata


def _to_srgb(image: Image.Image, icc: bytes | None) -> Image.Image:
    """Colours converted to sRGB by a profile; the same picture where there is none, or none that can be used."""
    if not icc and image.mode != "LAB":
        return image
    if image.mode in ("L", "LA"):
        return image
    colours = image.convert("RGB") if image.mode == "RGBA" else image
    with contextlib.suppress(ImageCms.PyCMSError, OSError):  # a broken profile says nothing
        source = ImageCms.ImageCmsProfile(io.BytesIO(icc)) if icc else ImageCms.createProfile("LAB")
        converted = ImageCms.profileToProfile(colours, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        colours = colours if converted is None else converted
    if image.mode == "RGBA":
        colours.putalpha(image.getchannel("A"))
    return colours


def to_image(picture: Picture) -> Image.Image:
    """The Pillow picture, its metadata in ``info``."""
    image = Image.fromarray(picture.pixels)
    if picture.grey:
        image = image.convert("L")
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(picture.alpha))
    image.info.update(to_info(picture.metadata))
    return image


def padded(size: int, multiple: int) -> int:
    """The next multiple, at or above ``size``."""
    return -(-size // multiple) * multiple


def to_network(pixels: Pixels, height: int, width: int) -> Floats:
    """(H, W, 3) bytes -> (1, 3, height, width) in [0, 1]; the right and bottom edges are repeated."""
    edges = ((0, height - pixels.shape[0]), (0, width - pixels.shape[1]), (0, 0))
    planes = np.pad(pixels, edges, mode="edge").transpose(2, 0, 1)
    return np.ascontiguousarray(planes, dtype=np.float32)[None] / np.float32(255.0)


def from_network(x: Floats) -> Pixels:
    """(1, 3, H, W) in [0, 1] -> (H, W, 3) bytes, rounded to the nearest; what is no number, as a hostile file can cause, is 0."""
    scaled = x[0] * np.float32(255.0)
    np.fmax(scaled, 0.0, out=scaled)  # unlike clip, leaves no NaN
    np.fmin(scaled, 255.0, out=scaled)
    return np.ascontiguousarray(np.rint(scaled).astype(np.uint8).transpose(1, 2, 0))
