"""The search for the highest step whose value is below a target, as a unit."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skosh.codec.target import highest_below

MOST = 2 * math.ceil(math.log2(801)) + 2  # evaluations: a guess that does not halve is followed by a halving


class Counted:
    """A function of steps that knows where it was asked."""

    def __init__(self, values: list[float]):
        self.values, self.asked = values, []

    def __call__(self, step: int) -> float:
        self.asked.append(step)
        return self.values[step]


rising = st.lists(st.floats(0, 1e3), min_size=1, max_size=801).map(sorted)
plateaus = st.lists(st.sampled_from([0.0, 1.0, 1.5, 900.0]), min_size=1, max_size=801).map(sorted)


@settings(deadline=None, max_examples=300)
@given(st.one_of(rising, plateaus), st.floats(-1, 1.1e3))
def test_it_finds_the_highest_of_any_rising_function(values: list[float], target: float) -> None:
    value = Counted(values)
    due = max((step for step, v in enumerate(values) if v <= target), default=None)
    found = highest_below(value, target, len(values) - 1, 0.0)
    if found is None or due is None:
        assert found == due
    else:
        assert values[found] == values[due]  # equal values are equally good: it may stop where the target is hit
    assert len(value.asked) <= MOST
    assert len(set(value.asked)) == len(value.asked)  # each costs an encoding


@settings(deadline=None, max_examples=300)
@given(st.one_of(rising, plateaus), st.floats(-1, 1.1e3), st.floats(0, 50))
def test_it_stops_early_only_where_it_is_close_enough(values: list[float], target: float, tolerance: float) -> None:
    due = max((step for step, v in enumerate(values) if v <= target), default=None)
    found = highest_below(Counted(values), target, len(values) - 1, tolerance)
    assert (found is None) == (due is None)
    if found is not None and due is not None:
        assert values[found] <= target
        assert values[found] >= min(values[due], target - tolerance)


@pytest.mark.parametrize(
    "shape",
    [lambda n: n, lambda n: n**2, lambda n: math.log1p(n), lambda n: math.exp(n / 20), lambda n: float(n > 400)],
)
def test_smooth_functions_take_few_evaluations(shape) -> None:  # type: ignore[no-untyped-def]
    values = [shape(step) for step in range(801)]
    for target in (values[3], values[401], values[799], (values[100] + values[101]) / 2):
        value = Counted(values)
        found = highest_below(value, target, 800, 0.0)
        assert found is not None
        assert values[found] <= target
        assert len(value.asked) <= MOST


def test_nearly_linear_functions_take_six() -> None:
    value = Counted([8.0 + step / 300 + 0.1 * math.sin(step / 200) for step in range(801)])
    found = highest_below(value, 9.3, 800, 0.005)
    assert found is not None
    assert 9.295 <= value.values[found] <= 9.3
    assert len(value.asked) <= 6


def test_a_target_below_everything_is_none_and_one_above_is_the_last() -> None:
    assert highest_below(Counted([5.0, 6.0]), 4.9, 1, 0.0) is None
    value = Counted([5.0, 6.0, 7.0])
    assert highest_below(value, 8.0, 2, 0.0) == 2
    assert value.asked == [0, 2]


def test_one_step_is_asked_once() -> None:
    value = Counted([5.0])
    assert highest_below(value, 5.0, 0, 0.0) == 0
    assert value.asked == [0]
