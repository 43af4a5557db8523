from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import skosh
from skosh.bundle.bundle import Bundle
from skosh.bundle.manifest import ENCODER_TABLES, reseal
from skosh.codec.masking import error_weights, over_pixels


def test_an_error_counts_for_less_where_the_picture_is_busy() -> None:
    x = np.full((1, 3, 16, 48), 0.5, np.float32)
    x[..., 16:32] += np.random.default_rng(0).normal(0, 0.02, (16, 16)).astype(np.float32)
    x[..., 32:] += np.random.default_rng(0).normal(0, 0.2, (16, 16)).astype(np.float32)
    weights = error_weights((30.0, 8.0), x, 16)
    assert weights.shape == (1, 3)
    assert weights[0, 0] == pytest.approx(1 + 30 / 8)
    assert weights[0, 0] > weights[0, 1] > weights[0, 2] > 1.0
    assert weights[0, 2] == pytest.approx(1 + 30 / (255 * x[0, 0, :, 32:].std() + 8), rel=1e-3)


def test_a_bundle_without_masking_weighs_all_errors_alike() -> None:
    x = np.random.default_rng(0).random((1, 3, 32, 16)).astype(np.float32)
    assert np.array_equal(error_weights(None, x, 16), [[1.0], [1.0]])


def test_weights_are_repeated_for_the_pixels_of_their_block() -> None:
    found = over_pixels(np.array([[1.0, 2.0]], np.float32), 16)
    assert found.shape == (1, 1, 16, 32)
    assert (found[..., :16] == 1).all()
    assert (found[..., 16:] == 2).all()


def test_an_encoder_for_psnr_does_not_mask(tiny_bundle: Path, tmp_path: Path, photo: Image.Image) -> None:
    folder = Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))
    arrays = dict(np.load(folder / ENCODER_TABLES))
    np.savez(folder / ENCODER_TABLES, **arrays, masking=np.array([3000.0, 8.0], np.float32))
    reseal(folder)
    plain, masked = Bundle(tiny_bundle), Bundle(folder)
    assert masked.model_id == plain.model_id
    assert masked.masking == (3000.0, 8.0)
    assert skosh.encode(photo, 60, masked) != skosh.encode(photo, 60, plain)
    for effort in (0, 1):
        assert skosh.encode(photo, 60, masked, effort=effort, tune="psnr") == skosh.encode(
            photo, 60, plain, effort=effort, tune="psnr"
        )
