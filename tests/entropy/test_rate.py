from __future__ import annotations

import math

import numpy as np
import pytest

from skosh.entropy.coder import Models, Writer
from skosh.entropy.rate import ESCAPED, OTHERS, OWN, PAST, Rate
from skosh.entropy.tables import TOTAL, normal_tables, reaches

TABLES = normal_tables()
INDEX = np.array([5, 30, 63], np.uint8)


@pytest.fixture(scope="module")
def rate() -> Rate:
    return Rate(TABLES)


@pytest.mark.parametrize("q", [-1, 0, 1])
def test_costs_are_those_of_the_tables(rate: Rate, q: int) -> None:
    due = [-math.log2(TABLES[i][int(reaches()[i] + q)] / TOTAL) for i in INDEX]
    assert rate.of(np.full(3, q, np.float32), INDEX) == pytest.approx(due, rel=1e-5)
    rise = rate.of(np.full(3, q + 1, np.float32), INDEX) - rate.of(np.full(3, q, np.float32), INDEX)
    assert rate.slope(np.full(3, q, np.float32), INDEX) == pytest.approx(rise, abs=1e-4)


@pytest.mark.parametrize("sign", [-1, 1])
def test_the_first_symbol_outside_of_a_table_costs_its_escape(rate: Rate, sign: int) -> None:
    q = sign * (reaches()[INDEX] + 1).astype(np.float32)
    due = [-math.log2(TABLES[i][-1] / TOTAL) + ESCAPED for i in INDEX]
    assert rate.of(q, INDEX) == pytest.approx(due, rel=1e-5)
    assert rate.of(q + 20_000 * sign, INDEX) == pytest.approx(due, rel=1e-5)
    assert np.array_equal(rate.slope(q + 20_000 * sign, INDEX), np.zeros(3))


def test_the_coder_takes_what_an_escape_is_said_to_cost(rate: Rate) -> None:
    """A hundred of them, so that the last word's rounding does not matter."""
    index = np.full((1, 10, 10), 20, np.uint8)
    q = np.full((1, 10, 10), reaches()[20] + 1, np.int32)
    q[:, ::2] *= -1
    writer = Writer(Models([], TABLES))
    writer.put_q(q, index)
    assert 8 * len(writer.stream()) == pytest.approx(float(rate.of(q.astype(np.float32), index).sum()), rel=0.02)


@pytest.mark.parametrize("curvature", [0.0, 20.0])
@pytest.mark.parametrize("direction", [-1, 1])
def test_a_symbol_moves_when_slope_and_bits_beat_half_of_the_curvature(
    rate: Rate, curvature: float, direction: int
) -> None:
    q, index = np.array([2.0 * direction], np.float32), np.array([25], np.uint8)
    bits = rate.of(q + direction, index) - rate.of(q, index)
    due = 0.5 * (OWN * curvature + OTHERS) + bits  # that the squared error has to fall by
    given = np.array([curvature], np.float32)
    for slope, move in ((due + 0.1, PAST), (due - 0.1, 0.0)):
        moves = rate.moves(q, index, (-direction * slope).astype(np.float32), given)
        assert moves == pytest.approx([direction * move])


def test_without_a_slope_only_symbols_that_save_more_bits_than_the_threshold_move(rate: Rate) -> None:
    index = np.array([10, 10], np.uint8)
    none = np.zeros(2, np.float32)
    dear = np.array([0.0, 3.0], np.float32)  # at a deviation of 0.38, 3 costs some twenty bits more than 2
    assert rate.moves(dear, index, none, none) == pytest.approx([0.0, -PAST])
