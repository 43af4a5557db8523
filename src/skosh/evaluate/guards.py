"""What invented detail can go wrong in and metrics hardly see: regular patterns, specks, letters that read otherwise.

Pictures are 8-bit RGB of one size, (H, W, 3), grey levels 0..255.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .crops import box_means

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

GRID = 16  # pixels: the longest period
PERIODS = (2, 4, 8, 16)  # pixels
NEAR = 1  # bins of the spectrum on either side that belong to a peak
AROUND = 9  # pixels a side over which a surface is flat, or not
FLAT = 3.0  # grey levels: the local deviation of every channel, at most
VIVID = 0.5  # of the brightest channel: what lies between it and the darkest, at least
BRIGHT = 64.0  # grey levels of the brightest channel, at least: a dark colour hides specks
FINE = 5  # pixels a side: the error less its mean over this is its high-pass part
FEWEST = 1000  # pixels of such surfaces from which on a picture counts


def pattern_shares(original: Pixels, decoded: Pixels) -> dict[int, float]:
    """Return the share of the error's energy in narrow lines of its spectrum, by the period in pixels.

    A pattern that repeats every 16 pixels across or down has its energy at multiples of 1/16 of a cycle a pixel: at
    1/2 (period 2), 1/4 (period 4), odd multiples of 1/8 and of 1/16 (periods 8 and 16, with their overtones). Energy
    there counts as far as it is over the median of the lines beside. So an error without a pattern has about 0, of
    either sign: within 0.0015 at 512x512 pixels, and less over many pictures. A pattern in a part of the picture is
    found too, for it widens the line little. Steps between blocks, up or down by chance, as JPEG has, are no pattern.

    Over 64 pixels a side; what is beyond a multiple of 16 is left away. Raises ValueError for smaller pictures.
    """
    height, width = (side // GRID * GRID for side in original.shape[:2])
    if min(height, width) < 4 * GRID:
        raise ValueError(f"patterns are looked for in pictures of {4 * GRID} pixels a side or more")
    error = decoded[:height, :width].astype(np.float64) - original[:height, :width]
    energy: Floats = np.square(np.abs(np.fft.fft2(error, axes=(0, 1)))).sum(2)
    total = energy.sum() - energy[0, 0]
    if total == 0.0:
        return dict.fromkeys(PERIODS, 0.0)
    across = energy.sum(0)
    down = np.where(on_lines(width), 0.0, energy).sum(1)  # what repeats both ways is counted once
    return {period: float(sum(excess(profile, period) for profile in (across, down)) / total) for period in PERIODS}


def multiples(period: int, length: int) -> list[int]:
    """The bins of a spectrum of this length that a period has and no shorter one of ``PERIODS``."""
    step = length // period
    return [step * n for n in range(1, period) if period == 2 or n % 2]


def on_lines(length: int) -> Mask:
    """The bins of a spectrum that belong to a peak, (length,)."""
    found = np.zeros(length, bool)
    for period in PERIODS:
        for place in multiples(period, length):
            found[place - NEAR : place + NEAR + 1] = True
    return found


def excess(profile: Floats, period: int) -> float:
    """The energy of a period's lines over that of the lines beside them. ``profile``: energy by bin, (N,)."""
    reach = max(NEAR + 2, len(profile) // GRID // 6)  # bins, so that no line reaches to another's neighbours
    total = 0.0
    for place in multiples(period, len(profile)):
        beside = [place + side * step for side in (-1, 1) for step in range(NEAR + 1, reach + 1)]
        usual = float(np.median(profile[np.array(beside) % len(profile)]))  # a wave of another period may lie there
        peak = profile[np.arange(place - NEAR, place + NEAR + 1) % len(profile)]
        total += float(peak.sum() - len(peak) * usual)
    return total


@dataclass(frozen=True)
class Specks:
    """The fine part of the error on flat, vivid surfaces of a picture."""

    pixels: int  # of such surfaces
    energy: float  # the mean square over pixels and channels, in grey levels squared
    largest: float  # the magnitude that one value of 1,000 exceeds, in grey levels


def specks(original: Pixels, decoded: Pixels) -> Specks | None:
    """Return what is fine in the error where the original is flat and of a strong colour.

    None for a picture that has less than ``FEWEST`` pixels of that.
    """
    where = flat_and_vivid(original)
    if where.sum() < FEWEST:
        return None
    error = decoded.astype(np.float64) - original
    fine = np.stack([error[..., c] - box_means(error[..., c], FINE, FINE, same=True) for c in range(3)], axis=2)[where]
    return Specks(int(where.sum()), float(np.square(fine).mean()), float(np.quantile(np.abs(fine), 0.999)))


def flat_and_vivid(original: Pixels) -> Mask:
    """Where a picture is flat and of a strong colour, (H, W)."""
    values = original.astype(np.float64)
    brightest, darkest = values.max(2), values.min(2)
    vivid = (brightest >= BRIGHT) & (brightest - darkest >= VIVID * brightest)
    rough = np.stack([deviation(values[..., c]) for c in range(3)]).max(0)
    found: Mask = vivid & (rough <= FLAT)
    return found


def deviation(plane: Floats) -> Floats:
    """The standard deviation around each pixel, (H, W), in grey levels."""
    mean, squares = (box_means(values, AROUND, AROUND, same=True) for values in (plane, np.square(plane)))
    return np.sqrt(np.maximum(squares - np.square(mean), 0.0))


def letters_kept(due: str, found: str) -> int:
    """Return how many letters of a line are read the same and in the same order: the longest common subsequence."""
    row = [0] * (len(found) + 1)
    for letter in due:
        before = row
        row = [0]
        for place, other in enumerate(found):
            row.append(before[place] + 1 if letter == other else max(before[place + 1], row[place]))
    return row[-1]


def share_kept(lines: Sequence[tuple[str, str]]) -> float | None:
    """Return the share of letters of lines, (as in the original, as decoded), that read the same; None without any."""
    letters = sum(len(due) for due, _ in lines)
    return sum(letters_kept(*line) for line in lines) / letters if letters else None
