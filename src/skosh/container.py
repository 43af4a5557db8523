"""The file: a signature, then chunks; the header chunk first. ``docs/format.md`` says the same in words.

    file    = SIGNATURE VERSION (1 byte) chunk(HEADER) chunk*
    chunk   = type (1 byte) length (varint) payload (length bytes) CRC-32 of type and payload (4 bytes, little-endian)
    HEADER  = mode and tile (1 byte) quality (1 byte) width (varint) height (varint) model id (8 bytes)

A varint holds 7 bits a byte, lowest first, with the high bit set on all bytes but the last. A type in lower case may be skipped
by a reader that does not know it; one in upper case may not.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from .errors import FormatError
from .limits import MAX_CHUNK, check_size

SIGNATURE = b"\x93SK"
VERSION = 1
HEADER = b"H"
TILE = b"T"
MODEL_ID_BYTES = 8
VARINT_BYTES = 5
MODES = {0: "RGB"}


@dataclass(frozen=True)
class Header:
    """What a decoder has to know first."""

    width: int  # pixels
    height: int
    quality: int  # 0..100: the row of the bundle's levels
    model_id: bytes  # the first 8 bytes of the bundle's content hash
    mode: str = "RGB"
    tile: int = 0  # side of a tile: 0 for one tile that is the whole picture, else 2 ** (n + 5) with n in 1..15


@dataclass(frozen=True)
class Chunk:
    """A type of one byte and a payload whose checksum was right."""

    kind: bytes
    payload: bytes


def write(header: Header, chunks: list[Chunk]) -> bytes:
    """The bytes of a file."""
    first = Chunk(HEADER, _pack_header(header))
    return SIGNATURE + bytes([VERSION]) + b"".join(_pack_chunk(chunk) for chunk in [first, *chunks])


def read(data: bytes) -> tuple[Header, list[Chunk]]:
    """Header and chunks of a whole file; FormatError for anything foreign, damaged or cut short."""
    first, at = _read_first(data)
    chunks = []
    while at < len(data):
        chunk, at = _read_chunk(data, at)
        known = chunk.kind == TILE
        if not known and chunk.kind.isupper():
            raise FormatError(f"this file needs a newer skosh: unknown critical chunk {chunk.kind!r}")
        if known:
            chunks.append(chunk)
    if not chunks:
        raise FormatError("the file is cut short: it has a header but no picture")
    return first, chunks


def read_header(data: bytes) -> Header:
    """Header alone; the rest of the file need not be there."""
    return _read_first(data)[0]


def _read_first(data: bytes) -> tuple[Header, int]:
    if not data:
        raise FormatError("the file is empty")
    if not data.startswith(SIGNATURE):
        cut = SIGNATURE.startswith(data)
        raise FormatError("the file is cut short in its signature" if cut else "this is not a .skosh file")
    at = len(SIGNATURE)
    if len(data) == at:
        raise FormatError("the file is cut short before its version")
    if data[at] != VERSION:
        raise FormatError(f"format version {data[at]} is not known to this skosh (it reads {VERSION}): update it")
    chunk, at = _read_chunk(data, at + 1)
    if chunk.kind != HEADER:
        raise FormatError(f"the first chunk is {chunk.kind!r} and not the header")
    return _unpack_header(chunk.payload), at


def _pack_header(header: Header) -> bytes:
    tile = 0 if header.tile == 0 else header.tile.bit_length() - 6
    if header.tile and (not 1 <= tile <= 15 or header.tile != 1 << (tile + 5)):
        raise ValueError(f"a tile of {header.tile} pixels is no power of two from 64 on")
    mode = next(code for code, name in MODES.items() if name == header.mode)
    return bytes([mode | tile << 4, header.quality]) + _varint(header.width) + _varint(header.height) + header.model_id


def _unpack_header(payload: bytes) -> Header:
    if len(payload) < 2:
        raise FormatError("the header is cut short")
    packed, quality = payload[0], payload[1]
    width, at = _read_varint(payload, 2)
    height, at = _read_varint(payload, at)
    if len(payload) != at + MODEL_ID_BYTES:
        raise FormatError(f"the header has {len(payload)} bytes where {at + MODEL_ID_BYTES} were due")
    if packed & 15 not in MODES:
        raise FormatError(f"this file needs a newer skosh: unknown mode {packed & 15}")
    if quality > 100:
        raise FormatError(f"quality {quality} is over 100")
    check_size(width, height)
    tile = 0 if packed >> 4 == 0 else 1 << ((packed >> 4) + 5)
    return Header(width, height, quality, payload[at:], MODES[packed & 15], tile)


def _pack_chunk(chunk: Chunk) -> bytes:
    check = zlib.crc32(chunk.kind + chunk.payload)
    return chunk.kind + _varint(len(chunk.payload)) + chunk.payload + struct.pack("<I", check)


def _read_chunk(data: bytes, at: int) -> tuple[Chunk, int]:
    kind = data[at : at + 1]
    if not (kind.isalpha() and kind.isascii()):
        raise FormatError(f"byte {at}: damaged, or cut short, where a chunk should begin")
    length, start = _read_varint(data, at + 1)
    if length > MAX_CHUNK:
        raise FormatError(f"byte {at}: chunk {kind!r} claims {length} bytes, over the limit of {MAX_CHUNK}")
    end = start + length
    if end + 4 > len(data):
        raise FormatError(f"the file is cut short: chunk {kind!r} ends at byte {end + 4}, the file at {len(data)}")
    payload = data[start:end]
    if zlib.crc32(kind + payload) != struct.unpack_from("<I", data, end)[0]:
        raise FormatError(f"the file is damaged: wrong checksum of chunk {kind!r} at byte {at}")
    return Chunk(kind, payload), end + 4


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for i in range(VARINT_BYTES):
        if at + i >= len(data):
            raise FormatError("the file is cut short in a number")
        byte = data[at + i]
        value |= (byte & 127) << (7 * i)
        if byte < 128:
            if i and not byte:
                raise FormatError(f"byte {at}: a number is not in its shortest form")
            return value, at + i + 1
    raise FormatError(f"byte {at}: a number is too long")
