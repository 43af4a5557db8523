"""SSIMULACRA 2 as a loss, beside the package that evaluation uses."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage
from ssimulacra2 import ssimulacra2 as package

from skosh.train.ssimulacra2 import SSIMULACRA2, blur, score


def picture(
    seed: int, side: int = 256
) -> np.ndarray:  # smaller ones have five scales, and the package takes their weights in another order
    rng = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(rng.random((side, side, 3)), (3, 3, 0))
    return np.clip((smooth - smooth.min()) / np.ptp(smooth) * 255, 0, 255).astype(np.uint8)


def tensor(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255


def packaged(x, y, tmp_path, monkeypatch) -> float:
    """The package's score, with borders mirrored as ours are."""
    monkeypatch.setattr(
        package, "blur_image", lambda image: ndimage.gaussian_filter(image, 1.5, truncate=3.33, axes=(0, 1))
    )
    for name, pixels in (("x", x), ("y", y)):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    return package.compute_ssimulacra2(tmp_path / "x.png", tmp_path / "y.png")


@pytest.mark.parametrize("damage", ["noise", "blur", "colour", "little"])
def test_score_is_that_of_the_package(damage, tmp_path, monkeypatch):
    x = picture(1)
    noise = np.random.default_rng(2).normal(0, 1, x.shape)
    y = {
        "noise": x + 12 * noise,
        "blur": ndimage.gaussian_filter(x.astype(float), (1.2, 1.2, 0)),
        "colour": x * [1.0, 0.9, 1.1],
        "little": x + noise,
    }[damage]
    y = np.clip(np.rint(y), 0, 255).astype(np.uint8)
    ours = score(SSIMULACRA2()(tensor(x), tensor(y)))
    assert float(ours[0]) == pytest.approx(packaged(x, y, tmp_path, monkeypatch), abs=0.15)


def test_odd_sides_are_halved_as_the_package_does(tmp_path, monkeypatch):
    x = picture(3, 301)[:261, :299]
    y = np.clip(x + np.random.default_rng(4).normal(0, 8, x.shape), 0, 255).astype(np.uint8)
    ours = score(SSIMULACRA2()(tensor(x), tensor(y)))
    assert float(ours[0]) == pytest.approx(packaged(x, y, tmp_path, monkeypatch), abs=0.15)


def test_equal_pictures_cost_nothing_and_have_a_finite_gradient():
    x = tensor(picture(5)).requires_grad_()
    total = SSIMULACRA2()(x.detach(), x)
    total.sum().backward()
    assert float(score(total.detach())[0]) > 97
    assert torch.isfinite(x.grad).all()


def test_gradient_goes_down_and_back_into_range():
    x = tensor(picture(6, 64))
    y = (
        x + 0.1 * torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    ) * 1.2 - 0.1  # also outside of [0, 1]
    loss, y = SSIMULACRA2(), y.requires_grad_()
    before = loss(x, y).sum()
    before.backward()
    assert torch.isfinite(y.grad).all()
    assert (y.grad[(y > 1) | (y < 0)] != 0).any()
    assert loss(x, y - 1e-3 * y.grad / y.grad.abs().mean()).sum() < before


def test_window_is_scipys():
    x = torch.rand(1, 2, 9, 24, generator=torch.Generator().manual_seed(1))
    expected = ndimage.gaussian_filter(x.double().numpy(), 1.5, truncate=3.33, axes=(2, 3))
    np.testing.assert_allclose(blur(x).numpy(), expected, atol=1e-6)
