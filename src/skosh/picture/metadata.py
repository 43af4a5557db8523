"""What a picture carries besides pixels: ICC profile, EXIF and XMP, each deflated into a chunk of its own.

EXIF is kept without the six bytes ``Exif\\0\\0`` that some formats put before it, and otherwise byte by byte, even if
damaged. ``skosh.picture.orientation`` handles the one value in it that pixels depend on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from PIL import ExifTags, Image

from .coded_colours import numbers_of, profile_of
from .exif import EXIF_DIRECTORY, MAKER_NOTE

EXIF_PREFIX = b"Exif\0\0"
XMP_PREFIX = b"http://ns.adobe.com/xap/1.0/\0"  # in JPEG
TIFF_XMP = 700  # tag; some versions of Pillow leave it out of the picture's info
TIFF_TAGS = (  # see descriptive()
    *("DocumentName", "ImageDescription", "Make", "Model", "Orientation", "Software", "DateTime", "Artist"),
    *("XResolution", "YResolution", "ResolutionUnit", "HostComputer", "Rating", "RatingPercent", "Copyright"),
    *("XPTitle", "XPComment", "XPAuthor", "XPKeywords", "XPSubject", "ExifOffset", "GPSInfo"),
)


@dataclass(frozen=True)
class Metadata:
    """Bytes as other formats hold them, or None."""

    icc: bytes | None = None
    exif: bytes | None = None  # without its prefix: from the TIFF header on
    xmp: bytes | None = None


def of_image(image: Image.Image, notes: list[str], cicp: bytes | None = None) -> Metadata:
    """Return the metadata of a loaded Pillow picture: some formats have them behind the data.

    ``cicp``: from ``coded_colours.numbers_of``. What can't be kept is added to ``notes``.
    """
    found = from_info(image.info)
    found = replace(found, icc=profile_of(image, cicp or numbers_of(image), notes))
    app1 = _raw_profile(image.info, "APP1") or b""  # either may have JPEG's prefix
    exif = found.exif or _raw_profile(image.info, "exif") or (app1 if app1.startswith(EXIF_PREFIX) else None)
    exif = exif or _tiff_exif(image, notes)
    xmp = found.xmp or _raw_profile(image.info, "xmp") or _behind(XMP_PREFIX, app1)
    xmp = xmp or getattr(image, "tag_v2", {}).get(TIFF_XMP)
    return replace(found, exif=without_prefix(exif), xmp=xmp if isinstance(xmp, bytes) else None)


def from_info(info: Mapping[Any, Any]) -> Metadata:
    """Return the metadata in a Pillow picture's ``info``."""
    exif, xmp = info.get("exif"), info.get("xmp") or info.get("XML:com.adobe.xmp")
    if isinstance(exif, Image.Exif):
        exif = exif.tobytes() if len(exif) else None
    return Metadata(
        info.get("icc_profile") or None, without_prefix(exif), (xmp.encode() if isinstance(xmp, str) else xmp) or None
    )


def without_prefix(exif: bytes | None) -> bytes | None:
    """Return EXIF from its TIFF header on; None where nothing is left."""
    while exif and exif.startswith(EXIF_PREFIX):  # some programs write it twice
        exif = exif[len(EXIF_PREFIX) :]
    return exif or None


def _raw_profile(info: Mapping[Any, Any], kind: str) -> bytes | None:
    """Decode what ImageMagick writes as text of a PNG: three lines, the last a length, then hexadecimal digits."""
    text = info.get(f"Raw profile type {kind}")
    try:
        return bytes.fromhex("".join(str(text).split("\n")[3:])) if text else None
    except ValueError:
        return None


def _behind(prefix: bytes, data: bytes) -> bytes | None:
    return data[len(prefix) :] if data.startswith(prefix) else None


def _tiff_exif(image: Image.Image, notes: list[str]) -> bytes | None:
    """Return EXIF of a TIFF picture, where it stands among the tags that describe the file."""
    if not hasattr(image, "tag_v2"):
        return None
    try:
        kept = descriptive(image.getexif())
    except Exception as error:  # Pillow's parser raises anything on damaged data
        notes.append(f"the EXIF of this TIFF picture can't be read and is not kept: {error}")
        return None
    if bad := [tag for tag in kept if not _is_writable(tag, kept[tag])]:
        names = ", ".join(ExifTags.TAGS.get(tag, str(tag)) for tag in bad)
        notes.append(f"EXIF of an unusual type is not kept: {names}")
        for tag in bad:
            del kept[tag]
    if MAKER_NOTE in (kept.get(EXIF_DIRECTORY) or {}):
        notes.append("the maker notes of this TIFF picture are moved: programs may not find all that is in them")
    return kept.tobytes() if len(kept) else None


def _is_writable(tag: int, value: Any) -> bool:
    alone = Image.Exif()
    alone[tag] = value
    try:
        alone.tobytes()
    except Exception:  # Pillow's writer raises anything on unexpected types
        return False
    return True


def descriptive(exif: Image.Exif) -> Image.Exif:
    """Return the tags that describe the picture. A TIFF's other tags describe the file: its width, its strips."""
    kept = Image.Exif()
    for tag in (ExifTags.Base[name].value for name in TIFF_TAGS):
        value = exif.get_ifd(tag) if tag in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo) else exif.get(tag)
        if value not in (None, {}):
            kept[tag] = dict(value) if isinstance(value, dict) else value
    return kept


def to_info(metadata: Metadata) -> dict[str, bytes]:
    """Return these metadata for a Pillow picture's ``info``."""
    found = {
        "icc_profile": metadata.icc,
        "exif": EXIF_PREFIX + metadata.exif if metadata.exif else None,
        "xmp": metadata.xmp,
    }
    return {key: value for key, value in found.items() if value}
