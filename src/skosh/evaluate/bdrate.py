"""BD-rate: per cent more (+) or fewer (-) bytes than another codec at equal quality (Bjontegaard 2001).

Each curve is cut to ``RATES``. Over the qualities that both then have, the package ``bjontegaard`` integrates the
difference of the logarithms of the rates, with PCHIP interpolation. The rates at the ends of those qualities are stated
with the figure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .curves import Curve, measure

RATES = (0.1, 1.1)  # bits a pixel
MIN_RATIO = 2.0  # of the rates at the ends, for each curve
MIN_OVERLAP = 1 / 3  # of the narrower curve's range of quality
MIN_POINTS = 4
MIN_INSIDE = 2  # points of each curve in the common range: between points everything is interpolated

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class BDRate:
    """A comparison, or the reason why there is none."""

    percent: float | None
    rates: tuple[float, float] = (0.0, 0.0)  # bpp, the lowest and the highest of either codec in the comparison
    qualities: tuple[float, float] = (0.0, 0.0)  # the metric's values between which it was made
    refusal: str = ""

    def show(self) -> str:
        """The figure as text."""
        return "-" if self.percent is None else f"{self.percent:+.1f} %"


def bd_rate(test: Curve, anchor: Curve, key: str, rates: tuple[float, float] = RATES) -> BDRate:
    """Return bytes of ``test`` against ``anchor`` at equal values of a metric. Both must be of the same pictures."""
    if not test.has(key) or not anchor.has(key):
        return BDRate(None, refusal="not measured")
    sides = [rising(curve, key) for curve in (anchor, test)]
    if min(len(values) for _, values in sides) < MIN_POINTS:
        return BDRate(None, refusal=f"fewer than {MIN_POINTS} points of rising quality")
    if any(found[0] >= rates[1] or found[-1] <= rates[0] for found, _ in sides):
        return BDRate(None, refusal=f"no points between {rates[0]:g} and {rates[1]:g} bpp")
    whole = sides
    sides = [cut(*side, *rates) for side in sides]
    bottom, top = max(values[0] for _, values in sides), min(values[-1] for _, values in sides)
    narrower = min(values[-1] - values[0] for _, values in sides)
    ends = [float(np.exp(np.interp(q, values, np.log(found)))) for found, values in sides for q in (bottom, top)]
    covered = min(ends), max(ends)
    if top - bottom < MIN_OVERLAP * narrower:
        share = max(0.0, (top - bottom) / narrower)
        return BDRate(None, covered, refusal=f"too little in common: {share:.0%} of the narrower range of quality")
    if (ratio := min(ends[1] / ends[0], ends[3] / ends[2])) < MIN_RATIO:
        return BDRate(None, covered, refusal=f"too little in common: rates that differ by a factor of {ratio:.2g}")
    if min(np.count_nonzero((values >= bottom) & (values <= top)) for _, values in whole) < MIN_INSIDE:
        between = f"{original(key, bottom):.4g} and {original(key, top):.4g}"
        return BDRate(None, covered, refusal=f"fewer than {MIN_INSIDE} points between the qualities of {between}")
    return BDRate(integrated(*sides), covered, (original(key, bottom), original(key, top)))


def integrated(anchor: tuple[Floats, Floats], test: tuple[Floats, Floats]) -> float:
    """Return the package's figure for two sides of rates and qualities."""
    import bjontegaard

    value = bjontegaard.bd_rate(*anchor, *test, method="pchip", require_matching_points=False, min_overlap=0)
    return float(value)


def rising(curve: Curve, key: str) -> tuple[Floats, Floats]:
    """Return rates and qualities of a curve without points that are no better than one at a lower rate."""
    found: list[tuple[float, float]] = []
    for point in curve.points:
        value = measure(key).straight(point.metrics[key])
        if found and value <= found[-1][1]:
            continue
        if found and point.bpp <= found[-1][0]:
            found.pop()
        found.append((point.bpp, value))
    rates, values = np.array(found, dtype=np.float64).T
    return rates, values


def cut(rates: Floats, values: Floats, low: float, high: float) -> tuple[Floats, Floats]:
    """Return the part of a curve between two rates. Its ends are interpolated over the rate's logarithm."""
    from scipy.interpolate import PchipInterpolator

    low, high = max(low, rates[0]), min(high, rates[-1])
    at = np.concatenate([[low], rates[(rates > low) & (rates < high)], [high]])
    return at, PchipInterpolator(np.log(rates), values)(np.log(at))


def original(key: str, value: float) -> float:
    """Return a value of ``Measure.straight`` on the metric's own scale."""
    return float(value if measure(key).better > 0 else 10 ** (-value / 10))
