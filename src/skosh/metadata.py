"""What a picture carries besides its pixels: ICC profile, EXIF and XMP, each in a chunk of its own, deflated.

EXIF is kept without the six bytes ``Exif\\0\\0`` that some formats put before it. Pixels are stored upright, hence the orientation that EXIF
and XMP name is set to 1: applied once, and never again.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .container import EXIF, ICC, XMP
from .errors import FormatError, LimitError
from .limits import MAX_METADATA

EXIF_PREFIX = b"Exif\0\0"
ORIENTATION = 0x0112  # of TIFF and EXIF
XMP_ORIENTATION = re.compile(rb"""(tiff:Orientation\s*=\s*["']|<tiff:Orientation>\s*)[2-8]""")


@dataclass(frozen=True)
class Metadata:
    """Bytes as other formats hold them, or None."""

    icc: bytes | None = None
    exif: bytes | None = None  # without its prefix: from the TIFF header on
    xmp: bytes | None = None


def from_info(info: Mapping[Any, Any]) -> Metadata:
    """The metadata of a Pillow picture, by its ``info``."""
    xmp = info.get("xmp") or info.get("XML:com.adobe.xmp") or None
    exif = info.get("exif") or b""
    return Metadata(
        info.get("icc_profile") or None,
        exif.removeprefix(EXIF_PREFIX) or None,
        xmp.encode() if isinstance(xmp, str) else xmp,
    )


def to_info(metadata: Metadata) -> dict[str, bytes]:
    """What a Pillow picture's ``info`` has to hold for these."""
    found = {
        "icc_profile": metadata.icc,
        "exif": EXIF_PREFIX + metadata.exif if metadata.exif else None,
        "xmp": metadata.xmp,
    }
    return {key: value for key, value in found.items() if value}


def pack(metadata: Metadata) -> dict[bytes, bytes]:
    """The chunks of a file. Raises LimitError for one that is too large to be meant."""
    parts = {ICC: metadata.icc, EXIF: metadata.exif, XMP: metadata.xmp}
    for kind, value in parts.items():
        if value and len(value) > MAX_METADATA:
            raise LimitError(f"metadata {kind!r} of {len(value)} bytes is over the limit of {MAX_METADATA}")
    return {kind: zlib.compress(value, 9) for kind, value in parts.items() if value}


def unpack(extras: dict[bytes, bytes]) -> Metadata:
    """The metadata of a file's chunks. Raises FormatError for what is no whole deflated data, LimitError for too much of it."""
    return Metadata(*(_inflated(kind, extras[kind]) if kind in extras else None for kind in (ICC, EXIF, XMP)))


def _inflated(kind: bytes, payload: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        value = inflater.decompress(payload, MAX_METADATA + 1)
    except zlib.error as error:
        raise FormatError(f"the metadata {kind!r} can't be inflated: {error}") from error
    if len(value) > MAX_METADATA:
        raise LimitError(f"metadata {kind!r} is over the limit of {MAX_METADATA} bytes")
    if not inflater.eof or inflater.unused_data:
        raise FormatError(f"the metadata {kind!r} is not whole")
    return value


def upright(metadata: Metadata) -> Metadata:
    """The same with every orientation set to 1, and nothing else changed: not a byte moves."""
    exif, xmp = metadata.exif, metadata.xmp
    if exif:
        at = _orientation_at(exif)
        if at is not None:
            place, order = at
            exif = exif[:place] + struct.pack(f"{order}H", 1) + exif[place + 2 :]
    if xmp:
        xmp = XMP_ORIENTATION.sub(rb"\g<1>1", xmp)
    return replace(metadata, exif=exif, xmp=xmp)


def _orientation_at(exif: bytes) -> tuple[int, str] | None:
    """Where the orientation's 16-bit value stands in the first directory, and its byte order (``<`` or ``>``)."""
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    try:
        if order is None or struct.unpack_from(f"{order}H", exif, 2)[0] != 42:
            return None
        (start,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, _ = struct.unpack_from(f"{order}HHI", exif, entry)
            if tag == ORIENTATION:
                struct.unpack_from(f"{order}H", exif, entry + 8)
                return (entry + 8, order) if kind == 3 else None  # 3: 16-bit numbers
    except struct.error:
        return None
    return None
