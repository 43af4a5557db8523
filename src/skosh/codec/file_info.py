"""Describe a file, without a model and without decoding a pixel."""

from __future__ import annotations

import io
from typing import Any

from PIL import ExifTags, ImageCms

from ..bundle import manifest
from ..container.chunks import ALPHA, EXIF, ICC, REALISM, SPACE, VERSION, XMP, read
from ..container.extras import unpack, unpack_realism
from ..errors import FormatError, LimitError
from ..files import Source, content_of
from ..limits import MAX_PIXELS
from ..picture.exif import (
    DATE_TIME,
    DATE_TIME_ORIGINAL,
    EXIF_DIRECTORY,
    GPS_DIRECTORY,
    GPS_LATITUDE,
    directory_of,
    first_directory,
    found,
    text,
)
from ..picture.metadata import without_prefix

TAGS = {  # of EXIF, if they are there
    ExifTags.Base[name].value: name for name in ("Make", "Model", "Software", "Artist", "Copyright", "ImageDescription")
}
LONGEST = 80  # characters shown of each
MOST = 4 * LONGEST  # bytes read of each
NAMED_PROFILE = 1 << 20  # bytes of the longest profile whose name is read


def info(data: Source, max_pixels: int = MAX_PIXELS) -> dict[str, Any]:
    """Describe a file: sizes, quality, tiles, metadata, model id and bundle name. Needs no model.

    ``data``: the bytes of a file, its path, or a file opened in binary mode. Every checksum is checked. Metadata with a
    right checksum that still can't be read are listed under ``damaged``.

    Raises OSError where the file can't be read, FormatError for a damaged file and LimitError for too large a picture.
    """
    data = content_of(data)
    contents = read(data, max_pixels)
    header, extras = contents.header, contents.extras
    folder = manifest.find_by_id(header.model_id)
    damaged: list[str] = []
    icc, exif, xmp = (metadata_of(extras, kinds, damaged) for kinds in ((ICC, SPACE), (EXIF,), (XMP,)))
    return {
        "format_version": VERSION,
        "width": header.width,
        "height": header.height,
        "mode": header.mode + ("A" if ALPHA in extras else ""),
        "quality": header.quality,
        "realism": realism_of(extras, damaged),
        "bytes": len(data),
        "bpp": 8 * len(data) / (header.width * header.height),
        "tiles": header.tiles,
        "tile": header.tile or None,
        "picture_bytes": sum(len(tile or b"") for tile in contents.tiles),
        "alpha_bytes": len(extras.get(ALPHA, b"")),
        "icc_bytes": icc[0],
        "icc_stored_bytes": len(extras.get(ICC, b"")) + len(extras.get(SPACE, b"")),
        "icc": icc[1],
        "exif_bytes": exif[0],
        "exif": exif[1],
        "xmp_bytes": xmp[0],
        "model_id": header.model_id.hex(),
        "model": folder.name if folder else None,
        "damaged": damaged,
    }


def realism_of(extras: dict[bytes, bytes], damaged: list[str]) -> float | None:
    """Return the realism that a file asks for, if it does. What is wrong with it is added to ``damaged``."""
    try:
        return round(unpack_realism(extras[REALISM]), 4) if REALISM in extras else None
    except FormatError as error:
        damaged.append(str(error))
        return None


def metadata_of(extras: dict[bytes, bytes], kinds: tuple[bytes, ...], damaged: list[str]) -> tuple[int, Any]:
    """Return the bytes and the description of one sort of metadata, in chunks of these types.

    The metadata are not kept: they may be large. Unreadable ones count by their size in the file, and are added to
    ``damaged``.
    """
    chunks = {kind: extras[kind] for kind in kinds if kind in extras}
    try:
        metadata = unpack(chunks)
    except (FormatError, LimitError) as error:
        damaged.append(str(error))
        return sum(map(len, chunks.values())), {} if EXIF in kinds else None
    if EXIF in kinds:
        return len(metadata.exif or b""), exif_at_a_glance(metadata.exif)
    return len(metadata.icc or metadata.xmp or b""), icc_name(metadata.icc)


def icc_name(icc: bytes | None) -> str | None:
    """Return the name in a colour profile; None where it is missing, unreadable or absurdly long."""
    if icc is None or len(icc) > NAMED_PROFILE:
        return None
    try:
        return clean(ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(icc)))) if icc else None
    except Exception:  # Pillow may raise anything on a damaged profile
        return None


def exif_at_a_glance(exif: bytes | None) -> dict[str, Any]:
    """Return camera, time, author and whether there is a position, as far as they can be read."""
    exif = without_prefix(exif)
    if not exif:
        return {}
    directory = found(exif, first_directory(exif), {*TAGS, DATE_TIME, EXIF_DIRECTORY, GPS_DIRECTORY})
    inner = found(exif, directory_of(exif, directory.get(EXIF_DIRECTORY)), {DATE_TIME_ORIGINAL})
    position = found(exif, directory_of(exif, directory.get(GPS_DIRECTORY)), {GPS_LATITUDE})
    named = {name: directory.get(tag) for tag, name in TAGS.items()}
    named["DateTime"] = inner.get(DATE_TIME_ORIGINAL) or directory.get(DATE_TIME)
    told = {name: clean(text(exif, entry, MOST)) for name, entry in named.items() if entry}
    return {name: words for name, words in told.items() if words} | ({"position": True} if position else {})


def clean(value: str) -> str:
    """Return one line of printable characters: metadata may hold anything."""
    line = "".join(c if c.isprintable() else " " for c in value[:MOST])
    return " ".join(line.split())[:LONGEST]
