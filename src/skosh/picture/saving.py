"""Write pictures to bytes of files, within limits and with errors of our own."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ..errors import ImageError
from .exif import byte_order
from .fitting import held
from .metadata import EXIF_PREFIX
from .orientation import is_upright
from .tiff import tiff_bytes
from .xmp import in_utf8

WRITTEN = {  # kinds that are written -> whether they hold 8-bit transparency
    **dict.fromkeys(("AVIF", "JPEG2000", "PNG", "TGA", "TIFF", "WEBP"), True),
    **dict.fromkeys(("BMP", "GIF", "JPEG", "PPM"), False),
}
METADATA_KINDS = ("AVIF", "JPEG", "PNG", "TIFF", "WEBP")
LIMITS = {"JPEG": {"exif": 65533, "xmp": 65504}}  # bytes of one segment, with JPEG's prefix
NAMES = {"exif": "EXIF", "xmp": "XMP"}  # in notes
UTF8_KINDS = ("JPEG", "PNG")  # kinds whose XMP has to be UTF-8
SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    "PNG": {"compress_level": 3},  # twice as fast as Pillow's 6, and 6 % larger
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"lossless": True},
    "AVIF": {"quality": 95, "subsampling": "4:4:4"},
}


def image_bytes(image: Image.Image, suffix: str, options: Mapping[str, Any] | None = None) -> tuple[bytes, list[str]]:
    """Return a picture and its metadata in the format of a suffix, and what that format can't hold.

    ``options``: arguments of Pillow's ``save``, such as the quality. By default, lossy formats are written at high
    quality.
    """
    kind = written_as(suffix)
    arguments, notes = saved_metadata(image, kind)
    options = SAVE_OPTIONS.get(kind, {}) if options is None else options
    key = "icc" if kind == "TIFF" else "icc_profile"
    if arguments.get(key):
        image, arguments[key] = held(image, arguments[key], kind, notes)
    if image.has_transparency_data and not WRITTEN[kind] and kind != "JPEG":  # Pillow refuses it
        image = image.convert("L" if image.mode == "LA" else "RGB")
        notes.append(f"{kind} pictures are written without transparency")
    if kind == "GIF":
        notes.append("GIF has at most 256 colours")
    try:
        return written(image, kind, {**options, **arguments}, notes), notes
    except (ImageError, MemoryError):
        raise
    except Exception as error:  # Pillow's encoders raise anything on what they can't write
        if isinstance(error, OSError) and error.errno:
            raise
        raise ImageError(f"can't write this picture as {suffix} ({error}): use .png") from error


def written(image: Image.Image, kind: str, arguments: dict[str, Any], notes: list[str]) -> bytes:
    """Return the bytes of a file. TIFF is written here, not by Pillow: what EXIF points to must stay in place."""
    if kind == "TIFF":
        content, left_out = tiff_bytes(image, **arguments)
        notes += left_out
        return content
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **arguments)
    return buffer.getvalue()


def written_as(suffix: str) -> str:
    """Return Pillow's name of the kind of a suffix. Raises ImageError for one that is not written."""
    kind = Image.registered_extensions().get(suffix.lower())
    if kind not in WRITTEN or kind not in Image.SAVE:  # others shrink the picture, or code it once more
        raise ImageError(f"can't write pictures as {suffix or 'a file without a suffix'}: use .png")
    return kind


def saved_metadata(image: Image.Image, kind: str) -> tuple[dict[str, Any], list[str]]:
    """Return the arguments of Pillow's ``save`` that carry the metadata, and what is left out."""
    found: dict[str, Any] = {key: image.info[key] for key in ("exif", "icc_profile", "xmp") if key in image.info}
    if found and kind not in METADATA_KINDS:
        return {}, [f"{kind} pictures are written without EXIF, XMP and colour profile"]
    notes: list[str] = []
    check_limits(found, kind, notes)
    exif, xmp = found.pop("exif", None), found.pop("xmp", None)
    if kind == "TIFF":
        bare = exif.removeprefix(EXIF_PREFIX) if exif else None
        return {"exif": bare, "xmp": xmp, "icc": found.get("icc_profile")}, notes
    if exif and kind == "AVIF":
        bare = exif.removeprefix(EXIF_PREFIX)
        if byte_order(bare) and is_upright(bare):  # readers compare it with AVIF's own orientation
            exif = AsItIs(exif)
        else:
            exif = None
            notes.append("its EXIF is damaged, which AVIF has no place for: left out")
    if xmp and kind == "PNG":
        found["pnginfo"] = PngInfo()
        found["pnginfo"].add_itxt("XML:com.adobe.xmp", xmp.decode())
        xmp = None
    return found | {key: value for key, value in (("exif", exif), ("xmp", xmp)) if value}, notes


def check_limits(found: dict[str, Any], kind: str, notes: list[str]) -> None:
    """Convert XMP to UTF-8 where needed, and drop what the format has no place for."""
    if "xmp" in found and kind in UTF8_KINDS:
        xmp = in_utf8(found["xmp"])
        if xmp is not None:
            found["xmp"] = xmp
        elif kind == "PNG":  # it takes characters; the others take bytes
            del found["xmp"]
            notes.append("its XMP is damaged, which PNG has no place for: left out")
    for key, most in LIMITS.get(kind, {}).items():
        if key in found and len(found[key]) > most:
            notes.append(f"its {NAMES[key]} has {len(found[key]):,} bytes, over the {most:,} of {kind}: left out")
            del found[key]


class AsItIs(Image.Exif):
    """EXIF that Pillow writes byte by byte. Given bytes, Pillow may write tags anew, which moves maker notes."""

    def __init__(self, content: bytes):
        super().__init__()
        self.content = content

    def __len__(self) -> int:
        return 1

    def tobytes(self, offset: int = 8) -> bytes:
        """Return the bytes that it was made of."""
        return self.content
