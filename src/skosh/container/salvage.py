"""Salvage: find the whole chunks of a damaged file, without trusting what it says about where they begin."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import IO

from ..errors import FormatError, LimitError
from ..limits import MAX_PIXELS
from . import alpha
from .chunks import (
    ALPHA,
    REALISM,
    TILE,
    Contents,
    Header,
    NewerFormatError,
    read_chunk,
    read_chunk_start,
    read_start,
    take,
)
from .extras import unpack, unpack_realism

SUMS = 64  # times the file's length: bytes that may be checksummed to find tiles
FREE_SUMS = 1 << 20  # and this many bytes more
LOOK = 4096  # bytes that looking at one place counts as


def read_damaged(data: bytes, max_pixels: int = MAX_PIXELS) -> Contents:
    """The contents of a file, as far as they can be read.

    Raises FormatError if the header can't be read, and for a whole chunk that only a newer version understands. Such a
    chunk is not found if the one before it is damaged so that its end is unknown. Raises LimitError for a picture over
    ``max_pixels``.
    """
    file = io.BytesIO(data)
    header = read_start(file, max_pixels)
    contents = Contents(header, {}, [None] * header.tiles)
    _take_all(file, data, contents)
    return contents


def give_up_senseless(contents: Contents) -> None:
    """Count an extra as lost if its checksum is right and its content is no transparency or metadata."""
    for kind, payload in list(contents.extras.items()):
        if not has_sense(contents.header, kind, payload):
            del contents.extras[kind]
            contents.lost.append(kind)


def has_sense(
    header: Header, kind: bytes, payload: bytes, check_alpha: Callable[[bytes, int, int], object] = alpha.unpack
) -> bool:
    """Return whether an extra is what its type says.

    ``check_alpha`` raises FormatError if a payload is no transparency of the given size.
    """
    try:
        if kind == ALPHA:
            check_alpha(payload, header.height, header.width)
        elif kind == REALISM:
            unpack_realism(payload)
        else:
            unpack({kind: payload})
    except (FormatError, LimitError):
        return False
    return True


def _take_all(file: IO[bytes], data: bytes, contents: Contents) -> None:
    """Take every chunk that can still be read.

    After a damaged chunk, go on where it says that it ends, if a whole chunk begins there. The length field itself may
    be damaged, so also scan for every ``T`` before that place. A ``T`` counts as a tile if its length leads to another
    tile or to the end of the file; one in two hundred does by chance. The places tried and the bytes checksummed are
    limited, so that no file takes long.
    """
    left, at = SUMS * len(data) + FREE_SUMS, file.tell()
    sure, behind_tile = True, False  # sure: a chunk begins here for certain
    due = 0  # where the last damaged chunk says that it ends, if a whole one begins there
    while 0 <= at < len(data) and left > 0:
        end = _chunk_end(file, at)
        if at < end <= len(data) and (sure or end == len(data) or data[end : end + 1] == TILE):
            left -= end - at
            file.seek(at)
            try:
                behind_tile |= take(file, contents, behind_tile) == TILE
                at, sure = end, True
                continue
            except NewerFormatError:  # whole, but its meaning is unknown
                raise
            except FormatError:
                pass
        left -= LOOK
        if sure:
            due, summed = _whole_behind(file, data, end)
            left -= summed
            if not behind_tile and data[at : at + 1] != TILE:
                contents.lost.append(data[at : at + 1])
                contents.lost.extend([] if due else [b""])  # unknown: other chunks before the tiles may be lost too
        at = min((place for place in (data.find(TILE, at + 1), due) if place > at), default=-1)
        sure = at == due


def _whole_behind(file: IO[bytes], data: bytes, at: int) -> tuple[int, int]:
    """Return where a damaged chunk ends if a whole one begins there, else 0, and how many bytes that checksummed."""
    end = _chunk_end(file, at) if at else 0
    if not at < end <= len(data):
        return 0, 0
    file.seek(at)
    try:
        read_chunk(file)
    except FormatError:
        return 0, end - at
    return at, end - at


def _chunk_end(file: IO[bytes], at: int) -> int:
    """Return where a chunk that begins at a byte would end; 0 if none can begin there."""
    file.seek(at)
    try:
        _, length = read_chunk_start(file)
    except FormatError:
        return 0
    return file.tell() + length + 4
