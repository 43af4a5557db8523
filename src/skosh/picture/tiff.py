"""TIFF written around EXIF that stays where it stands.

What EXIF points to (its own directories, maker notes, the thumbnail) it points to by bytes from its TIFF header on, and
maker notes do so in ways that only their makers know. So the EXIF is the file's beginning, byte by byte, header and
all. Pixels follow, and last the directory of the picture, whose entries of EXIF are copied and still point where they
did. Only the header's pointer to the first directory changes.
"""

from __future__ import annotations

import struct

from PIL import ExifTags, Image

from ..errors import ImageError
from .exif import (
    ASCII,
    BYTE,
    DIRECTORY,
    LONG,
    RATIONAL,
    SHORT,
    SIZES,
    THUMBNAIL,
    UNDEFINED,
    Entry,
    byte_order,
    directory_of,
    first_directory,
    found,
    is_whole,
    next_directory,
)
from .metadata import TIFF_XMP

EMPTY = b"II*\0\x08\0\0\0"  # for pictures without EXIF
STRIP = 1 << 16  # bytes of pixels; a longer row is a strip of its own
MAX_BYTES = (1 << 32) - (1 << 25)  # of a TIFF file, less what its directory may take
ICC_PROFILE = 34675  # tag
CHARACTERS, ONE_SHORT, ONE_RATIONAL = (ASCII, BYTE, UNDEFINED), (SHORT,), (RATIONAL,)


POINTER = (LONG, DIRECTORY)
KINDS = {  # tags that are copied -> types; some readers refuse a file with others
    **dict.fromkeys(("DocumentName", "ImageDescription", "Make", "Model", "Software", "DateTime"), CHARACTERS),
    **dict.fromkeys(("Artist", "HostComputer", "Copyright"), CHARACTERS),
    **dict.fromkeys(("XPTitle", "XPComment", "XPAuthor", "XPKeywords", "XPSubject"), (BYTE, UNDEFINED)),
    **dict.fromkeys(("Orientation", "ResolutionUnit", "Rating", "RatingPercent"), ONE_SHORT),
    **dict.fromkeys(("XResolution", "YResolution"), ONE_RATIONAL),
    **dict.fromkeys(("ExifOffset", "GPSInfo"), POINTER),
}
TAGS = {ExifTags.Base[name].value: kinds for name, kinds in KINDS.items()}


def tiff_bytes(image: Image.Image, exif: bytes | None, xmp: bytes | None, icc: bytes | None) -> tuple[bytes, list[str]]:
    """Return a picture of mode L, LA, RGB or RGBA as uncompressed TIFF, and what is left out of its EXIF.

    Raises ImageError over 4 GB.
    """
    notes: list[str] = []
    if exif and not byte_order(exif):
        notes.append("its EXIF is damaged, which TIFF has no place for: left out")
        exif = None
    start = exif or EMPTY
    kept = copied(start, notes) if exif else {}
    if image.width * image.height * len(image.mode) + len(start) + len(xmp or b"") + len(icc or b"") > MAX_BYTES:
        raise ImageError("can't write so large a picture as .tif: use .png")
    return File(start).bytes_of(image, kept, xmp, icc), notes


def copied(exif: bytes, notes: list[str]) -> dict[int, bytes]:
    """Return the entries that describe the picture, unchanged. What is left out is noted."""
    first = first_directory(exif)
    described = found(exif, first, TAGS)
    good = {tag: exif[entry.head : entry.head + 12] for tag, entry in described.items() if is_fit(exif, entry)}
    if bad := [ExifTags.Base(tag).name for tag in described if tag not in good]:
        notes.append(f"EXIF of an unusual type is left out of TIFF pictures: {', '.join(bad)}")
    if THUMBNAIL in found(exif, next_directory(exif, first), {THUMBNAIL}):
        notes.append("the thumbnail in its EXIF is not kept: it would be a second page of a TIFF picture")
    return good


def is_fit(exif: bytes, entry: Entry) -> bool:
    """Return whether TIFF readers take this entry: right type, one value where one is due, complete."""
    kinds = TAGS[entry.tag]
    if entry.kind not in kinds or not is_whole(exif, entry):
        return False
    if kinds is POINTER:
        return entry.values == 1 and 0 < directory_of(exif, entry) <= len(exif) - 2
    return kinds is CHARACTERS or BYTE in kinds or entry.values == 1


class File:
    """A TIFF file that is being put together, in the byte order of the EXIF at its beginning."""

    def __init__(self, start: bytes):
        self.order = byte_order(start) or "<"
        self.parts = [start, bytes(len(start) & 1)]
        self.size = len(start) + (len(start) & 1)

    def bytes_of(self, image: Image.Image, kept: dict[int, bytes], xmp: bytes | None, icc: bytes | None) -> bytes:
        """Return the whole file."""
        channels = len(image.mode)
        rows = max(1, STRIP // (image.width * channels))
        strips = [image.crop((0, y, image.width, min(y + rows, image.height))) for y in range(0, image.height, rows)]
        offsets = [self.put(strip.tobytes()) for strip in strips]
        counts = [strip.width * strip.height * channels for strip in strips]
        directory = kept | {
            256: self.entry(256, LONG, [image.width]),
            257: self.entry(257, LONG, [image.height]),
            258: self.entry(258, SHORT, [8] * channels),
            259: self.entry(259, SHORT, [1]),  # uncompressed
            262: self.entry(262, SHORT, [1 if channels < 3 else 2]),  # black is zero, or RGB
            273: self.entry(273, LONG, offsets),
            277: self.entry(277, SHORT, [channels]),
            278: self.entry(278, LONG, [rows]),
            279: self.entry(279, LONG, counts),
            284: self.entry(284, SHORT, [1]),  # channels side by side
        }
        if image.mode.endswith("A"):
            directory[338] = self.entry(338, SHORT, [2])  # transparency that colours are not multiplied by
        if xmp:
            directory[TIFF_XMP] = self.entry(TIFF_XMP, BYTE, xmp)
        if icc:
            directory[ICC_PROFILE] = self.entry(ICC_PROFILE, UNDEFINED, icc)
        entries = b"".join(directory[tag] for tag in sorted(directory))
        at = self.put(struct.pack(f"{self.order}H", len(directory)) + entries + bytes(4))
        magic = b"II*\0" if self.order == "<" else b"MM\0*"
        self.parts[0] = magic + struct.pack(f"{self.order}I", at) + self.parts[0][8:]
        return b"".join(self.parts)

    def put(self, content: bytes) -> int:
        """Add bytes at an even place, and return the place."""
        at = self.size
        self.parts += [content, bytes(len(content) & 1)]
        self.size += len(content) + (len(content) & 1)
        return at

    def entry(self, tag: int, kind: int, values: bytes | list[int]) -> bytes:
        """Return the 12 bytes of an entry. Values of more than four bytes are added to the file first."""
        code = {SHORT: "H", LONG: "I"}.get(kind, "B")
        content = values if isinstance(values, bytes) else struct.pack(f"{self.order}{len(values)}{code}", *values)
        head = struct.pack(f"{self.order}HHI", tag, kind, len(content) // SIZES[kind])
        inline = content.ljust(4, b"\0") if len(content) <= 4 else struct.pack(f"{self.order}I", self.put(content))
        return head + inline
