"""The file: a signature, then chunks; the header first, the tiles last. ``docs/format.md`` says the same in words.

    file    = SIGNATURE VERSION (1 byte) chunk(HEADER) chunk(extra)* chunk(TILE)+
    chunk   = type (1 byte) length (varint) payload (length bytes) CRC-32 of type and payload (4 bytes, little-endian)
    HEADER  = settings (2 bytes, little-endian) width (varint) height (varint) model id (8 bytes)
    TILE    = [number of the tile (varint), where the picture has more than one] entropy-coded stream

A varint holds 7 bits a byte, lowest first, with the high bit set on all bytes but the last. A reader may skip a type in
lower case that it does not know; it must refuse one in upper case.
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass, field
from typing import IO

from ..errors import FormatError, LimitError
from ..files import SIGNATURE
from ..limits import MAX_CHUNK, MAX_PIXELS, MAX_UNKNOWN, check_size

VERSION = 1
HEADER, TILE = b"H", b"T"


ALPHA, REALISM, SPACE, ICC, EXIF, XMP = b"A", b"r", b"c", b"i", b"e", b"x"


EXTRAS = (
    ALPHA,
    REALISM,
    SPACE,
    ICC,
    EXIF,
    XMP,
)  # at most one of each, in any order between the header and the first tile
MODEL_ID_BYTES = 8
VARINT_BYTES = 5
MODES = {0: "RGB", 1: "L"}
QUALITY_UNIT = 8  # qualities are multiples of an eighth
TILE_MIN = 64  # the smallest side of a tile; others are this times a power of two


class NewerFormatError(FormatError):
    """A whole chunk whose meaning only a later version can know."""


@dataclass(frozen=True)
class Header:
    """What a decoder has to know first."""

    width: int  # pixels
    height: int
    quality: float  # 0 to 100 in eighths: the place between the bundle's rows of levels
    model_id: bytes  # the first 8 bytes of the bundle's content hash
    mode: str = "RGB"  # or L: grey
    tile: int = 0  # side of a tile: 0 for one tile that is the whole picture, else 64 * 2 ** n with n in 0..14

    @property
    def tiles(self) -> int:
        """How many tiles the picture has."""
        return -(-self.width // self.tile) * -(-self.height // self.tile) if self.tile else 1


@dataclass(frozen=True)
class Contents:
    """Everything in a file. A tile is None where salvage could not read it."""

    header: Header
    extras: dict[bytes, bytes]  # type -> payload
    tiles: list[bytes | None]
    lost: list[bytes] = field(default_factory=list)  # types of the chunks before the tiles that salvage could not read


def write(header: Header, extras: dict[bytes, bytes], tiles: list[bytes]) -> bytes:
    """Return the bytes of a file. Raises LimitError for a chunk that no reader would accept."""
    if len(tiles) != header.tiles:
        raise ValueError(f"{len(tiles)} tiles where the header says {header.tiles}")
    parts = [SIGNATURE, bytes([VERSION]), _chunk(HEADER, _pack_header(header))]
    parts += [_chunk(kind, payload) for kind, payload in extras.items()]
    parts += [_chunk(TILE, (_varint(n) if len(tiles) > 1 else b"") + stream) for n, stream in enumerate(tiles)]
    return b"".join(parts)


def read(data: bytes, max_pixels: int = MAX_PIXELS) -> Contents:
    """Return the contents of a whole file.

    Raises FormatError for anything foreign, damaged or cut short, and LimitError for a picture over ``max_pixels``.
    """
    file = io.BytesIO(data)
    header = read_start(file, max_pixels)
    contents = Contents(header, {}, [None] * header.tiles)
    behind_tile, unknown = False, 0
    while file.tell() < len(data):
        kind = take(file, contents, behind_tile)
        behind_tile |= kind == TILE
        unknown = _count_unknown(kind, unknown)
    if missing := sum(tile is None for tile in contents.tiles):
        raise FormatError(f"the file is cut short: {missing} of {header.tiles} tiles are missing")
    return contents


def take(file: IO[bytes], contents: Contents, behind_tile: bool) -> bytes:
    """Read one chunk behind the header, put it where it belongs and return its type."""
    at, tiles = file.tell(), contents.tiles
    kind, payload = read_chunk(file)
    if kind == TILE:
        number, start = _read_varint(io.BytesIO(payload)) if len(tiles) > 1 else (0, 0)
        if number >= len(tiles) or tiles[number] is not None:
            raise FormatError(f"byte {at}: tile {number} is one too many")
        tiles[number] = payload[start:]
    elif behind_tile and kind in EXTRAS:
        raise FormatError(f"byte {at}: chunk {kind.decode()} stands behind a tile")
    else:
        _put_extra(contents.extras, kind, payload, at)
    return kind


def read_head(file: IO[bytes], max_pixels: int = MAX_PIXELS) -> tuple[Header, dict[bytes, bytes]]:
    """Return header and extras of an open file. Reads up to the first tile and no further."""
    header = read_start(file, max_pixels)
    extras: dict[bytes, bytes] = {}
    unknown = 0
    while True:
        at = file.tell()
        kind, length = read_chunk_start(file)
        if kind == TILE:
            return header, extras
        unknown = _count_unknown(kind, unknown)
        _put_extra(extras, kind, _read_payload(file, kind, length), at)


def _put_extra(extras: dict[bytes, bytes], kind: bytes, payload: bytes, at: int) -> None:
    if kind in extras or kind == HEADER:
        raise FormatError(f"byte {at}: a second chunk {kind.decode()}")
    if kind in EXTRAS:
        extras[kind] = payload
    elif kind.isupper():
        raise NewerFormatError(f"this file needs a newer skosh: unknown critical chunk {kind.decode()}")


def _count_unknown(kind: bytes, count: int) -> int:
    """Count chunks of unknown kinds. Raises FormatError for more of them than any writer would make."""
    count += kind not in (HEADER, TILE, *EXTRAS)
    if count > MAX_UNKNOWN:
        raise FormatError(f"over {MAX_UNKNOWN} chunks of kinds that this skosh does not know: refused")
    return count


def read_start(file: IO[bytes], max_pixels: int) -> Header:
    """Read signature, version and header."""
    start = file.read(len(SIGNATURE))
    if not start:
        raise FormatError("the file is empty")
    if start != SIGNATURE:
        cut = SIGNATURE.startswith(start)
        raise FormatError("the file is cut short in its signature" if cut else "this is not a .skosh file")
    version = file.read(1)
    if not version:
        raise FormatError("the file is cut short before its version")
    if version[0] != VERSION:
        raise FormatError(f"format version {version[0]} is not known to this skosh (it reads {VERSION}): update it")
    kind, payload = read_chunk(file)
    if kind != HEADER:
        raise FormatError(f"the first chunk is {kind.decode()} and not the header")
    header = _unpack_header(payload)
    check_size(header.width, header.height, max_pixels)
    return header


def _pack_header(header: Header) -> bytes:
    tile = 0 if header.tile == 0 else (header.tile // TILE_MIN).bit_length()
    if header.tile and (not 1 <= tile <= 15 or header.tile != TILE_MIN << (tile - 1)):
        raise ValueError(f"a tile of {header.tile} pixels is no power of two from {TILE_MIN} on")
    mode = next(code for code, name in MODES.items() if name == header.mode)
    eighths = round(header.quality * QUALITY_UNIT)
    sizes = _varint(header.width) + _varint(header.height)
    return struct.pack("<H", tile | mode << 4 | eighths << 6) + sizes + header.model_id


def _unpack_header(payload: bytes) -> Header:
    if len(payload) < 2:
        raise FormatError("the header is cut short")
    (settings,) = struct.unpack_from("<H", payload)
    tile, mode, eighths = settings & 15, settings >> 4 & 3, settings >> 6
    file = io.BytesIO(payload[2:])
    width, height = _read_varint(file)[0], _read_varint(file)[0]
    model_id = file.read()
    if len(model_id) != MODEL_ID_BYTES:
        raise FormatError(f"the header's model id has {len(model_id)} bytes where {MODEL_ID_BYTES} are due")
    if mode not in MODES:
        raise FormatError(f"this file needs a newer skosh: unknown mode {mode}")
    if eighths > 100 * QUALITY_UNIT:
        raise FormatError(f"quality {eighths / QUALITY_UNIT} is over 100")
    side = TILE_MIN << (tile - 1) if tile else 0
    return Header(width, height, eighths / QUALITY_UNIT, model_id, MODES[mode], side)


def _chunk(kind: bytes, payload: bytes) -> bytes:
    if len(payload) > MAX_CHUNK:
        raise LimitError(f"chunk {kind.decode()} would have {len(payload)} bytes, over the limit of {MAX_CHUNK}")
    return kind + _varint(len(payload)) + payload + struct.pack("<I", zlib.crc32(kind + payload))


def read_chunk(file: IO[bytes]) -> tuple[bytes, bytes]:
    """Read type and payload.

    Raises FormatError if no chunk begins here, its end is missing or its checksum is wrong.
    """
    kind, length = read_chunk_start(file)
    return kind, _read_payload(file, kind, length)


def read_chunk_start(file: IO[bytes]) -> tuple[bytes, int]:
    """Read the type and length of a chunk."""
    at = file.tell()
    kind = file.read(1)
    if not (kind.isalpha() and kind.isascii()):
        raise FormatError(f"byte {at}: damaged, or cut short, where a chunk should begin")
    length, _ = _read_varint(file)
    if length > MAX_CHUNK:
        raise FormatError(f"byte {at}: chunk {kind.decode()} claims {length} bytes, over the limit of {MAX_CHUNK}")
    return kind, length


def _read_payload(file: IO[bytes], kind: bytes, length: int) -> bytes:
    at = file.tell()
    payload, check = file.read(length), file.read(4)
    if len(check) < 4:
        raise FormatError(
            f"the file is cut short: chunk {kind.decode()} ends at byte {at + length + 4}, after the file"
        )
    if zlib.crc32(payload, zlib.crc32(kind)) != struct.unpack("<I", check)[0]:
        raise FormatError(f"the file is damaged: wrong checksum of chunk {kind.decode()} before byte {at + length}")
    return payload


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_varint(file: IO[bytes]) -> tuple[int, int]:
    """Read a number. Returns it and how many bytes it took."""
    value = 0
    for i in range(VARINT_BYTES):
        byte = file.read(1)
        if not byte:
            raise FormatError("the file is cut short in a number")
        value |= (byte[0] & 127) << (7 * i)
        if byte[0] < 128:
            if i and not byte[0]:
                raise FormatError(f"byte {file.tell() - 1}: a number is not in its shortest form")
            return value, i + 1
    raise FormatError(f"byte {file.tell() - 1}: a number is too long")
