"""Drop the thumbnail in EXIF where it no longer fits: pixels are stored upright, and viewers show it unturned.

The thumbnail is a picture in EXIF's second directory (IFD1), to which the first one points. That pointer is cut. The
thumbnail's bytes become zeros, which cost nothing in a file and show nobody what was cropped. No byte moves: maker
notes hold offsets from the beginning of EXIF, and nobody can correct them all. Bytes that may belong to anything else
stay, without a pointer to them.
"""

from __future__ import annotations

import io
import struct
from typing import NamedTuple

from PIL import Image

JPEG_AT, JPEG_LENGTH, WIDTH, HEIGHT = 0x0201, 0x0202, 0x0100, 0x0101

DIRECTORIES = (0x8769, 0x8825, 0xA005)  # of EXIF, of GPS, of interoperability

MAKER_NOTE = 0x927C

TYPE_SIZES = {2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}  # type -> bytes of one value

SHORT = 3

RATIO_TOLERANCE = 0.04  # relative: sides of 160 pixels are rounded, some to a multiple of 8

MAX_ENTRIES = 1000  # of a directory


class Entry(NamedTuple):
    """An entry of a directory."""

    tag: int
    value: int  # of one number of 16 or 32 bits
    start: int  # place of its content
    end: int


class Directory(NamedTuple):
    """A directory of tags."""

    start: int
    entries: list[Entry]
    lead: int  # place of the pointer to the next directory


def without_misfit(exif: bytes, turned: bool, size: tuple[int, int], notes: list[str]) -> bytes:
    """Return EXIF without a thumbnail that does not fit the picture.

    It fits if the picture was not turned and the ratio of its sides is that of ``size`` (width, height) within 4 %.
    Damaged EXIF stays, and so does EXIF without a thumbnail.
    """
    try:
        return _without_misfit(exif, turned, size, notes)
    except (struct.error, IndexError):  # a directory that leads out of the data
        return exif


def _without_misfit(exif: bytes, turned: bool, size: tuple[int, int], notes: list[str]) -> bytes:
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return exif
    first = _directory(exif, order, struct.unpack_from(f"{order}I", exif, 4)[0])
    (at,) = struct.unpack_from(f"{order}I", exif, first.lead)
    if not at:
        return exif
    second = _directory(exif, order, at)
    tags = {entry.tag: entry for entry in second.entries}
    start, length = (tags[tag].value if tag in tags else 0 for tag in (JPEG_AT, JPEG_LENGTH))
    content = exif[start : start + length]
    found = _size(content) or tuple(tags[tag].value for tag in (WIDTH, HEIGHT) if tag in tags)
    if not turned and (len(found) != 2 or _fits(found, size)):
        return exif
    notes.append("the thumbnail in its EXIF does not fit the picture any more: it is left out")
    changed = bytearray(exif)
    struct.pack_into(f"{order}I", changed, first.lead, 0)
    if len(content) == length and _alone(exif, order, first, second, start, start + length):
        changed[start : start + length] = bytes(length)
    return bytes(changed)


def _fits(thumbnail: tuple[int, ...], size: tuple[int, int]) -> bool:
    across, down = thumbnail[0] * size[1], thumbnail[1] * size[0]
    return abs(across - down) <= RATIO_TOLERANCE * max(across, down)


def _size(jpeg: bytes) -> tuple[int, ...]:
    """Return width and height; nothing where it is no picture."""
    try:
        with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:
            return image.size
    except Exception:  # Pillow's decoders raise anything on damaged data
        return ()


def _alone(exif: bytes, order: str, first: Directory, second: Directory, start: int, end: int) -> bool:
    """Return whether nothing else seems to use the bytes from ``start`` to ``end``.

    Maker notes are searched for the number of the place.
    """
    directories = [first, second]
    for one in directories:  # the list grows
        leads = [entry.value for entry in one.entries if entry.tag in DIRECTORIES]
        if len(directories) + len(leads) > 2 + len(DIRECTORIES):
            return False
        directories += [_directory(exif, order, at) for at in leads]
    spans = [(0, 8)]
    for one in directories:
        spans += [(one.start, one.lead + 4)]
        for entry in one.entries:
            spans += [(entry.start, entry.end)]
            if entry.tag == MAKER_NOTE:
                note = exif[entry.start : entry.end]
                if struct.pack("<I", start) in note or struct.pack(">I", start) in note:
                    return False
    return start < end and not any(max(start, a) < min(end, b) for a, b in spans)


def _directory(exif: bytes, order: str, at: int) -> Directory:
    (count,) = struct.unpack_from(f"{order}H", exif, at)
    if count > MAX_ENTRIES:
        raise IndexError("no directory")
    entries = []
    for place in range(at + 2, at + 2 + 12 * count, 12):
        tag, kind, number = struct.unpack_from(f"{order}HHI", exif, place)
        size = number * TYPE_SIZES.get(kind, 1)
        start = place + 8 if size <= 4 else struct.unpack_from(f"{order}I", exif, place + 8)[0]
        (value,) = struct.unpack_from(f"{order}{'H' if kind == SHORT else 'I'}", exif, place + 8)
        entries.append(Entry(tag, value, start, start + size))
    return Directory(at, entries, at + 2 + 12 * count)
