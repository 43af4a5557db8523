"""Frequency tables from what a trained network really produces: a mixture of normal distributions for each scale index.

Training counts bits with one normal distribution per index. Real symbols have heavier tails and a spread a little off the model's; since a
table is only integers in the bundle, it may have any shape. A mixture over a few fixed ratios of the index's scale stays smooth
where there are few symbols, and its weights come from expectation maximisation over the histogram.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from ..tables import REACH_MAX, SCALES, IntTable, integer_table, normal_mass, reaches, scales
from .data import Crops, Pixels, to_network
from .hyperprior import Hyperprior
from .networks import Network, use_integer_scale

RATIOS = (0.3, 0.5, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0, 3.0, 5.0)  # scales of the mixture's parts, relative to the index's
PRIOR_SYMBOLS = 200.0  # weight of the plain normal distribution, as if so many symbols had been seen
ROUNDS = 300  # of expectation maximisation
CROP, BATCH, BATCHES = 256, 8, 48  # 25 megapixels

Counts = npt.NDArray[np.float64]


def calibrated_tables(model: Network, pictures: list[Pixels]) -> list[IntTable]:
    """One table per scale index, as ``tables.normal_tables``, fitted to the symbols of random crops at random levels."""
    return [fit(counts, i) for i, counts in enumerate(symbol_counts(model, pictures))]


@torch.no_grad()
def symbol_counts(model: Network, pictures: list[Pixels]) -> Counts:
    """How often each magnitude 0..REACH_MAX + 1 (the last: anything larger) occurs at each index, (SCALES, REACH_MAX + 2)."""
    entropy = model.entropy
    assert isinstance(entropy, Hyperprior)
    model.eval()
    use_integer_scale(model, True)
    crops = Crops(pictures, CROP, BATCH, seed=0)
    counts = np.zeros((SCALES, REACH_MAX + 2))
    for step in range(BATCHES):
        pixels, levels = crops.draw(step)
        symbols = entropy.symbols(model.analysis(to_network(pixels)), levels)
        q = symbols.q.abs().clamp(max=REACH_MAX + 1).long()
        places = symbols.scale_index.long() * (REACH_MAX + 2) + q
        counts += np.bincount(places.flatten().numpy(), minlength=counts.size).reshape(counts.shape)
    return counts


def fit(counts: Counts, index: int) -> IntTable:
    """The table of one index from the counts of its magnitudes, (REACH_MAX + 2,)."""
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
