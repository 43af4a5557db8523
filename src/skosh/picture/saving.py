"""Bytes of files and pictures, within limits and with errors of ours."""

from __future__ import annotations

import io
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

WRITTEN = {  # what pictures are written as -> whether it holds transparency of 8 bits
    **dict.fromkeys(("AVIF", "JPEG2000", "PNG", "TGA", "TIFF", "WEBP"), True),
    **dict.fromkeys(("BMP", "GIF", "JPEG", "PPM"), False),
}
METADATA_KINDS = ("AVIF", "JPEG", "PNG", "TIFF", "WEBP")
LIMITS = {"JPEG": {"exif": 65533, "xmp": 65504}}  # bytes, with what JPEG puts before them: one segment
NAMES = {"exif": "EXIF", "xmp": "XMP"}  # in notes
UTF8_KINDS = ("JPEG", "PNG")  # XMP has to be in UTF-8
SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    "PNG": {"compress_level": 3},  # twice as fast as Pillow's 6, and 6 % larger
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"lossless": True},
    "AVIF": {"quality": 95, "subsampling": "4:4:4"},
}


def image_bytes(image: Image.Image, suffix: str) -> tuple[bytes, list[str]]:
    """A picture and its metadata in the format that a file name's suffix stands for, and what that format can't hold.

    As little as possible is lost by lossy ones.
    """
    kind = written_as(suffix)
    arguments, notes = saved_metadata(image, kind)
    key = "icc" if kind == "TIFF" else "icc_profile"
    if arguments.get(key):
        image, arguments[key] = held(image, arguments[key], kind, notes)
    if image.has_transparency_data and not WRITTEN[kind] and kind != "JPEG":  # which Pillow refuses
        image = image.convert("L" if image.mode == "LA" else "RGB")
        notes.append(f"{kind} pictures are written without transparency")
    if kind == "GIF":
        notes.append("GIF has at most 256 colours")
    try:
        return written(image, kind, arguments, notes), notes
    except (ImageError, MemoryError):
        raise
    except Exception as error:  # Pillow's encoders raise anything on what they can't write
        if isinstance(error, OSError) and error.errno:
            raise
        raise ImageError(f"can't write this picture as {suffix} ({error}): use .png") from error


def written(image: Image.Image, kind: str, arguments: dict[str, Any], notes: list[str]) -> bytes:
    """The bytes of a file; TIFF by ourselves, so that what its EXIF points to stays where it is."""
    if kind == "TIFF":
        content, left_out = tiff_bytes(image, **arguments)
        notes += left_out
        return content
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **SAVE_OPTIONS.get(kind, {}), **arguments)
    return buffer.getvalue()


def written_as(suffix: str) -> str:
    """Pillow's name of the kind of picture that a file's suffix stands for; ImageError for one that is not written."""
    kind = Image.registered_extensions().get(suffix.lower())
    if kind not in WRITTEN or kind not in Image.SAVE:  # others make it smaller, or code it once more
        raise ImageError(f"can't write pictures as {suffix or 'a file without a suffix'}: use .png")
    return kind


def saved_metadata(image: Image.Image, kind: str) -> tuple[dict[str, Any], list[str]]:
    """The arguments of Pillow's ``save`` that carry a picture's metadata, and what is left out."""
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
        if byte_order(bare) and is_upright(bare):  # readers compare its orientation with the one that AVIF itself has
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
    """Put XMP into UTF-8 where it has to be, and leave out what the format has no place for."""
    if "xmp" in found and kind in UTF8_KINDS:
        xmp = in_utf8(found["xmp"])
        if xmp is not None:
            found["xmp"] = xmp
        elif kind == "PNG":  # which has characters for it; the others have bytes
            del found["xmp"]
            notes.append("its XMP is damaged, which PNG has no place for: left out")
    for key, most in LIMITS.get(kind, {}).items():
        if key in found and len(found[key]) > most:
            notes.append(f"its {NAMES[key]} has {len(found[key]):,} bytes, over the {most:,} of {kind}: left out")
            del found[key]


class AsItIs(Image.Exif):
    """EXIF that Pillow writes byte by byte. Given bytes, it may write their tags anew, which moves maker notes."""

    def __init__(self, content: bytes):
        super().__init__()
        self.content = content

    def __len__(self) -> int:
        return 1

    def tobytes(self, offset: int = 8) -> bytes:
        """The bytes that it was made of."""
        return self.content
