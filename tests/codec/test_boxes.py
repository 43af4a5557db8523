from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skosh.codec.boxes import Box, each, split, whole

sizes = st.integers(1, 90)


@given(sizes, sizes, st.sampled_from([0, 1, 7, 16, 64, 100]))
def test_a_split_covers_everything_once_in_raster_order(height: int, width: int, side: int) -> None:
    boxes = split(whole(height, width), side)
    seen = np.zeros((height, width), int)
    for box in boxes:
        box.of(seen)[:] += 1
    assert (seen == 1).all()
    assert boxes == sorted(boxes)
    assert all(max(box.height, box.width) <= (side or 90) for box in boxes)


def test_a_grown_box_stays_within_and_knows_where_it_was() -> None:
    array = np.arange(200).reshape(1, 10, 20)
    box, all_of_it = Box(2, 3, 5, 9), whole(10, 20)
    outer = box.grown(4, all_of_it)
    assert outer == Box(0, 0, 9, 13)
    assert np.array_equal(box.inside(outer).of(outer.of(array)), box.of(array))


def test_boxes_are_joined_by_the_smallest_that_holds_both() -> None:
    assert Box(2, 3, 5, 9).joined(Box(4, 0, 6, 2)) == Box(2, 0, 6, 9)
    assert whole(10, 20).joined(Box(2, 3, 5, 9)) == whole(10, 20)


def test_coarse_boxes_hold_the_fine_ones() -> None:
    assert Box(5, 8, 9, 17).over(4) == Box(1, 2, 3, 5)
    assert Box(1, 2, 3, 5).times(4) == Box(4, 8, 12, 20)


def test_boxes_that_only_touch_do_not_meet() -> None:
    assert Box(0, 0, 2, 2).meets(Box(1, 1, 3, 3))
    assert not Box(0, 0, 2, 2).meets(Box(0, 2, 2, 4))
    assert not Box(0, 0, 2, 2).meets(Box(5, 5, 6, 6))


@pytest.mark.parametrize("threads", [1, 3])
def test_an_error_in_one_box_comes_out(threads: int) -> None:
    def work(box: Box) -> None:
        if box.left == 2:
            raise ValueError("here")

    with pytest.raises(ValueError, match="here"):
        each(split(whole(1, 4), 1), work, threads)
