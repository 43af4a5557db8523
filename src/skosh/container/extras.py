"""The chunks of metadata: ICC profile, EXIF and XMP, each deflated, and the colour space; and the preferred realism.

A colour space stands for a profile with a short name.
"""

from __future__ import annotations

import struct
import zlib

from ..errors import FormatError, LimitError
from ..limits import MAX_METADATA
from ..picture.metadata import Metadata
from ..picture.profiles import recognise
from ..picture.spaces import POWER, SRGB, SRGB_GREY, Space, known
from ..picture.standard import profile
from .chunks import EXIF, ICC, REALISM, SPACE, XMP

REALISM_UNIT = 255  # steps of the preferred realism
NAMES = {
    REALISM: "the preferred realism",
    SPACE: "the colour space",
    ICC: "the ICC profile",
    EXIF: "EXIF",
    XMP: "XMP",
}  # in messages


def pack(metadata: Metadata) -> dict[bytes, bytes]:
    """Return the chunks of a file; none for a profile that means sRGB. Raises LimitError for too large a profile."""
    parts = {ICC: metadata.icc, EXIF: metadata.exif, XMP: metadata.xmp}
    for kind, value in parts.items():
        if value and len(value) > MAX_METADATA:
            raise LimitError(f"{NAMES[kind]} of {len(value)} bytes is over the limit of {MAX_METADATA}")
    space = recognise(metadata.icc) if metadata.icc else None
    chunks = {SPACE: _pack_space(space)} if space and space not in (SRGB, SRGB_GREY) else {}
    if space:
        del parts[ICC]
    return chunks | {kind: zlib.compress(value, 9) for kind, value in parts.items() if value}


def unpack(extras: dict[bytes, bytes]) -> Metadata:
    """Return the metadata of a file's chunks. Of two profiles, the whole one counts.

    Raises FormatError for damaged data or an unknown colour space, LimitError for too much data.
    """
    icc, exif, xmp = (_inflated(kind, extras[kind]) if kind in extras else None for kind in (ICC, EXIF, XMP))
    space = unpack_space(extras[SPACE]) if SPACE in extras else None
    return Metadata(icc if icc or not space else profile(space), exif, xmp)


def _pack_space(space: Space) -> bytes:
    gamma = struct.pack("<H", space.gamma) if space.transfer == POWER else b""
    return bytes([space.primaries, space.transfer]) + gamma


def unpack_space(payload: bytes) -> Space:
    """Return the colour space that a chunk names. Raises FormatError for an unknown one."""
    if len(payload) not in (2, 4):
        raise FormatError(f"the colour space has {len(payload)} bytes where 2 or 4 are due")
    space = Space(payload[0], payload[1], int.from_bytes(payload[2:], "little"))
    if not known(space) or (len(payload) == 4) != (space.transfer == POWER):
        raise FormatError(f"the colour space {payload.hex()} is not known to this skosh: damaged, or of a newer one")
    return space


def pack_realism(realism: float) -> dict[bytes, bytes]:
    """Return the chunk that asks readers for a realism, 0 to 1, to the nearest 255th."""
    return {REALISM: bytes([round(realism * REALISM_UNIT)])}


def unpack_realism(payload: bytes) -> float:
    """Return the realism that a chunk asks for. Raises FormatError unless it has one byte."""
    if len(payload) != 1:
        raise FormatError(f"{NAMES[REALISM]} has {len(payload)} bytes where 1 is due")
    return payload[0] / REALISM_UNIT


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
