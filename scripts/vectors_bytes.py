"""Test vectors that need no bundle: chunks of a file, and the range coder. ``vectors.py`` writes them."""

from __future__ import annotations

import struct
import zlib
from bisect import bisect_right
from typing import Any

import numpy as np

from skosh.container.chunks import Header, read, write
from skosh.entropy.rangecoder import plain
from skosh.entropy.tables import TOTAL, IntTable, integer_table, normal_tables
from skosh.errors import SkoshError
from skosh.files import SIGNATURE
from skosh.types import Symbols

START = SIGNATURE + b"\x01"
HEADER = struct.pack("<H", 50 * 8 << 6) + bytes([40, 30]) + b"modelids"  # one tile, RGB, quality 50
FOUR = struct.pack("<H", 1 | 50 * 8 << 6) + bytes([100, 100]) + b"modelids"  # of 64 pixels a side
Run = tuple[str, Symbols]


def chunks() -> dict[str, Any]:
    """Bytes -> header, extras and tiles, or which error."""
    cases = []
    for name, data in whole_files().items():
        found = read(data)
        header = {key: value for key, value in vars(found.header).items() if key != "model_id"}
        header |= {"model_id": found.header.model_id.hex(), "tiles": found.header.tiles}
        extras = {kind.decode(): payload.hex() for kind, payload in found.extras.items()}
        tiles = [(tile or b"").hex() for tile in found.tiles]
        cases.append({"name": name, "bytes": data.hex(), "header": header, "extras": extras, "tiles": tiles})
    refused = []
    for name, data in wrong_files().items():
        try:
            read(data)
        except SkoshError as error:
            refused.append({"name": name, "bytes": data.hex(), "error": type(error).__mro__[-5:-4][0].__name__})
        else:
            raise AssertionError(f"{name} is read")
    return {"cases": cases, "refused": refused}


def whole_files() -> dict[str, bytes]:
    """Files that every reader reads."""
    most = Header(65_535, 2_048, 100.0, bytes(range(248, 256)), "L", 64 << 14)
    tiles = [b"first", b"", b"third", b"a fourth"]
    extras = {kind: kind * 3 for kind in (b"x", b"A", b"r", b"c", b"e", b"i")}
    numbered = [chunk(b"T", bytes([n]) + tiles[n]) for n in range(4)]
    return {
        "smallest": write(Header(1, 1, 0.0, bytes(8)), {}, [b""]),
        "largest numbers": write(most, {}, [b"\xff\0"]),
        "every extra": write(Header(40, 30, 37.125, b"modelids"), extras, [b"tile"]),
        "a length of two bytes": write(Header(300, 200, 99.875, b"modelids"), {}, [bytes(range(250))]),
        "four tiles": write(Header(100, 100, 50.0, b"modelids", tile=64), {}, tiles),
        "four tiles in another order": START + chunk(b"H", FOUR) + b"".join(numbered[n] for n in (2, 0, 3, 1)),
        "unknown chunks": START
        + chunk(b"H", HEADER)
        + chunk(b"q", b"unknown")
        + chunk(b"x", b"xmp")
        + chunk(b"q")
        + chunk(b"T", b"tile")
        + chunk(b"z", b"more"),
    }


def wrong_files() -> dict[str, bytes]:
    """Files that every reader refuses."""
    head, tile = START + chunk(b"H", HEADER), chunk(b"T", b"tile")
    whole, four = head + tile, START + chunk(b"H", FOUR)
    damaged = whole[:-6] + bytes([whole[-6] ^ 1]) + whole[-5:]
    start = {f"cut at byte {n}": whole[:n] for n in (0, 2, 3, 4, 5, 6, 10, 22, 23, 24, len(whole) - 1)}
    wrong = {
        "another signature": b"\x89PNG\r\n\x1a\n",
        "version 2": SIGNATURE + b"\x02" + whole[4:],
        "a flipped bit": damaged,
        "no header": START + tile,
        "a second header": head + chunk(b"H", HEADER) + tile,
        "no tile": head,
        "a second tile": whole + tile,
        "a tile is missing": four + b"".join(chunk(b"T", bytes([n])) for n in range(3)),
        "a tile twice": four + b"".join(chunk(b"T", bytes([n])) for n in (0, 1, 1, 2)),
        "a tile's number is too large": four + b"".join(chunk(b"T", bytes([n])) for n in (0, 1, 2, 4)),
        "a tile without a number": four + chunk(b"T"),
        "an extra behind a tile": whole + chunk(b"x", b"xmp"),
        "an extra twice": head + chunk(b"x", b"xmp") * 2 + tile,
        "an unknown critical chunk": head + chunk(b"Q") + tile,
        "a type that is no letter": head + chunk(b"1") + tile,
        "bytes behind the last tile": whole + b"\0",
        "a length not in its shortest form": head + b"T\x84\0tile" + tile[-4:],
        "a length of six bytes": head + b"T\x84\x80\x80\x80\x80\x00tile" + tile[-4:],
        "a length over the limit": head + b"T\x81\x80\x80\x80\x01" + tile[2:],
    }
    headers = {
        "mode 2": struct.pack("<H", 2 << 4) + HEADER[2:],
        "quality over 100": struct.pack("<H", 801 << 6) + HEADER[2:],
        "an id of seven bytes": HEADER[:-1],
        "bytes behind the id": HEADER + b"\0",
        "no pixels": HEADER[:2] + b"\0" + HEADER[3:],
        "a side over 65535": HEADER[:2] + b"\x80\x80\x04" + HEADER[3:],
        "more pixels than the limit": HEADER[:2] + b"\xff\xff\x03" * 2 + HEADER[4:],
        "an empty header": b"",
    }
    return start | wrong | {name: START + chunk(b"H", payload) + tile for name, payload in headers.items()}


def chunk(kind: bytes, payload: bytes = b"") -> bytes:
    """Return a chunk of under 128 bytes, with its checksum."""
    return kind + bytes([len(payload)]) + payload + struct.pack("<I", zlib.crc32(kind + payload))


def range_coder() -> dict[str, Any]:
    """Tables and words -> symbols, or after how many symbols a stream is refused."""
    rng = np.random.default_rng(3)
    tables = {
        "even": np.full(4096, TOTAL // 4096, np.int64),
        "coin": np.full(2, TOTAL // 2, np.int64),
        "normal": normal_tables()[20],
        "skewed": integer_table(rng.random(30) ** 8),
        "sure": np.array([1, TOTAL - 2, 1], np.int64),
    }
    cases = []
    for name, runs in coded_runs(tables, rng).items():
        encoder = plain.Encoder()
        for table, symbols in runs:
            encoder.encode(symbols, plain.model(tables[table]))
        cases.append(case(tables, name, stream_of(encoder), runs))
    for name, data in {
        "nothing": b"",
        "noise": rng.bytes(40),
        "one byte": b"\x01",
        "ones but one": b"\xfe" * 24,
    }.items():
        cases.append(case(tables, name, data, [(table, np.zeros(12, np.int32)) for table in tables if table != "sure"]))
    refused = []
    for name, before in {"at once": [], "after five symbols": [24, 15, 21, 2, 15]}.items():
        data = above(tables["skewed"], np.array(before, np.int32))
        refused.append({"name": name, "bytes": data.hex(), "table": "skewed", "symbols": before})
    return {"tables": {name: listed(table) for name, table in tables.items()}, "cases": cases, "refused": refused}


def coded_runs(tables: dict[str, IntTable], rng: np.random.Generator) -> dict[str, list[Run]]:
    """Return symbols by the name of their table, in runs."""
    likely = [
        (name, rng.choice(table.size, 40, p=table / TOTAL).astype(np.int32))
        for name, table in tables.items()
        for _ in "ab"
    ]
    anywhere = [(name, rng.integers(0, table.size, 20).astype(np.int32)) for name, table in tables.items()]
    return {
        "one symbol": [("coin", np.array([1], np.int32))],
        "likely symbols": likely,
        "unlikely symbols": anywhere,
        "words past the end": [("coin", np.zeros(100, np.int32)), ("normal", np.zeros(20, np.int32))],
        "a carry through words of ones": [("even", carrying(tables["even"], rng))],
    }


def carrying(table: IntTable, rng: np.random.Generator) -> Symbols:
    """Return symbols whose interval lies around a multiple of 2^64 for a long time, and at last above it.

    Below it, the words put out are all ones: the last symbol's carry runs through them.
    """
    encoder, model, run = plain.Encoder(), plain.model(table), []

    def put(symbol: int) -> None:
        run.append(symbol)
        encoder.encode(np.array([symbol]), model)

    while encoder.lower + encoder.width <= 1 << 64:
        put(int(rng.integers(table.size)))
    for _ in range(15):
        share = ((1 << 64) - encoder.lower) // (encoder.width >> 24)
        put(bisect_right(model.cumulative, share) - 1)
    before = list(encoder.out)
    put(table.size - 1)
    assert before[-3:] == [2**32 - 1] * 3
    assert encoder.out[len(before) - 3 : len(before)] == [0] * 3
    return np.array(run, np.int32)


def case(tables: dict[str, IntTable], name: str, data: bytes, runs: list[Run]) -> dict[str, Any]:
    """Return what the decoder reads out of bytes, for runs of so many symbols."""
    decoder = plain.Decoder(words(data))
    found = []
    for table, symbols in runs:
        found.append({"table": table, "symbols": decoder.decode(plain.model(tables[table]), symbols.size).tolist()})
    return {"name": name, "bytes": data.hex(), "runs": found}


def above(table: IntTable, symbols: Symbols) -> bytes:
    """Return a stream that points, behind these symbols, at the end of the interval, which hardly ever has a symbol."""
    encoder = plain.Encoder()
    encoder.encode(symbols, plain.model(table))
    last = plain.settled(encoder.out, encoder.lower + encoder.width - 1)
    return np.array([*encoder.out, last >> 32, last & 0xFFFFFFFF], "<u4").tobytes()


def listed(table: IntTable) -> list[int] | dict[str, int]:
    """Return a table's frequencies; of equal ones, how many."""
    return {"uniform": table.size} if (table == table[0]).all() else table.tolist()


def stream_of(encoder: plain.Encoder) -> bytes:
    """Return an encoder's bytes as a file holds them."""
    return bytes(encoder.words().astype("<u4").tobytes().rstrip(b"\0"))


def words(data: bytes) -> Any:
    """Return the 32-bit words of a stream."""
    return np.frombuffer(data + bytes(-len(data) % 4), "<u4").astype(np.uint32)
