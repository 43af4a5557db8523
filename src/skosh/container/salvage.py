"""What is left of a damaged file: all chunks behind the header that are still whole, found without trusting what says where they begin."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import IO

from ..errors import FormatError, LimitError
from ..limits import MAX_PIXELS
from . import alpha
from .chunks import ALPHA, TILE, Contents, Header, NewerFormatError, read_chunk, read_chunk_start, read_start, take
from .extras import unpack

SUMS = 64  # times the file's length that may be summed up to find tiles


FREE_SUMS = 1 << 20  # and so many more


LOOK = 4096  # bytes could be summed up while one place is looked at where a tile may begin


def read_damaged(data: bytes, max_pixels: int = MAX_PIXELS) -> Contents:
    """The contents of a file, as far as they can be read.

    Raises FormatError where not even the header can be, and where a chunk is met that only a newer version understands (one right behind such damage
    that nobody can say where it begins is not met); LimitError for a picture over ``max_pixels``.
    """
    file = io.BytesIO(data)
    header = read_start(file, max_pixels)
    contents = Contents(header, {}, [None] * header.tiles)
    _take_all(file, data, contents)
    return contents


def give_up_senseless(contents: Contents) -> None:
    """Count as lost what is whole by its checksum and still no transparency or metadata."""
    for kind, payload in list(contents.extras.items()):
        if not has_sense(contents.header, kind, payload):
            del contents.extras[kind]
            contents.lost.append(kind)


def has_sense(
    header: Header, kind: bytes, payload: bytes, check_alpha: Callable[[bytes, int, int], object] = alpha.unpack
) -> bool:
    """Whether an extra is what its type says. ``check_alpha``: raises FormatError where a payload is no transparency of the size."""
    try:
        if kind == ALPHA:
            check_alpha(payload, header.height, header.width)
        else:
            unpack({kind: payload})
    except (FormatError, LimitError):
        return False
    return True


def _take_all(file: IO[bytes], data: bytes, contents: Contents) -> None:
    """Take every chunk that can still be read; behind a damaged one, go on at the next tile, or where it says that it ends if a whole one begins there.

    Its length may be what is damaged, so that tiles before that place are looked for all the same. Every ``T`` may begin one. Its length has to lead
    to another tile or to the end, which leaves one in two hundred of them, and only so many are looked at and so many bytes summed up in all, so that
    no file takes long.
    """
    left, at = SUMS * len(data) + FREE_SUMS, file.tell()
    sure, behind_tile = True, False  # sure: a chunk is due here
    due = 0  # the last place where a damaged one says that it ends and a whole one begins
    while 0 <= at < len(data) and left > 0:
        end = _chunk_end(file, at)
        if at < end <= len(data) and (sure or end == len(data) or data[end : end + 1] == TILE):
            left -= end - at
            file.seek(at)
            try:
                behind_tile |= take(file, contents, behind_tile) == TILE
                at, sure = end, True
                continue
            except NewerFormatError:  # whole, and nobody knows what it changes
                raise
            except FormatError:
                pass
        left -= LOOK
        if sure:
            due, summed = _whole_behind(file, data, end)
            left -= summed
            if not behind_tile and data[at : at + 1] != TILE:
                contents.lost.append(data[at : at + 1])
                contents.lost.extend([] if due else [b""])  # nobody can say what else stood before the tiles
        at = min((place for place in (data.find(TILE, at + 1), due) if place > at), default=-1)
        sure = at == due


def _whole_behind(file: IO[bytes], data: bytes, at: int) -> tuple[int, int]:
    """Where a damaged chunk ends, if a whole one begins there, else 0; and how many bytes were summed up to see it."""
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
    """Where a chunk that seems to begin at a byte would end; 0 if none can."""
    file.seek(at)
    try:
        _, length = read_chunk_start(file)
    except FormatError:
        return 0
    return file.tell() + length + 4
