"""Fit frequency tables to the symbols that a trained network really produces.

Training counts the bits of q with one shape of distribution for all scale indices. Real symbols have other tails, and a
spread a little off the model's. A bundle's table is only integers, so it may have any shape. A mixture of normal
distributions, over a few fixed ratios of the index's scale, stays smooth where symbols are few. Its weights come from
expectation maximisation over the histogram.

Training counts the bits of z with one learned distribution per channel for all qualities, but z is narrower at low
quality. So each knot of the quality axis has tables of its own in the bundle: from the histogram and, where that is
thin, the learned distribution.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from ..entropy.tables import (
    HYPER_LIMIT,
    HYPER_SYMBOLS,
    REACH_MAX,
    SCALES,
    IntTable,
    integer_table,
    normal_mass,
    reaches,
    scales,
)
from ..progress import steps
from ..types import Pixels
from .data import Crops, to_network
from .hyperprior import Hyperprior
from .networks import Network, use_integer_scale

RATIOS = (0.3, 0.5, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0, 3.0, 5.0)  # scales of the mixture's parts, relative to the index's
PRIOR_SYMBOLS = 200.0  # weight of the plain normal distribution, in symbols
ROUNDS = 300  # of expectation maximisation
HYPER_PRIOR_SYMBOLS = 50.0  # weight of the learned distribution of a channel of z, in symbols
CROP, BATCH, BATCHES = 256, 8, 96  # 50 megapixels, where there are enough different ones
FEWEST = 4  # batches
VISITS = 16  # most visits to each pixel, at other levels each time

Counts = npt.NDArray[np.float64]


class Tables(NamedTuple):
    """Tables of a bundle."""

    z: list[list[IntTable]]  # a row for each knot of the quality axis (or one for all), with one table per channel
    q: list[IntTable]  # one per scale index


def calibrated_tables(model: Network, pictures: list[Pixels]) -> Tables:
    """Return tables fitted to the symbols of random crops at random levels."""
    entropy = model.entropy
    assert isinstance(entropy, Hyperprior)
    z_counts, q_counts = symbol_counts(model, entropy, pictures)
    learned = entropy.prior.tables()
    z = [[fit_z(counts, table) for counts, table in zip(row, learned, strict=True)] for row in z_counts]
    return Tables(z, [fit(counts, i) for i, counts in enumerate(steps(q_counts, "fitting tables", len(q_counts)))])


def batches_of(pictures: list[Pixels], pixels: int, fewest: int, most: int) -> int:
    """Return how many batches of ``pixels`` to use, ``fewest`` to ``most``.

    Fewer than ``most`` where pixels would be visited more than VISITS times.
    """
    there = sum(int(picture.shape[0]) * int(picture.shape[1]) for picture in pictures)
    return min(most, max(fewest, -(-VISITS * there // pixels)))


@torch.no_grad()
def symbol_counts(model: Network, entropy: Hyperprior, pictures: list[Pixels]) -> tuple[Counts, Counts]:
    """Count each z near each knot in each channel, (knots, N, HYPER_SYMBOLS), and each magnitude of q at each index.

    The second has shape (SCALES, REACH_MAX + 2); its last column counts all magnitudes above REACH_MAX.
    """
    model.eval()
    use_integer_scale(model, True)
    crops = Crops(pictures, CROP, BATCH, seed=0)
    knots, channels = entropy.z_level.rows.shape
    z_counts = np.zeros((knots, channels, HYPER_SYMBOLS))
    counts = np.zeros((SCALES, REACH_MAX + 2))
    batches = batches_of(pictures, BATCH * CROP**2, FEWEST, BATCHES)
    for step in steps(range(batches), "counting symbols", batches):
        pixels, levels = crops.draw(step)
        symbols = entropy.symbols(model.analysis(to_network(pixels)), levels)
        q = symbols.q.abs().clamp(max=REACH_MAX + 1).long()
        places = symbols.scale_index.long() * (REACH_MAX + 2) + q
        counts += np.bincount(places.flatten().numpy(), minlength=counts.size).reshape(counts.shape)
        knot = torch.round(levels * (knots - 1)).long()[:, None, None, None]
        row = (knot * channels + torch.arange(channels)[None, :, None, None]) * HYPER_SYMBOLS
        z_places = (row + symbols.z.long() + HYPER_LIMIT).flatten().numpy()
        z_counts += np.bincount(z_places, minlength=z_counts.size).reshape(z_counts.shape)
    return z_counts, counts


def fit_z(counts: Counts, learned: IntTable) -> IntTable:
    """Return the table of a channel near a knot, from its symbol counts (HYPER_SYMBOLS,) and its learned table."""
    return integer_table(counts + HYPER_PRIOR_SYMBOLS * learned / learned.sum())


def fit(counts: Counts, index: int) -> IntTable:
    """Return the table of an index from the counts of its magnitudes, (REACH_MAX + 2,)."""
    reach, scale = int(reaches()[index]), float(scales()[index])
    magnitudes = np.arange(REACH_MAX + 1, dtype=np.float64)
    # mass of each magnitude under each part: (parts, REACH_MAX + 2), the last what lies beyond
    inside = np.stack([normal_mass(magnitudes - 0.5, magnitudes + 0.5, ratio * scale) for ratio in RATIOS])
    inside[:, 1:] *= 2.0  # both signs
    parts = np.maximum(np.c_[inside, 1.0 - inside.sum(1)], 1e-12)
    plain = RATIOS.index(1.0)
    seen = counts + PRIOR_SYMBOLS * parts[plain] / parts[plain].sum()
    weights = np.where(np.array(RATIOS) == 1.0, 1.0, 0.02)
    weights /= weights.sum()
    for _ in range(ROUNDS):
        shares = weights[:, None] * parts
        weights = (shares / shares.sum(0) * seen).sum(1)
        weights /= weights.sum()
    mass = weights @ parts
    one_side = mass[1 : reach + 1] / 2.0
    return integer_table(np.r_[one_side[::-1], mass[0], one_side, mass[reach + 1 :].sum()])
