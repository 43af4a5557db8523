"""The loss is the weighted sum that its documentation says."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from pytorch_msssim import ms_ssim
from torch import Tensor, nn

from skosh.metrics.lpips import LPIPS, load_lpips
from skosh.train import loss as losses
from skosh.train.config import Config
from skosh.train.hyperprior import Coded
from skosh.train.loss import Loss
from skosh.train.ssimulacra2 import SSIMULACRA2

LATENT = torch.zeros(2, 1, 13, 11)  # of pictures of 208 x 176 pixels
ZERO = {"weight_mse": 0.0, "weight_mae": 0.0, "weight_ms_ssim": 0.0, "weight_lpips": 0.0}


def config(**values: float) -> Config:
    return Config(steps=1, **{"level_balance": 0.0, "lambda_min": 0.01, "lambda_max": 0.16, **ZERO, **values})


@pytest.fixture
def batch() -> tuple[Tensor, Tensor, Coded, Tensor]:
    torch.manual_seed(0)
    x = nn.functional.avg_pool2d(torch.rand(2, 3, 208, 176), 5, 1, 2)
    x_hat = x + 0.05 * torch.randn_like(x)
    bits = torch.tensor([30_000.0, 50_000.0])
    return x, x_hat, Coded(LATENT, bits, bits / 10), torch.tensor([0.0, 1.0])


def test_loss_of_mean_squared_error_is_lambda_times_distortion_plus_bits_a_pixel(batch: tuple) -> None:
    x, x_hat, _, _ = batch
    terms = Loss(config(weight_mse=1.0, lambda_r=2.0))(*batch)
    bpp = torch.tensor([33_000.0, 55_000.0]) / (208 * 176)
    mse = (x - x_hat).square().mean((1, 2, 3))
    torch.testing.assert_close(terms.bpp, bpp)
    torch.testing.assert_close(terms.mse, mse)
    due = (torch.tensor([0.01, 0.16]) * 255**2 * mse + 2.0 * bpp).mean()
    torch.testing.assert_close(terms.loss, due)


def test_loss_adds_every_distortion_with_its_own_weight(batch: tuple, monkeypatch: pytest.MonkeyPatch) -> None:
    class Half(nn.Module):
        def features(self, x: Tensor, layers: int = 5) -> list[Tensor]:
            return [x]

        def distance(self, x: list[Tensor], y: list[Tensor]) -> Tensor:
            return torch.full((len(x[0]),), 0.5)

    monkeypatch.setattr(losses, "load_lpips", lambda path: Half())
    x, x_hat, _, _ = batch
    terms = Loss(config(weight_mse=0.5, weight_mae=3.0, weight_ms_ssim=4.0, weight_lpips=7.0, lambda_r=0.0))(*batch)
    distortion = (
        0.5 * 255**2 * (x - x_hat).square().mean((1, 2, 3))
        + 3.0 * (x - x_hat).abs().mean((1, 2, 3))
        + 4.0 * (1.0 - ms_ssim(x_hat, x, data_range=1.0, size_average=False))
        + 7.0 * 0.5
    )
    torch.testing.assert_close(terms.loss, (torch.tensor([0.01, 0.16]) * distortion).mean())


def test_lpips_sees_another_grid_at_every_step_of_training_and_the_whole_in_validation(
    batch: tuple, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []

    class Watching(nn.Module):
        def features(self, x: Tensor, layers: int = 5) -> list[Tensor]:
            return [x]

        def distance(self, due: list[Tensor], found: list[Tensor]) -> Tensor:
            (x,), (y,) = due, found
            height, width = x.shape[2:]
            assert torch.equal(x, batch[0][..., -height:, -width:])  # both without the same rows and columns
            assert torch.equal(y, batch[1][..., -height:, -width:])
            seen.append((batch[0].shape[2] - height, batch[0].shape[3] - width))
            return (x - y).square().mean((1, 2, 3))

    monkeypatch.setattr(losses, "load_lpips", lambda path: Watching())
    loss = Loss(config(weight_lpips=1.0))
    loss(*batch)
    assert seen == [(0, 0)]
    batch[1].requires_grad_()
    for _ in range(200):
        loss(*batch)
    assert {top for top, _ in seen} == {left for _, left in seen} == set(range(16))
    torch.manual_seed(3)
    first = loss(*batch).loss
    torch.manual_seed(3)
    assert loss(*batch).loss == first  # a run that is resumed sees what it would have seen


def test_pattern_is_what_all_blocks_of_a_crop_have_in_common() -> None:
    torch.manual_seed(1)
    block = torch.randn(2, 3, 16, 16)
    same = block.repeat(1, 1, 4, 3)  # 4 x 3 blocks
    torch.testing.assert_close(losses.pattern(same), block.square().mean((1, 2, 3)))
    signs = torch.tensor([1.0, -1.0]).repeat(2).repeat_interleave(16)[:, None]  # every other row of blocks is negative
    torch.testing.assert_close(losses.pattern(same * signs), torch.zeros(2))


def test_loss_weighs_the_pattern_beside_the_squared_error() -> None:
    torch.manual_seed(2)
    x = torch.rand(2, 3, 192, 256)
    x_hat = x + 0.05 * torch.randn(1, 1, 16, 16).repeat(1, 1, 12, 16)
    free = Coded(torch.zeros(2, 1, 12, 16), torch.zeros(2), torch.zeros(2))
    t = torch.tensor([0.0, 1.0])
    mse = Loss(config(weight_mse=1.0))(x, x_hat, free, t).loss
    torch.testing.assert_close(Loss(config(weight_mse=1.0, weight_pattern=2.0))(x, x_hat, free, t).loss, 3.0 * mse)


def test_lambda_is_log_linear_in_the_level() -> None:
    found = Loss(config()).lambda_d(torch.tensor([0.0, 0.25, 0.5, 1.0]))
    torch.testing.assert_close(found, torch.tensor([0.01, 0.02, 0.04, 0.16]))


def test_full_level_balance_gives_every_level_the_same_weight_of_distortion(batch: tuple) -> None:
    x, x_hat, coded, _ = batch
    free = Coded(coded.y_hat, torch.zeros(2), torch.zeros(2))
    loss = Loss(config(weight_mse=1.0, level_balance=1.0))
    low, high = loss(x, x_hat, free, torch.zeros(2)).loss, loss(x, x_hat, free, torch.ones(2)).loss
    torch.testing.assert_close(low, high)
    middle = 0.04 * 255**2 * (x - x_hat).square().mean()
    torch.testing.assert_close(low, middle)


def test_half_level_balance_weighs_levels_by_the_root_of_lambda(batch: tuple) -> None:
    x, x_hat, coded, _ = batch
    for level, weight in ((0.0, 2.0), (0.5, 1.0), (1.0, 0.5)):
        t = torch.full((2,), level)
        plain = Loss(config(weight_mse=1.0))(x, x_hat, coded, t).loss
        balanced = Loss(config(weight_mse=1.0, level_balance=0.5))(x, x_hat, coded, t).loss
        torch.testing.assert_close(balanced, weight * plain)


def test_the_loss_sends_gradients_to_pixels_and_bits(batch: tuple) -> None:
    x, x_hat, coded, t = batch
    x_hat, bits = x_hat.clone().requires_grad_(), coded.bits_y.clone().requires_grad_()
    Loss(config(weight_mse=1.0))(x, x_hat, coded._replace(bits_y=bits), t).loss.backward()
    assert x_hat.grad.abs().sum() > 0
    torch.testing.assert_close(bits.grad, torch.full((2,), 0.5 / (208 * 176)))


def test_ms_ssim_of_a_picture_unlike_the_original_has_finite_gradients(batch: tuple) -> None:
    x, _, coded, t = batch
    x_hat = (1.0 - x).requires_grad_()  # structure below zero at every scale
    Loss(config(weight_ms_ssim=1.0, weight_mse=1.0))(x, x_hat, coded, t).loss.backward()
    assert torch.isfinite(x_hat.grad).all()


def test_ssimulacra2_counts_with_its_weight(batch: tuple) -> None:
    x, x_hat, _, _ = batch
    terms = Loss(config(weight_ssimulacra2=4.0))(*batch)
    bpp = torch.tensor([33_000.0, 55_000.0]) / (208 * 176)
    due = (torch.tensor([0.01, 0.16]) * 4.0 * SSIMULACRA2()(x, x_hat) + bpp).mean()
    torch.testing.assert_close(terms.loss, due)


def test_bits_a_pixel_are_those_of_the_coded_picture_not_of_the_one_that_is_shown(batch: tuple) -> None:
    x, x_hat, coded, t = batch
    twice = [nn.functional.interpolate(p, scale_factor=2) for p in (x, x_hat)]
    bpp = Loss(config(weight_mse=1.0))(*twice, coded, t).bpp
    torch.testing.assert_close(bpp, torch.tensor([33_000.0, 55_000.0]) / (208 * 176))


def test_drift_is_the_mean_error_of_reduced_pictures_and_does_not_see_grain(batch: tuple) -> None:
    error = torch.full((2, 3, 64, 96), -0.25)
    torch.testing.assert_close(losses.drift(error), torch.tensor([0.25, 0.25]))
    checks = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).repeat(32, 48).expand(2, 3, -1, -1)
    torch.testing.assert_close(losses.drift(checks), torch.zeros(2))
    x, x_hat, coded, t = batch
    free = coded._replace(bits_y=torch.zeros(2), bits_z=torch.zeros(2))
    due = (torch.tensor([0.01, 0.16]) * 7.0 * losses.drift(x - x_hat)).mean()
    torch.testing.assert_close(Loss(config(weight_drift=7.0))(x, x_hat, free, t).loss, due)


@pytest.fixture(scope="module")
def lpips(lpips_weights: Path) -> LPIPS:
    if not lpips_weights.is_file():
        pytest.skip("the published weights are not there")
    return load_lpips(lpips_weights)


def test_texture_with_the_same_statistics_is_near_by_wasserstein_and_smoothness_is_far(lpips: LPIPS) -> None:
    torch.manual_seed(0)
    texture, other = (0.5 + 0.15 * torch.randn(2, 3, 128, 128) for _ in range(2))
    smooth = torch.full_like(texture, 0.5)
    features = {name: lpips.features(x) for name, x in (("a", texture), ("b", other), ("c", smooth))}
    far, near = (losses.wasserstein(lpips, features["a"], features[name]) for name in "cb")
    assert (losses.wasserstein(lpips, features["a"], features["a"]) == 0).all()
    assert (near / far < 0.5 * lpips(texture, other) / lpips(texture, smooth)).all()  # LPIPS asks for the original


def test_wasserstein_has_finite_gradients_where_pictures_are_equal_or_flat(lpips: LPIPS) -> None:
    for x in (torch.full((1, 3, 64, 64), 0.5), torch.rand(1, 3, 64, 64)):
        y = x.clone().requires_grad_()
        losses.wasserstein(lpips, lpips.features(x), lpips.features(y)).sum().backward()
        assert torch.isfinite(y.grad).all()


def test_features_are_computed_once_for_both_of_their_losses(
    batch: tuple, lpips: LPIPS, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(losses, "load_lpips", lambda path: lpips)
    seen: list[int] = []
    features = lpips.features
    monkeypatch.setattr(lpips, "features", lambda x, layers: seen.append(layers) or features(x, layers))
    found = {}
    for weights in (
        {"weight_lpips": 2.0},
        {"weight_wasserstein": 3.0},
        {"weight_lpips": 2.0, "weight_wasserstein": 3.0},
    ):
        found[len(found)] = Loss(config(lambda_r=0.0, **weights))(*batch).loss
    torch.testing.assert_close(found[2], found[0] + found[1])
    assert seen == [5, 5, 3, 3, 5, 5]  # three layers are enough for local statistics


def test_small_pictures_are_compared_with_area_averages(batch: tuple) -> None:
    x, _, coded, t = batch
    exact = tuple(nn.functional.avg_pool2d(x, factor) for factor in (2, 4, 8))
    loss = losses.SmallLoss(config(weight_mse=1.0, lambda_r=0.0))
    assert loss(x, exact, coded, t).loss == 0
    off = (exact[0] + 0.1, exact[1], exact[2] - 0.2)
    terms = loss(x, off, coded, t)
    due = (torch.tensor([0.01, 0.16]) * 255**2 * (0.01 + 0.04) / 3).mean()
    torch.testing.assert_close(terms.loss, due)
    torch.testing.assert_close(terms.mse, torch.tensor([0.01, 0.01]))


def test_a_verdict_counts_as_distortion(batch: tuple) -> None:
    x, _, coded, t = batch
    free = coded._replace(bits_y=torch.zeros(2), bits_z=torch.zeros(2))
    verdict = torch.tensor([3.0, 5.0])
    loss = Loss(config(weight_mse=1.0))(x, x, free, t, verdict).loss
    torch.testing.assert_close(loss, (torch.tensor([0.01, 0.16]) * verdict).mean())
