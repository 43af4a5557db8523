from __future__ import annotations

import math

import numpy as np
import pytest

from skosh.entropy.tables import SCALE_MAX, SCALE_MIN, SCALES, TOTAL, integer_table, normal_tables, reaches, scales


def test_scales_are_log_spaced_between_their_ends() -> None:
    grid = scales()
    assert len(grid) == SCALES
    assert grid[0] == pytest.approx(SCALE_MIN)
    assert grid[-1] == pytest.approx(SCALE_MAX)
    assert np.diff(np.log(grid)) == pytest.approx(np.full(SCALES - 1, np.log(grid[1] / grid[0])))


def test_every_normal_table_sums_to_the_total_and_leaves_nothing_impossible() -> None:
    for table, reach in zip(normal_tables(), reaches(), strict=True):
        assert table.size == 2 * reach + 2
        assert table.sum() == TOTAL
        assert table.min() >= 1


def test_normal_tables_cost_what_the_normal_distribution_costs() -> None:
    rng = np.random.default_rng(1)
    for i in (8, 20, 40):
        scale, reach = scales()[i], reaches()[i]
        drawn = np.clip(np.rint(rng.normal(0, scale, 200_000)), -reach, reach).astype(int)
        spent = -np.log2(normal_tables()[i][drawn + reach] / TOTAL).mean()
        counts = np.unique(drawn, return_counts=True)[1] / drawn.size
        assert spent == pytest.approx(-(counts * np.log2(counts)).sum(), abs=0.003)


def test_normal_tables_are_symmetric() -> None:
    for table in normal_tables():
        inside = table[:-1]
        assert np.abs(inside - inside[::-1]).max() <= 1  # what rounding leaves over goes to one of a pair


def test_an_integer_table_keeps_proportions() -> None:
    table = integer_table(np.array([0.5, 0.25, 0.25, 0.0]))
    assert table.tolist() == [TOTAL // 2 - 1, TOTAL // 4, TOTAL // 4, 1]


@pytest.mark.parametrize("bad", [[0.5], [math.nan, 1.0], [[0.5, 0.5]]])
def test_an_integer_table_refuses_what_is_no_distribution(bad: list[float]) -> None:
    with pytest.raises(ValueError, match="probabilities"):
        integer_table(np.array(bad))
