"""The thumbnail in EXIF. It goes where it no longer fits: pixels are stored upright, and viewers show it as it is.

It is a picture in EXIF's second directory (IFD1), which the first one leads to. That lead is cut, and the thumbnail's
bytes become zeros, which cost nothing in a file and show nobody what was cropped. No byte moves: maker notes hold
offsets from the beginning of EXIF, and nobody can correct them all. Where the bytes of a thumbnail might belong to
anything else as well, they stay, without a lead to them.
"""

from __future__ import annotations

import io
import struct
from typing import NamedTuple

from PIL import Image

JPEG_AT, JPEG_LENGTH, WIDTH, HEIGHT = 0x0201, 0x0202, 0x0100, 0x0101

DIRECTORIES = (0x8769, 0x8825, 0xA005)  # of EXIF, of GPS, of interoperability

MAKER_NOTE = 0x927C

TYPE_SIZES = {2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}  # bytes of a value of each type

SHORT = 3

RATIO_TOLERANCE = 0.04  # relative: thumbnails of 160 pixels are rounded, some to a multiple of 8

MAX_ENTRIES = 1000  # of a directory


class Entry(NamedTuple):
    """An entry of a directory."""

    tag: int
    value: int  # for one number of 16 or 32 bits
    start: int  # where its content stands
    end: int


class Directory(NamedTuple):
    """A directory of tags."""

    start: int
    entries: list[Entry]
    lead: int  # where the place of the next directory stands


def without_misfit(exif: bytes, turned: bool, size: tuple[int, int], notes: list[str]) -> bytes:
    """Drop the thumbnail if the picture has been turned, or if it does not fit a picture of this size (width, height).

    It fits if the ratio of its sides is the picture's within 4 %. Damaged EXIF stays as it is, and so does EXIF without
    a thumbnail.
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
    """Width and height, or nothing for what is no picture."""
    try:
        with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:
            return image.size
    except Exception:  # Pillow's decoders raise anything on damaged data
        return ()


def _alone(exif: bytes, order: str, first: Directory, second: Directory, start: int, end: int) -> bool:
    """Whether nothing else that can be seen has its bytes between these.

    A maker note can only be searched for the number of the place.
    """
    directories = [first, second]
    for one in directories:  # it grows
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
