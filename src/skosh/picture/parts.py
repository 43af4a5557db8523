"""Parts beside the picture that Pillow passes over: gain map, film, depth map, captions, credentials."""

from __future__ import annotations

import contextlib
import struct
from typing import Any

from PIL import Image

from .claims import DEPTH, EXTENDED, GAIN_MAP, OTHER, VIDEO
from .exif import first_directory, found, integer

CREDENTIALS = "content credentials (C2PA)"
ORDER = (GAIN_MAP, VIDEO, DEPTH, OTHER, EXTENDED, CREDENTIALS)  # in notes; others follow
ISO_GAIN_MAP = b"urn:iso:std:iso:ts:21496:-1\0"  # in JPEG's APP2
XMP_EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"  # in JPEG's APP1
NUMBER_OF_IMAGES = 0xB001  # tag of MPF
SAMSUNG_END, SAMSUNG_HEAD, SAMSUNG_FILM = b"SEFT", b"SEFH", 0x0A30  # a list behind the JPEG, and a type in it


TAIL, HEAD = 4096, 64  # bytes that are read


IPTC_IN_JPEG, IPTC_IN_TIFF, PHOTOSHOP_IN_TIFF = 0x0404, 33723, 34377  # a Photoshop resource, and two tags


IPTC_RESOURCE = b"8BIM\x04\x04"


def parts_of(image: Image.Image) -> set[str]:
    """Return the parts that a picture's file names, XMP apart. Call this before the data are loaded."""
    lost: set[str] = set()
    if image.format in ("JPEG", "MPO"):
        lost |= _of_jpeg(image)
    if image.format == "AVIF" and b"tmap" in leading_bytes(image, HEAD):
        lost.add(GAIN_MAP)
    if image.info.get("depth_images"):  # from pillow-heif
        lost.add(DEPTH)
    if any("gainmap" in str(name).lower() for name in image.info.get("aux") or ()):
        lost.add(GAIN_MAP)
    if any(chunk[0] == b"caBX" for chunk in getattr(image, "private_chunks", ())):
        lost.add(CREDENTIALS)
    return lost


def _of_jpeg(image: Image.Image) -> set[str]:
    lost = set()
    for segment, content in getattr(image, "applist", ()):
        if segment == "APP2" and content.startswith(ISO_GAIN_MAP):
            lost.add(GAIN_MAP)
        elif segment == "APP1" and content.startswith(XMP_EXTENSION):
            lost.add(EXTENDED)
        elif segment == "APP11" and b"c2pa" in content:
            lost.add(CREDENTIALS)
    if _holds_samsung_film(_bytes(image, -TAIL, TAIL)):
        lost.add(VIDEO)
    listed = image.info.get("mp", b"")
    count = integer(listed, found(listed, first_directory(listed), {NUMBER_OF_IMAGES}).get(NUMBER_OF_IMAGES))
    if count and count > 1 and getattr(image, "n_frames", 1) == 1:  # else a note tells of its frames
        lost.add(OTHER)
    return lost


def _holds_samsung_film(tail: bytes) -> bool:
    """Return whether the list that Samsung's cameras put behind a JPEG names a film.

    An entry has 12 bytes, with its type in bytes 2 and 3.
    """
    start = tail.rfind(SAMSUNG_HEAD)
    if not tail.endswith(SAMSUNG_END) or start < 0:
        return False
    listed = tail[start + 12 : -8]
    return any(kind == SAMSUNG_FILM for _, kind, _ in struct.iter_unpack("<HH8s", listed[: len(listed) // 12 * 12]))


def _bytes(image: Image.Image, at: int, count: int) -> bytes:
    """Return up to ``count`` bytes of the picture's file, from the end for a negative ``at``; none if it is closed."""
    file: Any = getattr(image, "fp", None)
    with contextlib.suppress(OSError, ValueError, AttributeError):
        place = file.tell()
        try:
            end = file.seek(0, 2)
            file.seek(max(0, end + at if at < 0 else at))
            return bytes(file.read(count))
        finally:
            file.seek(place)
    return b""


def leading_bytes(image: Image.Image, count: int) -> bytes:
    """Return the first bytes of the picture's file, if it is still open."""
    return _bytes(image, 0, count)


def note_parts(lost: set[str], notes: list[str]) -> None:
    """Add a note for each part that is not kept."""
    if lost - {OTHER, EXTENDED, CREDENTIALS}:
        lost = lost - {OTHER}  # these are the others
    known = [part for part in ORDER if part in lost]
    for part in known + sorted(lost - {*ORDER}):
        verb = "are" if part in (OTHER, CREDENTIALS) else "is"
        notes.append(f"its {part} {verb} not kept" + (": it will look as on a screen without HDR" * (part == GAIN_MAP)))


def has_captions(image: Image.Image) -> bool:
    """Return whether there are IPTC captions, in whatever place the format has for them."""
    info, tags = image.info, getattr(image, "tag_v2", {})
    resources = getattr(image, "resources", ())  # of PSD
    return (
        IPTC_IN_JPEG in (info.get("photoshop") or ())
        or IPTC_IN_TIFF in tags
        or IPTC_RESOURCE in _raw(tags.get(PHOTOSHOP_IN_TIFF))
        or any(resource[0] == IPTC_IN_JPEG for resource in resources if isinstance(resource, tuple))
        or "Raw profile type iptc" in info
        or IPTC_RESOURCE.hex() in "".join(str(info.get("Raw profile type 8bim", "")).split())
    )


def _raw(value: object) -> bytes:
    return value if isinstance(value, bytes) else b""
