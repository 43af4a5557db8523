"""XMP: a packet of XML in UTF-8, UTF-16 or UTF-32, and its orientation."""

from __future__ import annotations

import re

IN_XMP = re.compile(rb"""tiff:Orientation(?:\s*=\s*["']|(?<=<tiff:Orientation)>\s*)([1-8])""")
CODECS = {(1, 0): "utf-8", (2, 0): "utf-16-le", (2, 1): "utf-16-be", (4, 0): "utf-32-le", (4, 3): "utf-32-be"}
DECLARATION = 200  # characters in which the encoding may be named
ENCODING = re.compile(r"""\A(<\?xml[^>]*?)\s+encoding\s*=\s*["'][^"'>]*["']""")


def layout(xmp: bytes) -> tuple[int, int]:
    """Return the bytes of a character, and which of them is the lowest."""
    head = xmp[4:8] if xmp[:4] in (b"\xff\xfe\0\0", b"\0\0\xfe\xff") else xmp[2:6] if _marked(xmp) else xmp[:4]
    zeros = "".join(str(i) for i, byte in enumerate(head) if not byte)
    return {"123": (4, 0), "012": (4, 3), "13": (2, 0), "02": (2, 1)}.get(zeros, (1, 0))


def _marked(xmp: bytes) -> bool:
    return xmp[:2] in (b"\xff\xfe", b"\xfe\xff")


def orientation_of(xmp: bytes) -> int | None:
    """Return the orientation that the packet names, or None."""
    width, low = layout(xmp)
    named = IN_XMP.search(xmp[low::width])
    return int(named[1]) if named else None


def with_orientation(xmp: bytes, value: int) -> bytes:
    """Return the packet with every orientation set to this value; no byte moves."""
    width, low = layout(xmp)
    changed = bytearray(xmp)
    for named in IN_XMP.finditer(xmp[low::width]):
        changed[low + width * named.start(1)] = ord(str(value))
    return bytes(changed)


def in_utf8(xmp: bytes) -> bytes | None:
    """Return the same characters in UTF-8, as PNG and JPEG need; None where they do not fit the encoding."""
    found = layout(xmp)
    try:
        packet = xmp.decode(CODECS[found])
    except UnicodeError:
        return None
    if found == (1, 0):
        return xmp
    packet = packet.removeprefix("\ufeff")
    return ENCODING.sub(r"\1", packet[:DECLARATION]).encode() + packet[DECLARATION:].encode()
