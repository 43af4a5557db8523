"""The orientation that EXIF or XMP names. Pixels are stored upright and it is set to 1: applied once, and never again."""

from __future__ import annotations

import re
import struct
from dataclasses import replace

from PIL import Image

from .metadata import Metadata

TAG = 0x0112  # of TIFF and EXIF


SHORT, LONG = 3, 4  # types of 16-bit and of 32-bit numbers


IN_XMP = re.compile(rb"""(tiff:Orientation\s*=\s*["']|<tiff:Orientation>\s*)([1-8])""")


UPRIGHT = 1


def orientation(metadata: Metadata) -> int:
    """1 to 8, as in EXIF; where that has none, as in XMP; else 1."""
    found = _of_exif(metadata.exif)
    if found is None and metadata.xmp and (named := IN_XMP.search(metadata.xmp)):
        found = int(named[2])
    return found if found is not None and 1 <= found <= 8 else UPRIGHT


def upright(metadata: Metadata) -> Metadata:
    """The same with every orientation set to 1 and not a byte moved, unless EXIF holds it in an unusual way and has to be written anew.

    It is dropped where that fails, too: a picture that is turned already must not be turned again.
    """
    exif, xmp = metadata.exif, metadata.xmp
    if exif and _of_exif(exif) not in (None, UPRIGHT):
        exif = _patched(exif)
        if _of_exif(exif) != UPRIGHT:
            exif = _rewritten(metadata.exif or b"")
    if xmp:
        xmp = IN_XMP.sub(rb"\g<1>1", xmp)
    return replace(metadata, exif=exif, xmp=xmp)


def readable(exif: bytes) -> bool:
    """Whether Pillow makes sense of it."""
    return _parsed(exif) is not None


def _of_exif(exif: bytes | None) -> int | None:
    parsed = _parsed(exif)
    value = parsed.get(TAG) if parsed is not None else None
    return value if isinstance(value, int) else None


def _parsed(exif: bytes | None) -> Image.Exif | None:
    parsed = Image.Exif()
    try:
        parsed.load(exif or b"")
        parsed.get(TAG)
    except Exception:  # Pillow's parser raises anything on damaged data
        return None
    return parsed


def _patched(exif: bytes) -> bytes:
    """The same with 1 written over the value, of 16 or of 32 bits, of every such tag of the first directory."""
    order = {b"II": "<", b"MM": ">"}.get(exif[:2], "<")
    changed = bytearray(exif)
    try:
        (start,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(f"{order}HH", exif, entry)
            if tag == TAG and kind in (SHORT, LONG):
                struct.pack_into(order + ("H" if kind == SHORT else "I"), changed, entry + 8, UPRIGHT)
    except struct.error:
        pass  # a directory that is longer than the data: what was there has been seen
    return bytes(changed)


def _rewritten(exif: bytes) -> bytes | None:
    """The same tags as Pillow writes them, the orientation among them; None if it can't."""
    parsed = _parsed(exif)
    assert parsed is not None
    parsed[TAG] = UPRIGHT
    try:
        written = parsed.tobytes()
    except Exception:  # Pillow's writer raises anything on damaged data
        return None
    return written.removeprefix(b"Exif\0\0")
