"""Colours that a file names without a profile: by H.273 numbers (cICP in PNG, nclx in AVIF) or PNG's gAMA and cHRM."""

from __future__ import annotations

import contextlib
import struct
import zlib
from typing import IO

import numpy as np
from PIL import Image

from .spaces import (
    BT709,
    BT709_CURVE,
    GAMMA_UNIT,
    HLG,
    LINEAR,
    MAX_GAMMA,
    POWER,
    PQ,
    PRIMARIES,
    SRGB,
    SRGB_CURVE,
    Space,
    adaptation,
    colorants,
)
from .standard import curve_tag, profile, rgb_profile

PNG = b"\x89PNG\r\n\x1a\n"

MAX_CHUNKS = 1000  # of a PNG before its data that are read

AVIF_HEAD = 1 << 16  # bytes of an AVIF file that are searched

UNSPECIFIED = 2

TRANSFERS = {  # of H.273 -> ours, and the exponent in 1/256
    **dict.fromkeys((1, 6, 14, 15), (BT709_CURVE, 0)),
    **{4: (POWER, 563), 5: (POWER, 717)},
    **{number: (number, 0) for number in (LINEAR, SRGB_CURVE, PQ, HLG)},
}

PNG_GAMMA = 1 / 2.2  # about sRGB's

GAMMA_TOLERANCE = 0.02

NEAR = 0.002  # of a chromaticity

MAX_COLORANT = 8.0  # of X, Y or Z: larger is no display's colour


def numbers_of(image: Image.Image) -> bytes | None:
    """Return primaries, transfer, matrix and range by H.273, a byte each, or None.

    Pillow does not expose them. Call this before the data are loaded, while the file is open. Afterwards only a picture
    with a file name can be read again.
    """
    if image.format not in ("PNG", "AVIF"):
        return None
    with contextlib.suppress(Exception):  # gone, closed, cut short: Pillow will report it
        file = getattr(image, "fp", None)
        if file is None:
            with open(str(image.filename), "rb") as again:  # type: ignore[attr-defined]
                return _searched(again, image.format)
        at = file.tell()
        try:
            return _searched(file, image.format)
        finally:
            file.seek(at)
    return None


def _searched(file: IO[bytes], kind: str) -> bytes | None:
    file.seek(0)
    if kind == "PNG":
        return _png_chunk(file, b"cICP")
    _, found, rest = file.read(AVIF_HEAD).partition(b"colrnclx")
    if not found or len(rest) < 7:
        return None
    primaries, transfer, _ = struct.unpack_from(">3H", rest)
    if UNSPECIFIED in (primaries, transfer) or (primaries == BT709 and TRANSFERS.get(transfer) == (BT709_CURVE, 0)):
        return None  # of a film: viewers show it as sRGB
    return bytes([min(primaries, 255), min(transfer, 255), 0, 1])  # Pillow has made full-range RGB of the rest


def _png_chunk(file: IO[bytes], wanted: bytes) -> bytes | None:
    if file.read(len(PNG)) != PNG:
        return None
    for _ in range(MAX_CHUNKS):
        length, kind = struct.unpack(">I4s", file.read(8))
        if kind == b"IDAT":
            return None
        if kind == wanted and length == 4:
            content, check = struct.unpack(">4sI", file.read(8))
            return bytes(content) if zlib.crc32(kind + content) == check else None
        file.seek(length + 4, 1)
    return None


def profile_of(image: Image.Image, cicp: bytes | None, notes: list[str]) -> bytes | None:
    """Return the profile of a picture's colours; None is sRGB.

    Coded numbers win over a profile (but in AVIF), and a profile over gamma. ``cicp``: from ``numbers_of``. What can't
    be kept is added to ``notes``.
    """
    icc = image.info.get("icc_profile") or None
    if cicp is not None and not (icc and image.format == "AVIF"):
        space = _space(cicp)
        if space:
            return None if space == SRGB else profile(space)
        notes.append(f"its colours, numbers {cicp[0]} and {cicp[1]} of H.273, are not known: they may look different")
    if icc or image.format != "PNG" or "srgb" in image.info:
        return icc
    return _by_gamma(image.info.get("gamma"), image.info.get("chromaticity"), notes)


def _space(cicp: bytes) -> Space | None:
    primaries, transfer, matrix, full = cicp
    primaries = {7: 6}.get(primaries, primaries)
    if primaries not in PRIMARIES or transfer not in TRANSFERS or matrix or not full:
        return None
    return Space(primaries, *TRANSFERS[transfer])


def _by_gamma(gamma: float | None, chromaticity: tuple[float, ...] | None, notes: list[str]) -> bytes | None:
    """Return the profile of a PNG's gamma and chromaticities (x and y each of white, red, green, blue)."""
    primaries: int | None = BT709
    named = PRIMARIES[BT709]
    if chromaticity:
        white, *others = zip(chromaticity[::2], chromaticity[1::2], strict=True)
        named = (*others, white)
        primaries = next((n for n in PRIMARIES if np.abs(np.subtract(PRIMARIES[n], named)).max() <= NEAR), None)
    usual = gamma is None or abs(gamma - PNG_GAMMA) <= GAMMA_TOLERANCE
    if primaries == BT709 and (usual or not gamma):
        return None
    exponent = round(GAMMA_UNIT / gamma) if gamma else 0
    if gamma and not 0 < exponent <= MAX_GAMMA:
        notes.append(f"its gamma of {gamma:.3g} is not kept: it may look lighter or darker")
        return None
    if exponent and primaries is not None:
        return profile(Space(primaries, POWER, exponent))
    made = _own_profile(named, exponent) if exponent else None
    if made is None:
        notes.append("its primaries (cHRM) are not kept: colours may look different")
    return made


def _own_profile(chromaticities: tuple[tuple[float, float], ...], exponent: int) -> bytes | None:
    """Return the profile of primaries and a white without a number; None where they are no colours."""
    if any(y <= 0 or x < 0 or x + y > 1 for x, y in chromaticities):
        return None
    try:
        matrix, adapted = colorants(chromaticities), adaptation(chromaticities[3])
    except np.linalg.LinAlgError:
        return None
    if not np.abs(np.stack([matrix, adapted])).max() <= MAX_COLORANT:  # also catches NaN
        return None
    return rgb_profile(matrix, adapted, curve_tag(Space(BT709, POWER, exponent)), "Colours of a PNG")
