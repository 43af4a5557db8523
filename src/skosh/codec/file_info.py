"""What a file says of itself, without a model and without decoding a pixel."""

from __future__ import annotations

import io
from typing import Any

from PIL import ExifTags, Image, ImageCms

from ..bundle import manifest
from ..container.chunks import ALPHA, VERSION, read
from ..container.extras import unpack
from ..files import Source, content_of
from ..limits import MAX_PIXELS

TAGS = ("Make", "Model", "Software", "Artist", "Copyright", "ImageDescription")  # of EXIF, if they are there


LONGEST = 80  # characters of each


def info(data: Source, max_pixels: int = MAX_PIXELS) -> dict[str, Any]:
    """What a file says of itself, without loading a model: size, bits a pixel, quality, tiles, metadata, model id and whether it is installed.

    Every checksum is checked on the way. ``data``: the bytes of a file, its path, or the file itself, opened in binary mode.
    Raises OSError where it can't be read, FormatError for a damaged file and LimitError for too large a picture.
    """
    data = content_of(data)
    contents = read(data, max_pixels)
    header, extras = contents.header, contents.extras
    found = unpack(extras)
    folder = manifest.find_by_id(header.model_id)
    return {
        "format_version": VERSION,
        "width": header.width,
        "height": header.height,
        "mode": header.mode + ("A" if ALPHA in extras else ""),
        "quality": header.quality,
        "bytes": len(data),
        "bpp": 8 * len(data) / (header.width * header.height),
        "tiles": header.tiles,
        "tile": header.tile or None,
        "picture_bytes": sum(len(tile or b"") for tile in contents.tiles),
        "alpha_bytes": len(extras.get(ALPHA, b"")),
        "icc_bytes": len(found.icc or b""),
        "icc": icc_name(found.icc),
        "exif_bytes": len(found.exif or b""),
        "exif": exif_at_a_glance(found.exif),
        "xmp_bytes": len(found.xmp or b""),
        "model_id": header.model_id.hex(),
        "model": folder.name if folder else None,
    }


def icc_name(icc: bytes | None) -> str | None:
    """What a colour profile calls itself; None where there is none, or none that can be read."""
    try:
        return clean(ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(icc)))) if icc else None
    except Exception:  # whatever Pillow makes of a damaged profile
        return None


def exif_at_a_glance(exif: bytes | None) -> dict[str, Any]:
    """Camera, time, author and whether a position is in it, as far as they can be read."""
    parsed = Image.Exif()
    try:
        parsed.load(exif or b"")
        found = {name: clean(parsed[tag]) for name in TAGS if (tag := ExifTags.Base[name].value) in parsed}
        taken = parsed.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.DateTimeOriginal) or parsed.get(
            ExifTags.Base.DateTime
        )
        position = ExifTags.GPS.GPSLatitude in parsed.get_ifd(ExifTags.IFD.GPSInfo)
    except Exception:  # Pillow's parser raises anything on damaged data
        return {}
    return found | ({"DateTime": clean(taken)} if taken else {}) | ({"position": True} if position else {})


def clean(value: object) -> str:
    """One line of printable characters: names in files are whatever somebody has put there."""
    text = "".join(c if c.isprintable() else " " for c in str(value))
    return " ".join(text.split())[:LONGEST]
