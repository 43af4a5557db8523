"""Mutations that know what a .skosh file looks like.

Of one chunk, of its deflated content, or of the order of chunks.
"""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable

START = b"\x93SK\x01"
Mutate = Callable[[bytes, int], bytes]
Chunks = list[tuple[bytes, bytes]]  # type, payload


def split(data: bytes) -> Chunks:
    """The chunks of a file as far as they make sense; checksums are not looked at."""
    at, found = len(START), []
    while at < len(data):
        kind, at = data[at : at + 1], at + 1
        length = shift = 0
        while at < len(data):
            length |= (data[at] & 127) << shift
            shift, at = shift + 7, at + 1
            if data[at - 1] < 128:
                break
        found.append((kind, data[at : at + length]))
        at += length + 4
    return found


def joined(chunks: Chunks) -> bytes:
    """A file whose checksums fit."""
    parts = [START]
    for kind, payload in chunks:
        number, length = bytearray(), len(payload)
        while length > 127:
            number.append(length & 127 | 128)
            length >>= 7
        number.append(length)
        parts.append(kind + number + payload + struct.pack("<I", zlib.crc32(kind + payload)))
    return b"".join(parts)


def retargeted(data: bytes, model_id: bytes) -> bytes:
    """The same file as if it had been made with another model; all checksums fit."""
    chunks = split(data)
    if chunks and chunks[0][0] == b"H":
        chunks[0] = (b"H", chunks[0][1][: -len(model_id)] + model_id)
    return joined(chunks)


def mutated(data: bytes, max_size: int, seed: int, mutate: Mutate, model_id: bytes) -> bytes:
    """A file that differs in one way; one time in eight, raw bytes do, and checksums stay wrong."""
    rng = random.Random(seed)
    chunks = split(data)
    if not chunks or rng.random() < 0.125:
        return mutate(data, max_size)
    n = rng.randrange(len(chunks))
    kind, payload = chunks[n]
    what = rng.random()
    if what < 0.05:
        del chunks[n]
    elif what < 0.1:
        chunks.insert(rng.randrange(len(chunks) + 1), chunks[n])
    elif what < 0.15:
        rng.shuffle(chunks)
    elif what < 0.2:
        chunks[n] = (rng.choice(b"HTAriexzZ").to_bytes(1, "little"), payload)
    elif kind in b"iex" and what < 0.8:
        chunks[n] = (kind, zlib.compress(mutate(inflated(payload), max_size)))
    elif kind == b"A" and what < 0.9:
        chunks[n] = (kind, png(payload, mutate, max_size, rng))
    elif kind == b"T" and what < 0.4:
        chunks[n] = (kind, payload[: rng.randrange(3)] + bytes([rng.choice((0, 255))]) * rng.randrange(1, 2000))
    else:
        chunks[n] = (kind, mutate(payload, max_size))
    return retargeted(joined(chunks), model_id)[:max_size]


def inflated(payload: bytes) -> bytes:
    """What is deflated in a payload, as far as it can be read; up to 64 kB."""
    try:
        return zlib.decompressobj().decompress(payload, 1 << 16)
    except zlib.error:
        return payload


def png(data: bytes, mutate: Mutate, max_size: int, rng: random.Random) -> bytes:
    """A PNG with one chunk changed, its checksums repaired."""
    at, parts = 8, []
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        parts.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    if not parts:
        return mutate(data, max_size)
    n = rng.randrange(len(parts))
    kind, payload = parts[n]
    kind = rng.choice((kind, kind, kind, b"zTXt", b"iCCP", b"acTL", b"fdAT", b"tRNS", b"eXIf", b"PLTE"))
    parts.insert(n + rng.randrange(2), (kind, mutate(payload, max_size)))
    if rng.random() < 0.7:
        del parts[n + (parts[n] is not None and parts[n][1] is not payload)]
    whole = [len(p).to_bytes(4, "big") + k + p + zlib.crc32(k + p).to_bytes(4, "big") for k, p in parts]
    return data[:8] + b"".join(whole)
