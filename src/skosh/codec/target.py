"""The search for a quality that hits a target."""

from __future__ import annotations

from collections.abc import Callable

LITTLE = 0.6  # of the steps are left after a guess that helped little


def highest_below(value: Callable[[int], float], target: float, last: int, tolerance: float) -> int | None:
    """The highest step in 0..last whose value, which rises with the step, is at most ``target``; None where even step 0 is above.

    A step whose value is within ``tolerance`` below the target ends the search early. Few steps are asked for: values are taken to be nearly
    linear in the step, and halving takes over where they are not.
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
