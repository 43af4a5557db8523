"""Build ICC profiles of the spaces with a short name from their numbers: the same bytes on every machine."""

from __future__ import annotations

import hashlib
import struct
from functools import lru_cache

import numpy as np

from .spaces import (
    GREY,
    HLG,
    LINEAR,
    PARAMETERS,
    PCS_WHITE,
    POWER,
    PQ,
    PRIMARIES,
    Matrix,
    Space,
    Values,
    adaptation,
    colorants,
    linear,
)

VERSION = 0x0430_0000  # 4.3, which has parametric curves

BORN = (2026, 1, 1, 0, 0, 0)  # the date that every profile has

TABLE = 1024  # entries of a curve without an ICC formula

ID_AT, ID_WITHOUT = 84, ((44, 48), (64, 68), (84, 100))  # the checksum, and the ranges that count as zero in it


@lru_cache(64)
def profile(space: Space) -> bytes:
    """Return the profile of a known space."""
    curve = curve_tag(space)
    if space.primaries == GREY:
        return grey_profile(curve, space.name)
    chromaticities = PRIMARIES[space.primaries]
    cicp = bytes([space.primaries, space.transfer, 0, 1]) if space.transfer in (PQ, HLG) else None
    return rgb_profile(colorants(chromaticities), adaptation(chromaticities[3]), curve, space.name, cicp)


def rgb_profile(colorants: Matrix, adapted: Matrix, curve: bytes, name: str, cicp: bytes | None = None) -> bytes:
    """Return a profile of three channels.

    ``colorants``: XYZ under D50, a column for each channel. ``curve``: the tag of all three.
    """
    tags = {b"chad": b"sf32" + bytes(4) + fixed(adapted.ravel())}
    for channel, column in zip((b"r", b"g", b"b"), colorants.T, strict=True):
        tags[channel + b"XYZ"] = xyz_tag(column)
        tags[channel + b"TRC"] = curve
    if cicp:
        tags[b"cicp"] = b"cicp" + bytes(4) + cicp
    return _assembled(b"RGB ", name, tags)


def grey_profile(curve: bytes, name: str) -> bytes:
    """Return a profile of one channel."""
    return _assembled(b"GRAY", name, {b"kTRC": curve})


def curve_tag(space: Space) -> bytes:
    """Return the tag of a transfer curve."""
    if space.transfer == LINEAR:
        return struct.pack(">4s4xI", b"curv", 0)
    if space.transfer == POWER:
        return struct.pack(">4s4xIH", b"curv", 1, space.gamma)
    if space.transfer in PARAMETERS:
        return struct.pack(">4s4xHxx", b"para", 3) + fixed(np.array(PARAMETERS[space.transfer]))
    table = np.rint(65535 * linear(space, np.linspace(0, 1, TABLE))).astype(">u2")
    return struct.pack(">4s4xI", b"curv", TABLE) + table.tobytes()


def xyz_tag(values: Values) -> bytes:
    """Return the tag of a colour."""
    return b"XYZ " + bytes(4) + fixed(values)


def fixed(values: Values) -> bytes:
    """Return numbers as ICC profiles hold them: signed, in 1/65536."""
    return np.rint(values * 65536).astype(">i4").tobytes()


def _assembled(space: bytes, name: str, tags: dict[bytes, bytes]) -> bytes:
    """Return the whole profile: header, table of tags, and the tags, equal ones stored once."""
    common = {b"desc": text_tag(name), b"cprt": text_tag("CC0"), b"wtpt": xyz_tag(PCS_WHITE)}
    tags = common | tags
    at = 128 + 4 + 12 * len(tags)
    table, body, places = struct.pack(">I", len(tags)), b"", {}
    for tag, value in tags.items():
        if value not in places:
            places[value] = at + len(body)
            body += value + bytes(-len(value) % 4)
        table += struct.pack(">4sII", tag, places[value], len(value))
    head = struct.pack(">I4xI4s4s4s6H4s", at + len(body), VERSION, b"mntr", space, b"XYZ ", *BORN, b"acsp")
    whole = bytearray((head.ljust(68, b"\0") + fixed(PCS_WHITE)).ljust(128, b"\0") + table + body)
    blank = bytearray(whole)
    for start, end in ID_WITHOUT:
        blank[start:end] = bytes(end - start)
    whole[ID_AT : ID_AT + 16] = hashlib.md5(blank, usedforsecurity=False).digest()
    return bytes(whole)


def text_tag(text: str) -> bytes:
    """Return the tag of an English text."""
    content = text.encode("utf-16-be")
    return struct.pack(">4s4xII4sII", b"mluc", 1, 12, b"enUS", len(content), 28) + content
