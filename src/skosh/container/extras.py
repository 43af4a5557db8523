"""The chunks of metadata: ICC profile, EXIF and XMP, each deflated."""

from __future__ import annotations

import zlib

from ..errors import FormatError, LimitError
from ..limits import MAX_METADATA
from ..picture.metadata import Metadata
from .chunks import EXIF, ICC, XMP

NAMES = {ICC: "the ICC profile", EXIF: "EXIF", XMP: "XMP"}  # in messages


def pack(metadata: Metadata) -> dict[bytes, bytes]:
    """The chunks of a file. Raises LimitError for one that is too large to be meant."""
    parts = {ICC: metadata.icc, EXIF: metadata.exif, XMP: metadata.xmp}
    for kind, value in parts.items():
        if value and len(value) > MAX_METADATA:
            raise LimitError(f"{NAMES[kind]} of {len(value)} bytes is over the limit of {MAX_METADATA}")
    return {kind: zlib.compress(value, 9) for kind, value in parts.items() if value}


def unpack(extras: dict[bytes, bytes]) -> Metadata:
    """The metadata of a file's chunks. Raises FormatError for what is no whole deflated data, LimitError for too much of it."""
    return Metadata(*(_inflated(kind, extras[kind]) if kind in extras else None for kind in (ICC, EXIF, XMP)))


def _inflated(kind: bytes, payload: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        value = inflater.decompress(payload, MAX_METADATA + 1)
    except zlib.error as error:
        raise FormatError(f"{NAMES[kind]} can't be inflated: {error}") from error
    if len(value) > MAX_METADATA:
        raise LimitError(f"{NAMES[kind]} is over the limit of {MAX_METADATA} bytes")
    if not inflater.eof or inflater.unused_data:
        raise FormatError(f"{NAMES[kind]} is not whole")
    return value
