"""The orientation that EXIF or XMP names. Pixels are stored upright and it is set to 1: applied once, and never again."""

from __future__ import annotations

import struct
from dataclasses import replace

from .exif import BYTE, INTEGERS, ORIENTATION, Entry, byte_order, entries, first_directory, found, integer
from .metadata import Metadata
from .xmp import orientation_of, with_orientation

UPRIGHT = 1


def orientation(metadata: Metadata) -> int:
    """1 to 8, as in EXIF; where that has none, as in XMP; else 1."""
    named = _of_exif(metadata.exif)
    if named is None and metadata.xmp:
        named = orientation_of(metadata.xmp)
    return named if named is not None and 1 <= named <= 8 else UPRIGHT


def upright(metadata: Metadata) -> Metadata:
    """The same with every orientation set to 1 in its place: not a byte moves."""
    exif, xmp = metadata.exif, metadata.xmp
    if exif and _of_exif(exif) not in (None, UPRIGHT):
        exif = _patched(exif)
    return replace(metadata, exif=exif, xmp=with_orientation(xmp, UPRIGHT) if xmp else xmp)


def is_upright(exif: bytes) -> bool:
    """Whether its first directory names no orientation but 1, and that in the usual way."""
    named = entries(exif, first_directory(exif), {ORIENTATION})
    return all(entry.values == 1 and _value(exif, entry) == UPRIGHT for entry in named)


def _of_exif(exif: bytes | None) -> int | None:
    if not exif:
        return None
    return _value(exif, found(exif, first_directory(exif), {ORIENTATION}).get(ORIENTATION))


def _value(exif: bytes, entry: Entry | None) -> int | None:
    """An integer that stands in the entry itself, and no byte, by which no viewer turns.

    One that stands elsewhere is damage, and setting it could hit anything.
    """
    return integer(exif, entry) if entry and entry.size <= 4 and entry.kind != BYTE else None


def _patched(exif: bytes) -> bytes:
    """The same with 1 written over the value, of whatever width, of every such tag of the first directory."""
    order, changed = byte_order(exif), bytearray(exif)
    for entry in entries(exif, first_directory(exif), {ORIENTATION}):
        if _value(exif, entry) is not None:
            struct.pack_into(f"{order}{INTEGERS[entry.kind]}", changed, entry.at, UPRIGHT)
    return bytes(changed)
