from __future__ import annotations

import numpy as np
import pytest

from skosh import BundleError
from skosh.bundle.scale_map import check_bound, scale_map_reference, shifted
from skosh.entropy.tables import HYPER_LIMIT


def test_the_reference_is_the_formula_of_the_contract() -> None:
    rng = np.random.default_rng(0)
    weight, bias = rng.integers(-127, 128, (8, 5)), rng.integers(-9000, 9000, 8)
    z = rng.integers(-HYPER_LIMIT, HYPER_LIMIT + 1, (5, 2, 3))
    index = scale_map_reference(z, weight, bias, 6, 2)
    assert index.shape == (2, 4, 6)
    for m, row, column in [(0, 0, 0), (1, 3, 5), (0, 2, 1), (1, 1, 4)]:
        output = m * 4 + row % 2 * 2 + column % 2
        total = int(weight[output] @ z[:, row // 2, column // 2] + bias[output])
        assert index[m, row, column] == min(max(np.floor((total + 32) / 64), 0), 255)


def test_sums_just_under_the_bound_pass_and_at_the_bound_do_not() -> None:
    weight = np.full((1, 1), 1)
    room = (1 << 24) - HYPER_LIMIT - 32
    assert check_bound(weight, np.array([room - 1]), 6) == (1 << 24) - 1
    with pytest.raises(BundleError, match="not exact"):
        check_bound(weight, np.array([room]), 6)
    with pytest.raises(BundleError, match="not exact"):
        check_bound(weight, np.array([-room]), 6)


def test_shifted_indices_stay_on_the_grid() -> None:
    index = np.array([[[0, 100, 255]]] * 2)
    assert shifted(index, np.array([-95, 300])).tolist() == [[[0, 5, 63]], [[63, 63, 63]]]
