"""Bytes of files and pictures, within limits and with errors of ours."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from ..errors import ImageError, LimitError
from ..limits import MAX_FILE

METADATA_KINDS = ("AVIF", "JPEG", "PNG", "TIFF", "WEBP")
LITTLE_LOSS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"lossless": True},
    "AVIF": {"quality": 95, "subsampling": "4:4:4"},
}
TIFF_XMP = 700  # tag


def open_image(data: bytes) -> Image.Image:
    """A picture from a file's bytes; ImageError if they are none."""
    try:
        return Image.open(io.BytesIO(data))
    except UnidentifiedImageError:
        raise ImageError("empty file" if not data else "not a picture of a known kind") from None
    except Exception as error:  # Pillow's decoders raise anything on damaged data
        raise ImageError(f"can't read the picture: {error}") from error


def image_bytes(image: Image.Image, suffix: str) -> bytes:
    """A picture and its metadata in the format that a file name's suffix stands for; as little as possible is lost by lossy ones."""
    kind = Image.registered_extensions().get(suffix.lower())
    if kind is None or kind not in Image.SAVE:
        raise ImageError(f"can't write pictures as {suffix or 'a file without a suffix'}: use .png")
    buffer = io.BytesIO()
    try:
        image.save(buffer, format=kind, **LITTLE_LOSS.get(kind, {}), **saved_metadata(image, kind))
    except Exception as error:  # Pillow's encoders raise anything on metadata that do not fit a format
        raise ImageError(f"can't write this picture as {suffix} ({error}): use .png") from error
    return buffer.getvalue()


def saved_metadata(image: Image.Image, kind: str) -> dict[str, Any]:
    """The arguments of Pillow's ``save`` that carry a picture's metadata."""
    kept = ("exif", "icc_profile", "xmp")
    found: dict[str, Any] = {key: image.info[key] for key in kept if key in image.info}
    xmp = found.pop("xmp", None)
    if xmp and kind == "PNG":
        text = PngInfo()
        text.add_itxt("XML:com.adobe.xmp", xmp.decode("utf-8", "replace"))
        found["pnginfo"] = text
    elif xmp and kind == "TIFF":
        found["tiffinfo"] = {TIFF_XMP: xmp}
    elif xmp:
        found["xmp"] = xmp
    return found if kind in METADATA_KINDS else {}


def read_file(path: Path) -> bytes:
    """A file's bytes, up to the limit."""
    with path.open("rb") as file:
        return within_limit(file.read(MAX_FILE + 1))


def within_limit(data: bytes) -> bytes:
    """The same bytes; LimitError if they are too many."""
    if len(data) > MAX_FILE:
        raise LimitError(f"more than {MAX_FILE} bytes")
    return data
