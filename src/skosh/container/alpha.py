"""Transparency: one plane of 8 bits, kept exactly, as a grey PNG inside the file.

The PNG is of the plainest kind: 8 bits, not interlaced, chunks IHDR, IDAT and IEND. Anything else is refused before
Pillow sees it, such as text that inflates to megabytes, or a second frame.
"""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from ..errors import FormatError
from ..types import Plane

PNG = b"\x89PNG\r\n\x1a\n"
FILTERS = {0: (0, 0), 1: (0, 1), 2: (1, 0)}  # of PNG -> rows and columns to the sample that is subtracted
MOST_TRIED = 1 << 20  # samples of a plane that is deflated in several ways


def pack(alpha: Plane) -> bytes:
    """(H, W) bytes -> PNG, the shortest of several."""
    buffer = io.BytesIO()
    Image.fromarray(alpha).save(buffer, "PNG", optimize=True)
    tried = [_filtered(alpha, number) for number in FILTERS] if alpha.size <= MOST_TRIED else []
    return min([buffer.getvalue(), *tried], key=len)


def _filtered(alpha: Plane, number: int) -> bytes:
    """PNG with the same filter in every row, which is what masks like best."""
    height, width = alpha.shape
    down, right = FILTERS[number]
    rows = np.full((height, width + 1), number, np.uint8)
    rows[:, 1:] = alpha
    if number:
        rows[down:, 1 + right :] -= alpha[: height - down, : width - right]
    data = zlib.compress(rows.tobytes(), 9)
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return PNG + _chunk(b"IHDR", head) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return _start(kind, len(content)) + content + struct.pack(">I", zlib.crc32(kind + content))


def unpack(data: bytes, height: int, width: int) -> Plane:
    """PNG -> (height, width) bytes. Raises FormatError for anything else, before much is allocated."""
    check_plain(data, height, width)
    try:
        with PngImageFile(io.BytesIO(data)) as image:  # not Image.open: the limit of pixels is ours
            return np.asarray(image)
    except MemoryError:
        raise
    except Exception as error:  # Pillow's decoders raise anything on damaged data
        raise FormatError(f"the transparency can't be read: {error}") from error


def check_plain(data: bytes, height: int, width: int) -> None:
    """Raise FormatError unless this is a PNG of the one kind that skosh writes, and of the picture's size."""
    start = PNG + _start(b"IHDR", 13) + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    if not data.startswith(start):
        raise FormatError(f"the transparency is no 8-bit grey PNG of {width}x{height}")
    at = len(start) + 4  # each chunk ends in a checksum, which Pillow checks
    while data[at + 4 : at + 8] == b"IDAT":
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    if data[at : at + 8] != _start(b"IEND", 0) or len(data) != at + 12:
        raise FormatError("the transparency is a PNG that holds more or less than pixels")


def _start(kind: bytes, length: int) -> bytes:
    return struct.pack(">I", length) + kind
