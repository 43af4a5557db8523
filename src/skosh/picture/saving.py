"""Bytes of files and pictures, within limits and with errors of ours."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ..errors import ImageError
from .fitting import held
from .metadata import TIFF_XMP, descriptive
from .orientation import readable

WRITTEN = {  # what pictures are written as -> whether it holds transparency of 8 bits
    **dict.fromkeys(("AVIF", "JPEG2000", "PNG", "TGA", "TIFF", "WEBP"), True),
    **dict.fromkeys(("BMP", "GIF", "JPEG", "PPM"), False),
}


METADATA_KINDS = ("AVIF", "JPEG", "PNG", "TIFF", "WEBP")


PARSED_KINDS = ("AVIF", "TIFF")  # EXIF is taken apart to be written


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
    if "icc_profile" in arguments:
        image, arguments["icc_profile"] = held(image, arguments["icc_profile"], kind, notes)
    if image.has_transparency_data and not WRITTEN[kind] and kind != "JPEG":  # which Pillow refuses
        image = image.convert("L" if image.mode == "LA" else "RGB")
        notes.append(f"{kind} pictures are written without transparency")
    if kind == "GIF":
        notes.append("GIF has at most 256 colours")
    buffer = io.BytesIO()
    try:
        image.save(buffer, format=kind, **SAVE_OPTIONS.get(kind, {}), **arguments)
    except MemoryError:
        raise
    except Exception as error:  # Pillow's encoders raise anything on what they can't write
        if isinstance(error, OSError) and error.errno:
            raise
        raise ImageError(f"can't write this picture as {suffix} ({error}): use .png") from error
    return buffer.getvalue(), notes


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
    notes = []
    if "exif" in found and kind in PARSED_KINDS and not readable(found["exif"]):
        del found["exif"]
        notes.append(f"its EXIF is damaged, which {kind} has no place for: left out")
    xmp = found.pop("xmp", None)
    if xmp and kind == "PNG":
        text = PngInfo()
        text.add_itxt("XML:com.adobe.xmp", xmp.decode("utf-8", "replace"))
        found["pnginfo"] = text
    elif kind == "TIFF":
        found["exif"] = tiff_tags(found.get("exif", b""), xmp)  # its argument tiffinfo would exclude exif
    elif xmp:
        found["xmp"] = xmp
    return found, notes


def tiff_tags(exif: bytes, xmp: bytes | None) -> Image.Exif:
    """The tags of a TIFF picture that hold its EXIF and XMP; what EXIF says of the size of the camera's file is none of it."""
    read = Image.Exif()
    read.load(exif)
    tags = descriptive(read)
    if xmp:
        tags[TIFF_XMP] = xmp
    written = Image.Exif()
    written.load(tags.tobytes())  # Pillow saves the inner directories of EXIF that was read, and no others
    return written
