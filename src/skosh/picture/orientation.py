"""The orientation in EXIF or XMP. It is applied once: pixels are stored upright, and it is set to 1."""

from __future__ import annotations

import struct
from dataclasses import replace

from .exif import BYTE, INTEGERS, ORIENTATION, Entry, byte_order, entries, first_directory, found, integer
from .metadata import Metadata
from .xmp import orientation_of, with_orientation

UPRIGHT = 1


def orientation(metadata: Metadata) -> int:
    """Return 1 to 8, as in EXIF; where that has none, the one in XMP; else 1."""
    named = _of_exif(metadata.exif)
    if named is None and metadata.xmp:
        named = orientation_of(metadata.xmp)
    return named if named is not None and 1 <= named <= 8 else UPRIGHT


def upright(metadata: Metadata) -> Metadata:
    """Return the metadata with every orientation set to 1 in place: no byte moves."""
    exif, xmp = metadata.exif, metadata.xmp
    if exif and _of_exif(exif) not in (None, UPRIGHT):
        exif = _patched(exif)
    return replace(metadata, exif=exif, xmp=with_orientation(xmp, UPRIGHT) if xmp else xmp)


def is_upright(exif: bytes) -> bool:
    """Return whether the first directory has no orientation but 1, stored in the usual way."""
    named = entries(exif, first_directory(exif), {ORIENTATION})
    return all(entry.values == 1 and _value(exif, entry) == UPRIGHT for entry in named)


def _of_exif(exif: bytes | None) -> int | None:
    if not exif:
        return None
    return _value(exif, found(exif, first_directory(exif), {ORIENTATION}).get(ORIENTATION))


def _value(exif: bytes, entry: Entry | None) -> int | None:
    """Return an integer that stands in the entry itself and is no byte: viewers ignore those.

    A value that stands elsewhere is damage: setting it could overwrite anything.
    """
    return integer(exif, entry) if entry and entry.size <= 4 and entry.kind != BYTE else None


def _patched(exif: bytes) -> bytes:
    """Return EXIF with 1 in place of every orientation of the first directory, whatever its width."""
    order, changed = byte_order(exif), bytearray(exif)
    for entry in entries(exif, first_directory(exif), {ORIENTATION}):
        if _value(exif, entry) is not None:
            struct.pack_into(f"{order}{INTEGERS[entry.kind]}", changed, entry.at, UPRIGHT)
    return bytes(changed)
