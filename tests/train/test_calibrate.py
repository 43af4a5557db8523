from __future__ import annotations

import numpy as np
import pytest

from skosh.entropy.tables import (
    HYPER_LIMIT,
    HYPER_SYMBOLS,
    REACH_MAX,
    TOTAL,
    integer_table,
    normal_tables,
    reaches,
    scales,
)
from skosh.train import calibrate, wiener_terms
from skosh.train.calibrate import batches_of, fit, fit_z

INDEX = 14  # standard deviation 0.62


def counts_of(drawn: np.ndarray) -> np.ndarray:
    return np.bincount(np.minimum(np.abs(np.rint(drawn)).astype(int), REACH_MAX + 1), minlength=REACH_MAX + 2).astype(
        float
    )


def cost(table: np.ndarray, counts: np.ndarray) -> float:
    """Mean bits of a symbol."""
    reach = reaches()[INDEX]
    bits = -np.log2(table / TOTAL)
    inside = counts[: reach + 1] @ bits[reach : 2 * reach + 1]
    return float((inside + counts[reach + 1 :].sum() * bits[-1]) / counts.sum())


def test_without_symbols_the_table_is_the_normal_one() -> None:
    table, normal = fit(np.zeros(REACH_MAX + 2), INDEX), normal_tables()[INDEX]
    assert table.shape == normal.shape
    assert np.abs(table - normal).max() / TOTAL < 0.01


def test_heavy_tails_are_cheaper_with_the_fitted_table_on_symbols_that_it_has_not_seen() -> None:
    rng = np.random.default_rng(0)
    seen, unseen = (counts_of(rng.laplace(0, 0.6 * scales()[INDEX], 50_000)) for _ in range(2))
    assert cost(fit(seen, INDEX), unseen) < cost(normal_tables()[INDEX], unseen) - 0.01


def test_normal_symbols_cost_no_more_than_with_the_normal_table() -> None:
    counts = counts_of(np.random.default_rng(0).normal(0, scales()[INDEX], 50_000))
    assert cost(fit(counts, INDEX), counts) < cost(normal_tables()[INDEX], counts) + 0.002


@pytest.mark.parametrize("index", [0, 1, 30, 63])
def test_a_fitted_table_is_symmetric_and_sums_to_the_total(index: int) -> None:
    counts = counts_of(np.random.default_rng(index).normal(0, scales()[index], 1000))
    table = fit(counts, index)
    inside = table[:-1]
    assert table.sum() == TOTAL
    assert table.min() >= 1
    assert np.abs(inside - inside[::-1]).max() <= 1


def test_tables_of_z_follow_what_was_seen_and_what_was_learned_where_little_was() -> None:
    symbols = np.arange(-HYPER_LIMIT, HYPER_LIMIT + 1)
    learned = integer_table(np.exp(-np.abs(symbols) / 4.0))
    unseen = fit_z(np.zeros(HYPER_SYMBOLS), learned)
    assert np.abs(unseen - learned).max() / TOTAL < 1e-4
    narrow = np.where(np.abs(symbols) < 2, 700.0, 0.0)
    bits = -np.log2(fit_z(narrow, learned) / TOTAL)
    assert bits[HYPER_LIMIT] < np.log2(3.0) + 0.05
    assert bits.max() <= 24.0


def test_a_calibration_looks_no_oftener_than_there_is_something_new_to_see() -> None:
    small, large = np.zeros((300, 451, 3), np.uint8), np.zeros((2000, 1600, 3), np.uint8)
    pixels, most = calibrate.BATCH * calibrate.CROP**2, calibrate.BATCHES
    assert batches_of([small], pixels, calibrate.FEWEST, most) == 5  # 16 times 0.135 megapixels
    assert batches_of([small[:60, :60]], pixels, calibrate.FEWEST, most) == calibrate.FEWEST
    assert batches_of([large], pixels, calibrate.FEWEST, most) == most  # as for the bundles that are shipped
    assert batches_of([small], pixels, calibrate.FEWEST, 2) == 2
    assert wiener_terms.FEWEST * wiener_terms.BATCH > wiener_terms.TERMS
