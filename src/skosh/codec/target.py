"""Search for the quality that hits a target: a size or a PSNR."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..container.chunks import QUALITY_UNIT
from ..errors import LimitError
from ..progress import stage

if TYPE_CHECKING:
    from .encoder import Encoder

SIZE_TOLERANCE = 0.005  # relative distance below the wanted size that is close enough
PSNR_TOLERANCE = 0.01  # dB above the wanted PSNR that are close enough
LITTLE = 0.6  # share of the steps: a guess that leaves more helped little


def highest_below(value: Callable[[int], float], target: float, last: int, tolerance: float) -> int | None:
    """Return the highest step in 0..last whose value is at most ``target``; None where step 0 is above.

    ``value`` must rise with the step. A value within ``tolerance`` below the target ends the search early. To ask for
    few values, the search interpolates linearly, and halves where that helps little.
    """
    low, high = 0, last
    at_low = value(low)
    if at_low > target:
        return None
    at_high = value(high) if high else at_low
    if at_high <= target:
        return high
    halve = False
    while high - low > 1 and at_low < target - tolerance:
        share = 0.5 if halve else (target - tolerance / 2 - at_low) / (at_high - at_low)
        middle = min(max(round(low + share * (high - low)), low + 1), high - 1)
        width = high - low
        if (at_middle := value(middle)) <= target:
            low, at_low = middle, at_middle
        else:
            high, at_high = middle, at_middle
        halve = not halve and high - low > LITTLE * width  # that guess helped little
    return low


def file_of_size(encoder: Encoder, size: float) -> bytes:
    """Return the file of the highest quality with at most ``size`` bytes.

    Raises LimitError where even the smallest file has more.
    """
    files: dict[int, bytes] = {}

    def log_size(step: int) -> float:
        with stage(f"quality {step / QUALITY_UNIT:g}"):
            files[step] = encoder.file(step / QUALITY_UNIT)
        return math.log(len(files[step]))

    step = highest_below(log_size, math.log(max(size, 1)), encoder.last_step(), SIZE_TOLERANCE)
    if step is None:
        raise LimitError(f"{size:.0f} bytes are too few: the smallest file has {len(files[0])}")
    return files[step]


def file_of_psnr(encoder: Encoder, psnr: float) -> bytes:
    """Return the smallest file whose picture reaches ``psnr`` dB (``Encoder.psnr``).

    Raises LimitError where the best quality does not reach it.
    """
    last = encoder.last_step()
    best = -math.inf
    files: dict[int, bytes] = {}

    def loss(step: int) -> float:
        nonlocal best
        quality = (last - step) / QUALITY_UNIT
        with stage(f"quality {quality:g}"):
            found = encoder.psnr(quality)
            best = max(best, found)
            if found >= psnr:
                files[step] = encoder.file(quality)  # now, while this quality's symbols are cached
        return -found

    step = highest_below(loss, -psnr, last, PSNR_TOLERANCE)
    if step is None:
        raise LimitError(f"{psnr} dB can't be reached: the best is {best:.2f} dB")
    return files[step]
