from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from skosh.codec.masking import error_weights, over_pixels


def test_an_error_counts_for_less_where_the_picture_is_busy() -> None:
    x = np.full((1, 3, 16, 48), 0.5, np.float32)
    x[..., 16:32] += np.random.default_rng(0).normal(0, 0.02, (16, 16)).astype(np.float32)
    x[..., 32:] += np.random.default_rng(0).normal(0, 0.2, (16, 16)).astype(np.float32)
    bundle = SimpleNamespace(stride=16, masking=(30.0, 8.0))
    weights = error_weights(bundle, x)  # type: ignore[arg-type]
    assert weights.shape == (1, 3)
    assert weights[0, 0] == pytest.approx(1 + 30 / 8)
    assert weights[0, 0] > weights[0, 1] > weights[0, 2] > 1.0
    assert weights[0, 2] == pytest.approx(1 + 30 / (255 * x[0, 0, :, 32:].std() + 8), rel=1e-3)


def test_a_bundle_without_masking_weighs_all_errors_alike() -> None:
    bundle = SimpleNamespace(stride=16, masking=None)
    assert np.array_equal(error_weights(bundle, np.random.rand(1, 3, 32, 16).astype(np.float32)), [[1.0], [1.0]])  # type: ignore[arg-type]


def test_weights_are_repeated_for_the_pixels_of_their_block() -> None:
    found = over_pixels(np.array([[1.0, 2.0]], np.float32), 16)
    assert found.shape == (1, 1, 16, 32)
    assert (found[..., :16] == 1).all()
    assert (found[..., 16:] == 2).all()
