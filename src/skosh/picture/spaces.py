"""Colour spaces with a short name: primaries and a transfer curve, by numbers of ITU-T H.273 or our own.

Numbers from 224 on are ours: H.273 has none for Adobe RGB, ProPhoto, or a power of any exponent.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]  # (3, 3)

Values = npt.NDArray[np.float64]

GREY = 0  # for primaries: a picture of one channel

BT709, BT2020, DISPLAY_P3 = 1, 9, 12  # primaries, H.273

ADOBE_RGB, PROPHOTO = 224, 225  # primaries, ours

BT709_CURVE, LINEAR, SRGB_CURVE, PQ, HLG = 1, 8, 13, 16, 18  # transfer, H.273

POWER, PROPHOTO_CURVE, LSTAR = 224, 225, 226  # transfer, ours

GAMMA_UNIT = 256  # exponents of POWER are multiples of 1/256, as in ICC profiles

MAX_GAMMA = 8 * GAMMA_UNIT

D65, D50, DCI_WHITE = (0.3127, 0.3290), (0.3457, 0.3585), (0.314, 0.351)

PRIMARIES: dict[int, tuple[tuple[float, float], ...]] = {  # chromaticities x, y of red, green, blue and white
    BT709: ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), D65),
    5: ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06), D65),  # BT.601 of 625 lines: PAL
    6: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), D65),  # BT.601 of 525 lines: NTSC
    BT2020: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), D65),
    11: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), DCI_WHITE),
    DISPLAY_P3: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), D65),
    ADOBE_RGB: ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), D65),
    PROPHOTO: ((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001), D50),
}

PRIMARY_NAMES = {
    BT709: "sRGB",
    5: "BT.601 (PAL)",
    6: "BT.601 (NTSC)",
    BT2020: "Rec. 2020",
    11: "DCI P3",
    DISPLAY_P3: "Display P3",
    ADOBE_RGB: "Adobe RGB (1998) compatible",
    PROPHOTO: "ProPhoto RGB",
    GREY: "Grey",
}

TRANSFER_NAMES = {
    BT709_CURVE: "BT.709 curve",
    LINEAR: "linear",
    SRGB_CURVE: "sRGB curve",
    PQ: "PQ",
    HLG: "HLG",
    PROPHOTO_CURVE: "ROMM curve",
    LSTAR: "L* curve",
}

PARAMETERS = {  # of (a x + b)^g from d on, c x below: g, a, b, c, d, as in an ICC profile
    BT709_CURVE: (1 / 0.45, 1 / 1.099, 0.099 / 1.099, 1 / 4.5, 0.081),
    SRGB_CURVE: (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045),
    PROPHOTO_CURVE: (1.8, 1.0, 0.0, 1 / 16, 1 / 32),
    LSTAR: (3.0, 1 / 1.16, 0.16 / 1.16, 2700 / 24389, 0.08),
}

REFERENCE_WHITE = 203 / 10_000  # of PQ, and 0.75 of HLG: white of a picture, by ITU-R BT.2408


class Space(NamedTuple):
    """A colour space with a short name."""

    primaries: int
    transfer: int
    gamma: int = 0  # exponent in 1/256, with POWER only

    @property
    def name(self) -> str:
        """Return the name that people use."""
        usual = {BT709: SRGB_CURVE, DISPLAY_P3: SRGB_CURVE, BT2020: BT709_CURVE, ADOBE_RGB: POWER, PROPHOTO: POWER}
        name = PRIMARY_NAMES[self.primaries]
        if usual.get(self.primaries) == self.transfer and self.gamma in (0, USUAL_GAMMA.get(self.primaries, 0)):
            return name
        gamma = f"gamma {self.gamma / GAMMA_UNIT:.3g}"
        return f"{name}, {gamma if self.transfer == POWER else TRANSFER_NAMES[self.transfer]}"


USUAL_GAMMA = {ADOBE_RGB: 563, PROPHOTO: 461}  # 2.2 and 1.8

SRGB = Space(BT709, SRGB_CURVE)

SRGB_GREY = Space(GREY, SRGB_CURVE)


def known(space: Space) -> bool:
    """Return whether both numbers are known, and the exponent is there exactly where it is due."""
    colours = space.primaries in PRIMARIES or space.primaries == GREY
    power = space.transfer == POWER
    return colours and (power or space.transfer in TRANSFER_NAMES) and power == (0 < space.gamma <= MAX_GAMMA)


def linear(space: Space, x: Values) -> Values:
    """Map a picture's values in 0..1 to light in 0..1. PQ and HLG are cut at the white of a picture."""
    if space.transfer in PARAMETERS:
        g, a, b, c, d = PARAMETERS[space.transfer]
        return np.where(x >= d, (a * x + b) ** g, c * x)
    if space.transfer == PQ:
        root = x ** (1 / 78.84375)
        light = (np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125)
        return np.minimum(light / REFERENCE_WHITE, 1.0)
    if space.transfer == HLG:
        return np.minimum(_hlg(x) / _hlg(np.array(0.75)), 1.0)
    return x if space.transfer == LINEAR else x ** (space.gamma / GAMMA_UNIT)


def _hlg(x: Values) -> Values:
    return np.where(x <= 0.5, x * x / 3, (np.exp((x - 0.55991073) / 0.17883277) + 0.28466892) / 12)


PCS_WHITE = np.array([0.9642, 1.0, 0.8249])  # D50, as ICC profiles have it

BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def adaptation(white: tuple[float, float]) -> Matrix:
    """Return the matrix from XYZ under a white to XYZ under D50, by Bradford's cone responses."""
    gains = (BRADFORD @ PCS_WHITE) / (BRADFORD @ xyz(white))
    return np.linalg.solve(BRADFORD, gains[:, None] * BRADFORD)


def xyz(chromaticity: tuple[float, float]) -> Values:
    """Return XYZ of a chromaticity x, y, with Y = 1."""
    x, y = chromaticity
    return np.array([x / y, 1.0, (1 - x - y) / y])


@lru_cache(64)
def colorants(chromaticities: tuple[tuple[float, float], ...]) -> Matrix:
    """Return XYZ under D50 of red, green and blue, a column each. Raises LinAlgError where they span no plane."""
    *primaries, white = chromaticities
    columns = np.stack([xyz(one) for one in primaries], axis=1)
    return adaptation(white) @ (columns * np.linalg.solve(columns, xyz(white)))
