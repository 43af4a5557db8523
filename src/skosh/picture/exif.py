"""Read EXIF where it stands: directories, types, counts, and only as many bytes of a value as are asked for.

EXIF is a TIFF header and directories of 12-byte entries (Exif 2.32, section 4.6.2). A value of up to four bytes stands
in its entry, a longer one elsewhere in the same bytes. No count or offset is trusted, and damaged bytes raise nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator
from typing import NamedTuple

MAKE, ORIENTATION, DATE_TIME = 0x010F, 0x0112, 0x0132  # tags
EXIF_DIRECTORY, GPS_DIRECTORY, MAKER_NOTE = 0x8769, 0x8825, 0x927C
DATE_TIME_ORIGINAL, GPS_LATITUDE = 0x9003, 2
THUMBNAIL = 0x0201  # where it stands; in the second directory
BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, DIRECTORY = 1, 2, 3, 4, 5, 7, 13  # types


SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}  # type -> bytes of one value
INTEGERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I"}  # type -> how struct calls it
NUMBERS = {**INTEGERS, 5: "II", 10: "ii", 11: "f", 12: "d"}
HEADER, ENTRY = 8, 12  # bytes


class Entry(NamedTuple):
    """One entry of a directory."""

    tag: int
    kind: int  # type of its values
    values: int  # how many
    head: int  # byte at which the entry begins
    at: int  # byte at which its first value begins
    size: int  # bytes of all values; 0 for an unknown type


def byte_order(exif: bytes) -> str | None:
    """Return struct's ``<`` or ``>``; None for bytes that do not begin with EXIF's header of eight bytes."""
    if len(exif) < HEADER:
        return None
    if exif[:4] in (b"II*\0", b"II\0*"):  # the second is wrong, but Pillow reads it
        return "<"
    return ">" if exif[:4] in (b"MM\0*", b"MM*\0") else None


def first_directory(exif: bytes) -> int:
    """Return the first byte of the first directory; 0 where there is none."""
    order = byte_order(exif)
    return int(struct.unpack_from(f"{order}I", exif, 4)[0]) if order else 0


def entries(exif: bytes, at: int, wanted: Collection[int] | None = None) -> Iterator[Entry]:
    """Yield the whole entries of the directory at a byte: all, or those of ``wanted`` tags."""
    order = byte_order(exif)
    if not order or not 0 < at <= len(exif) - 2:
        return
    (count,) = struct.unpack_from(f"{order}H", exif, at)
    whole = min(count, (len(exif) - at - 2) // ENTRY)
    table = memoryview(exif)[at + 2 : at + 2 + whole * ENTRY]
    for i, (tag, kind, values, offset) in enumerate(struct.iter_unpack(f"{order}HHII", table)):
        if wanted is None or tag in wanted:
            head, size = at + 2 + i * ENTRY, SIZES.get(kind, 0) * values
            yield Entry(tag, kind, values, head, head + 8 if size <= 4 else offset, size)


def next_directory(exif: bytes, at: int) -> int:
    """Return the first byte of the directory that follows the one at a byte; 0 where there is none."""
    order = byte_order(exif)
    if not order or not 0 < at <= len(exif) - 2:
        return 0
    end = at + 2 + ENTRY * struct.unpack_from(f"{order}H", exif, at)[0]
    return int(struct.unpack_from(f"{order}I", exif, end)[0]) if end <= len(exif) - 4 else 0


def found(exif: bytes, at: int, tags: Collection[int]) -> dict[int, Entry]:
    """Return the first entry of each of these tags in the directory at a byte."""
    first: dict[int, Entry] = {}
    for entry in entries(exif, at, tags):
        first.setdefault(entry.tag, entry)
    return first


def is_whole(exif: bytes, entry: Entry) -> bool:
    """Return whether an entry's type is known and all of its values are there."""
    return 0 < entry.size <= len(exif) - entry.at


def integer(exif: bytes, entry: Entry | None) -> int | None:
    """Return the first value, if it is an integer of any width."""
    order = byte_order(exif)
    if entry is None or order is None or entry.kind not in INTEGERS or not is_whole(exif, entry):
        return None
    return int(struct.unpack_from(order + INTEGERS[entry.kind], exif, entry.at)[0])


def directory_of(exif: bytes, entry: Entry | None) -> int:
    """Return the first byte of the directory that an entry points to; 0 for none."""
    return integer(exif, entry) or 0 if entry and entry.kind in (LONG, DIRECTORY) else 0


def text(exif: bytes, entry: Entry, most: int) -> str:
    """Return a value for people: characters, or the first numbers. Reads at most ``most`` bytes."""
    size = min(entry.size, most)
    if entry.kind in (BYTE, ASCII, UNDEFINED):
        return characters(exif[entry.at : entry.at + size].split(b"\0")[0])
    order, unit = byte_order(exif), SIZES.get(entry.kind, 0)
    if order is None or not unit or not is_whole(exif, entry):
        return ""
    values = (exif[entry.at + at : entry.at + at + unit] for at in range(0, size - unit + 1, unit))
    return " ".join(number(struct.unpack(order + NUMBERS[entry.kind], value)) for value in values)


def characters(value: bytes) -> str:
    """Decode UTF-8, or else Latin-1. A character that is cut off at the end is dropped."""
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        return value.decode(errors="ignore") if error.end == len(value) else value.decode("latin-1")


def number(parts: tuple[float, ...]) -> str:
    """Format a number, or a fraction of two."""
    return "/".join(f"{part:g}" if isinstance(part, float) else str(part) for part in parts)
