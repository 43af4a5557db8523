"""Parse ICC profiles within limits, and recognise standard ones by what they do to colours.

A profile is one of the spaces of ``spaces`` if it shows every colour of a grid where that space shows it, within
rounding. Names, texts, version, author and the form of its curves do not matter.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from .spaces import (
    GAMMA_UNIT,
    GREY,
    HLG,
    MAX_GAMMA,
    PARAMETERS,
    PCS_WHITE,
    POWER,
    PQ,
    PRIMARIES,
    PROPHOTO,
    SRGB,
    TRANSFER_NAMES,
    Space,
    Values,
    adaptation,
    colorants,
    linear,
)

MAX_TAGS = 100

MAX_TAG = 12 + 2 * 65_536  # bytes of a tag: a curve has at most 65,536 entries

HEADER = 128  # bytes

CLASSES = (b"mntr", b"scnr", b"prtr", b"spac")  # of the colours of a device

LOOKUPS = (b"A2B", b"B2A", b"D2B", b"B2D", b"pre")  # tables, which win over matrix and curves

PARAMETER_COUNTS = (1, 3, 4, 5, 7)  # of the five kinds of parametric curves

TOLERANCE = 0.6 / 255  # of a colour of the grid: less than rounding to 8 bits may change

WHITE_TOLERANCE = 0.01  # of X, Y and Z of a white point


@dataclass(frozen=True)
class Profile:
    """A profile that is whole, as far as its table of tags says."""

    kind: bytes  # class: mntr for displays
    space: bytes  # of the picture's channels: RGB, GRAY, CMYK, Lab
    connection: bytes  # where it leads: XYZ, Lab
    places: dict[bytes, tuple[int, int]]  # tag -> first byte and length
    whole: bytes

    def tag(self, name: bytes) -> bytes:
        """Return the bytes of a tag, cut at the longest length of use here; none where it is missing."""
        at, length = self.places.get(name, (0, 0))
        return self.whole[at : at + min(length, MAX_TAG)]

    @property
    def looks_up(self) -> bool:
        """Return whether tables define its colours."""
        return any(tag.startswith(LOOKUPS) for tag in self.places)


def parse(icc: bytes) -> Profile | None:
    """Return the parts of a profile; None for a damaged one. Never raises."""
    if len(icc) < HEADER + 4 or icc[36:40] != b"acsp":
        return None
    size, count = int.from_bytes(icc[:4], "big"), int.from_bytes(icc[HEADER : HEADER + 4], "big")
    if size > len(icc) or count > MAX_TAGS or HEADER + 4 + 12 * count > size:
        return None
    places: dict[bytes, tuple[int, int]] = {}
    for n in range(count):
        name, at, length = struct.unpack_from(">4sII", icc, HEADER + 4 + 12 * n)
        if at + length > size:
            return None
        places.setdefault(name, (at, length))
    return Profile(icc[12:16], icc[16:20].rstrip(), icc[20:24].rstrip(), places, icc)


def recognise(icc: bytes) -> Space | None:
    """Return the space that a profile means within rounding, or None. Never raises."""
    profile = parse(icc)
    if not profile or profile.kind not in CLASSES or profile.connection != b"XYZ" or profile.looks_up:
        return None
    if profile.space == b"GRAY":
        return _grey(profile)
    return _rgb(profile) if profile.space == b"RGB" else None


def grey_curve(profile: Profile) -> bytes | None:
    """Return the tag of the one curve of all channels, of a matrix or grey profile; else None."""
    if profile.connection != b"XYZ" or profile.looks_up:
        return None
    if profile.space == b"GRAY":
        curves = [profile.tag(b"kTRC")]
    else:
        curves = [profile.tag(channel + b"TRC") for channel in (b"r", b"g", b"b")]
        if any(channel + b"XYZ" not in profile.places for channel in (b"r", b"g", b"b")):
            return None
    first = curves[0]
    return first if first and curve(first, LEVELS) is not None and all(one == first for one in curves) else None


LEVELS = np.arange(256) / 255

GRID = np.stack(np.meshgrid(*[LEVELS[::15]] * 3), axis=-1).reshape(-1, 3)  # 18 steps each way

LIT = [(1, 1, 1), (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (1, 0, 1), (0, 1, 1)]  # lit channels of each ramp

COLOURS = np.concatenate([GRID, *(np.outer(LEVELS, lit) for lit in LIT)])  # (N, 3)

WIDE_AND_NARROW = (PROPHOTO, SRGB.primaries)


def _grey(profile: Profile) -> Space | None:
    light = curve(profile.tag(b"kTRC"), LEVELS)
    if light is None:
        return None
    space = Space(GREY, *_transfer(light))
    return space if np.abs(_shown(light) - _shown(linear(space, LEVELS))).max() <= TOLERANCE else None


def _rgb(profile: Profile) -> Space | None:
    names = (b"r", b"g", b"b")
    columns = [numbers(profile.tag(name + b"XYZ"), b"XYZ ", 3) for name in names]
    tags = [profile.tag(name + b"TRC") for name in names]
    curves = [curve(tag, COLOURS[:, n]) for n, tag in enumerate(tags)]
    green = curve(tags[1], LEVELS)
    matrix, light = [c for c in columns if c is not None], [c for c in curves if c is not None]
    if len(matrix) < 3 or len(light) < 3 or green is None:
        return None
    xyz = np.stack(matrix, axis=1)
    primaries = min(PRIMARIES, key=lambda n: float(np.abs(xyz - colorants(PRIMARIES[n])).max()))
    space = Space(primaries, *_transfer(green))
    if not _white_fits(profile, space) or not _cicp_fits(profile, space):
        return None
    found = np.stack(light, axis=1) @ xyz.T
    due = linear(space, COLOURS) @ colorants(PRIMARIES[primaries]).T
    return space if _apart(found, due) <= TOLERANCE else None


def _transfer(light: Values) -> tuple[int, int]:
    """Return the numbered curve nearest to these 256 values, and its exponent."""
    middle = float(light[128])
    candidates = [Space(SRGB.primaries, number) for number in TRANSFER_NAMES]
    if 0 < middle < 1:
        gamma = round(GAMMA_UNIT * float(np.log(middle) / np.log(LEVELS[128])))
        candidates += [Space(SRGB.primaries, POWER, gamma)] if 0 < gamma <= MAX_GAMMA else []
    shown = _shown(light)
    best = min(candidates, key=lambda space: float(np.abs(_shown(linear(space, LEVELS)) - shown).max()))
    return best.transfer, best.gamma


def _shown(light: Values) -> Values:
    """Map light to perceptually even steps with a slope at black: the inverse of sRGB's curve."""
    light = np.clip(light, 0.0, 1.0)
    g, a, b, c, _ = PARAMETERS[SRGB.transfer]
    return np.where(light > 0.0031308, (light ** (1 / g) - b) / a, light / c)


def _apart(found: Values, due: Values) -> float:
    """Return the largest difference of two lists of XYZ (N, 3).

    It is taken in sRGB and in ProPhoto, which holds all their colours.
    """
    errors = []
    for primaries in WIDE_AND_NARROW:
        to_rgb = np.linalg.inv(colorants(PRIMARIES[primaries])).T
        errors.append(float(np.abs(_shown(found @ to_rgb) - _shown(due @ to_rgb)).max()))
    return max(errors)


def _white_fits(profile: Profile, space: Space) -> bool:
    """Return whether the named white point and adaptation are those of the space, or of D50 itself."""
    white = PRIMARIES[space.primaries][3]
    own = np.linalg.solve(adaptation(white), PCS_WHITE)
    if tag := profile.tag(b"wtpt"):
        named = numbers(tag, b"XYZ ", 3)
        if named is None or min(np.abs(named - one).max() for one in (own, PCS_WHITE)) > WHITE_TOLERANCE:
            return False
    if tag := profile.tag(b"chad"):
        chad = numbers(tag, b"sf32", 9)
        if chad is None:
            return False
        return bool(
            min(np.abs(chad.reshape(3, 3) @ one - PCS_WHITE).max() for one in (own, PCS_WHITE)) <= WHITE_TOLERANCE
        )
    return True


def _cicp_fits(profile: Profile, space: Space) -> bool:
    """Return whether the named H.273 numbers are those of the space."""
    tag = profile.tag(b"cicp")
    if not tag:
        return space.transfer not in (PQ, HLG)  # their curves are cut off in a profile: only the tag means them
    return tag[8:12] == bytes([space.primaries, space.transfer, 0, 1])


def numbers(tag: bytes, kind: bytes, count: int) -> Values | None:
    """Return ``count`` signed 16.16 numbers behind a tag's type, or None."""
    if tag[:4] != kind or len(tag) < 8 + 4 * count:
        return None
    return np.frombuffer(tag, ">i4", count, 8) / 65536


def curve(tag: bytes, x: Values) -> Values | None:
    """Apply a curve's tag to values in 0..1. Return None for a damaged tag or one of another kind."""
    if len(tag) < 12:
        return None
    if tag[:4] == b"curv":
        return _listed(tag, x)
    kind = int.from_bytes(tag[8:10], "big")
    if tag[:4] != b"para" or kind >= len(PARAMETER_COUNTS):
        return None
    found = numbers(b"para" + bytes(4) + tag[12:], b"para", PARAMETER_COUNTS[kind])
    return None if found is None else _parametric(found, x)


def _listed(tag: bytes, x: Values) -> Values | None:
    count = int.from_bytes(tag[8:12], "big")
    if len(tag) < 12 + 2 * count:
        return None
    table = np.frombuffer(tag, ">u2", count, 12)
    if count == 0:
        return x
    if count == 1:
        return x ** (float(table[0]) / GAMMA_UNIT)
    return np.interp(x * (count - 1), np.arange(count), table / 65535)


def _parametric(found: Values, x: Values) -> Values | None:
    """Apply (a x + b)^g + e from d on, c x + f below. Shorter kinds leave some parameters out."""
    g = found[0]
    a, b = (found[1], found[2]) if len(found) > 1 else (1.0, 0.0)
    c = d = e = f = 0.0
    if len(found) in (3, 4):
        d = -b / a if a else 0.0
        e = f = found[3] if len(found) == 4 else 0.0
    elif len(found) > 4:
        c, d = found[3], found[4]
        e, f = (found[5], found[6]) if len(found) == 7 else (0.0, 0.0)
    with np.errstate(all="ignore"):
        light = np.where(x >= d, np.maximum(a * x + b, 0.0) ** g + e, c * x + f)
    return np.clip(light, 0.0, 1.0) if np.isfinite(light).all() else None
