"""Curves: for each setting of a codec, the mean over pictures of the values of each picture."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, median

import numpy as np

from .codec import Codec
from .results import Result


@dataclass(frozen=True)
class Measure:
    """A metric as tables and plots show it."""

    key: str
    label: str
    unit: str
    digits: int
    better: int = 1  # 1: higher, -1: lower

    def show(self, value: float | None) -> str:
        """A value as text."""
        return "-" if value is None else f"{value:.{self.digits}f}"

    def straight(self, value: float) -> float:
        """The value on a scale that rises with quality and is roughly straight over the logarithm of the rate."""
        return value if self.better > 0 else -10.0 * math.log10(max(value, 1e-6))


MEASURES = (
    Measure("psnr", "PSNR", "dB, RGB", 2),
    Measure("ms_ssim", "MS-SSIM", "", 4),
    Measure("ms_ssim_db", "MS-SSIM", "dB", 2),
    Measure("lpips_off", "LPIPS", "AlexNet, grid moved by 6 pixels, lower is better", 3, -1),
    Measure("lpips", "LPIPS, grid at 0", "AlexNet, lower is better", 3, -1),
    Measure("ssimulacra2", "SSIMULACRA 2", "", 1),
    Measure("butteraugli", "Butteraugli, max", "lower is better", 2, -1),
    Measure("butteraugli_3", "Butteraugli, 3-norm", "lower is better", 3, -1),
    Measure("flip", "FLIP", "lower is better", 4, -1),
)
JUDGES = ("lpips_off", "lpips", "ssimulacra2", "butteraugli", "butteraugli_3", "flip")
PLOTTED = ("psnr", "ms_ssim_db", *JUDGES)  # and integrated for BD-rates: MS-SSIM itself flattens towards 1
TABLED = ("psnr", "ms_ssim", *JUDGES)


def measure(key: str) -> Measure:
    """A metric by its key."""
    return next(found for found in MEASURES if found.key == key)


def reported(keys: Sequence[str], rows: Sequence[Collection[str]]) -> list[str]:
    """Return those of the keys that some row has.

    Of LPIPS that is the one with its grid moved, and the other one too where a row, measured elsewhere, has no other.
    """
    plain = any("lpips" in row and "lpips_off" not in row for row in rows)
    return [key for key in keys if any(key in row for row in rows) and (key != "lpips" or plain)]


@dataclass(frozen=True)
class Point:
    """Means at one setting."""

    quality: float
    bpp: float
    metrics: dict[str, float]
    encode_seconds: float  # median
    decode_seconds: float


@dataclass(frozen=True)
class Curve:
    """A codec's points, by rate."""

    codec: Codec
    points: tuple[Point, ...]
    images: frozenset[str]
    measured: str | None  # the file that it comes from, if it was not measured by this run

    @property
    def label(self) -> str:
        """The codec's, with a mark where it was measured before."""
        return f"{self.codec.label}*" if self.measured else self.codec.label

    def has(self, key: str) -> bool:
        """Whether every point has this metric."""
        return bool(self.points) and all(key in point.metrics for point in self.points)

    def at(self, bpp: float, key: str) -> float | None:
        """The metric at a rate, interpolated over the rate's logarithm; None outside of the curve."""
        rates = [point.bpp for point in self.points]
        if not self.has(key) or not rates[0] <= bpp <= rates[-1]:
            return None
        return float(np.interp(math.log(bpp), np.log(rates), [point.metrics[key] for point in self.points]))


def complete(results: Iterable[Result], codec: str) -> frozenset[str]:
    """The pictures that a codec coded at every setting at which it coded any."""
    settings: dict[str, set[float]] = defaultdict(set)
    for result in results:
        if result.codec == codec and not result.error:
            settings[result.image].add(result.quality)
    every = set().union(*settings.values())
    return frozenset(image for image, found in settings.items() if found == every)


def curve(results: Sequence[Result], codec: Codec, images: frozenset[str] | None = None) -> Curve:
    """The curve over the pictures that are complete, or over some of them."""
    over = complete(results, codec.name) if images is None else images
    rows: dict[float, list[Result]] = defaultdict(list)
    for result in results:
        if result.codec == codec.name and result.image in over and not result.error:
            rows[result.quality].append(result)
    points = sorted((point(found) for found in rows.values()), key=lambda p: p.bpp)
    marks = {result.measured for found in rows.values() for result in found}
    return Curve(codec, tuple(points), over, next(iter(marks), None))


def point(results: Sequence[Result]) -> Point:
    """Means over pictures at one setting; a metric that some picture lacks is left out."""
    means = {}
    for key in {key for result in results for key in result.metrics}:
        values = [value for result in results if (value := result.metrics.get(key)) is not None]
        if len(values) == len(results):
            means[key] = fmean(values)
    return Point(
        results[0].quality,
        fmean(result.bpp for result in results),
        means,
        median(result.encode_seconds for result in results),
        median(result.decode_seconds for result in results),
    )
