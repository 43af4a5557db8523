"""The hyperprior: halves, means, scale indices and levels."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from skosh.bundle.scale_map import scale_map_reference
from skosh.entropy.tables import HYPER_LIMIT, LOG_STEP, SCALE_MIN, SCALES
from skosh.train.hyperprior import REDUCTION, Hyperprior, Levels, Quantised, ScaleMap, first_half
from skosh.train.layers import start_at_zero
from skosh.train.likelihood import GeneralisedNormal, bits_of, normal_likelihood

LATENTS, HYPER = 6, 4


@pytest.fixture(params=[False, True], ids=["steps of 1", "learned steps"])
def model(request: pytest.FixtureRequest) -> Hyperprior:
    """A small hyperprior of three levels whose networks all say something."""
    torch.manual_seed(0)
    log_gain = torch.linspace(0.0, 2.0, 3)[:, None].expand(3, LATENTS)
    made = Hyperprior(LATENTS, HYPER, 8, 5, 7, log_gain, request.param)
    with torch.no_grad():
        for network in (made.analysis, made.mean_first, made.mean_second):
            for parameter in network.parameters():
                parameter.normal_(std=0.4)
    made.scale.integer = True
    return made.eval()


def quantised(model: Hyperprior, u: torch.Tensor, index: torch.Tensor) -> Quantised:
    """With a fixed z and t."""
    z = torch.arange(HYPER * 4.0).reshape(1, HYPER, 2, 2) - 7.0
    t = torch.full((1,), 0.5)
    gain, inverse = torch.exp(model.log_gain(t)), torch.exp(model.log_inverse(t))
    return model.quantise(u, z, index, gain, inverse, t)


def test_the_first_half_is_a_checkerboard_in_three_dimensions() -> None:
    whole = first_half(4, 5, 6, torch.device("cpu"))
    # As what it meets: two layouts in one product are slow.
    assert whole.is_contiguous(memory_format=torch.channels_last)
    half = whole[0]
    c, i, j = np.indices((4, 5, 6))
    assert np.array_equal(half.numpy(), (c + i + j) % 2 == 0)


def test_means_depend_on_no_element_of_their_own_half(model: Hyperprior) -> None:
    torch.manual_seed(1)
    u, other = torch.randn(2, 1, LATENTS, 8, 8) * 3
    index = torch.full_like(u, 20.0)
    first = first_half(LATENTS, 8, 8, u.device)
    means = quantised(model, u, index).means
    second_changed = quantised(model, torch.where(first, u, other), index).means
    first_changed = quantised(model, torch.where(first, other, u), index).means
    assert torch.equal(means, second_changed)
    assert torch.equal(means[first], first_changed[first])
    assert not torch.equal(means[~first], first_changed[~first])  # the context is alive


def test_symbols_are_whole_steps_from_the_means(model: Hyperprior) -> None:
    torch.manual_seed(1)
    u = torch.randn(1, LATENTS, 8, 8) * 3
    u_hat, _, means, steps = quantised(model, u, torch.full_like(u, 20.0))
    q = (u_hat - means) / steps
    torch.testing.assert_close(q, torch.round(q), atol=1e-4, rtol=0.0)
    assert ((u_hat - u) / steps).abs().max() <= 0.5 + 1e-4
    assert (steps.std() > 0.01) == (model.mean_first.step is not None)
    assert q.abs().max() >= 2


def test_elements_at_scale_index_0_are_not_coded_and_take_their_mean(model: Hyperprior) -> None:
    torch.manual_seed(1)
    u = torch.randn(1, LATENTS, 8, 8) * 3
    index = torch.randint(0, 2, u.shape).float()
    u_hat, _, means, _ = quantised(model, u, index)
    assert torch.equal(u_hat[index == 0], means[index == 0])
    assert not torch.equal(u_hat[index == 1], means[index == 1])


def test_elements_at_scale_index_0_cost_no_bits(model: Hyperprior) -> None:
    with torch.no_grad():
        model.shift.rows.fill_(-1e3)
    coded = model(torch.randn(1, LATENTS, 8, 8) * 3, torch.ones(1))
    assert coded.bits_y.item() < 0.01 * LATENTS * 64
    assert coded.bits_z.item() > 1


def test_noise_in_training_costs_about_what_rounding_costs(model: Hyperprior) -> None:
    torch.manual_seed(1)
    with torch.no_grad():
        model.scale.weight.zero_()
        for network in (model.mean_first, model.mean_second):
            start_at_zero(network.leave)
            if network.step:
                start_at_zero(network.step)
    y, t = torch.randn(1, LATENTS, 64, 64), torch.ones(1)
    rounded, noisy = model(y, t), model.train()(y, t)
    torch.testing.assert_close(noisy.bits_y, rounded.bits_y, rtol=0.03, atol=0.0)
    torch.testing.assert_close(noisy.bits_z, rounded.bits_z, rtol=0.05, atol=0.0)
    # std e^2 in steps of 1: log2(e^2 sqrt(2 pi e)) = 4.93 bits
    assert rounded.bits_y.item() / y.numel() == pytest.approx(4.93, abs=0.1)


def test_the_integer_scale_map_computes_what_the_int64_reference_does() -> None:
    torch.manual_seed(0)
    scale = ScaleMap(HYPER, LATENTS)
    scale.integer = True
    with torch.no_grad():
        scale.weight.mul_(2.0)  # some weights meet their limit
        scale.bias.add_(torch.randn_like(scale.bias) * 20)
    z = torch.randint(-HYPER_LIMIT, HYPER_LIMIT + 1, (1, HYPER, 7, 5))
    weight, bias = (part.detach().numpy() for part in scale.integers())
    assert np.array_equal(weight, np.rint(weight))
    assert np.array_equal(bias, np.rint(bias))
    assert abs(weight).max() == ScaleMap.WEIGHT_MAX
    due = scale_map_reference(
        z[0].numpy(), weight[:, :, 0, 0].astype(np.int64), bias.astype(np.int64), ScaleMap.BITS, REDUCTION
    )
    found = scale(z.float())
    assert {0, 255} < set(due.reshape(-1).tolist())  # both ends of the clamp are met
    assert np.array_equal(found[0].detach().numpy(), due)


def test_the_integer_scale_map_can_still_be_trained() -> None:
    torch.manual_seed(0)
    scale = ScaleMap(HYPER, LATENTS)
    z = torch.randint(-3, 4, (1, HYPER, 3, 3)).float()
    gradients = []
    for scale.integer in (False, True):
        scale.zero_grad()
        scale(z).sum().backward()
        gradients.append((scale.weight.grad.clone(), scale.bias.grad.clone()))
    for in_floats, in_integers in zip(*gradients, strict=True):
        assert in_floats.abs().sum() > 0
        torch.testing.assert_close(in_integers, in_floats)


def test_scale_indices_are_whole_and_on_the_grid(model: Hyperprior) -> None:
    z = torch.randint(-HYPER_LIMIT, HYPER_LIMIT + 1, (1, HYPER, 4, 4)).float()
    index = model.scale_index(z, torch.full((1,), 0.3)).detach()
    assert torch.equal(index, torch.round(index))
    assert (index.min(), index.max()) == (0, SCALES - 1)


def test_z_stays_within_its_alphabet_however_large_y_is(model: Hyperprior) -> None:
    seen = []
    model.prior.likelihood = lambda z: seen.append(z) or torch.ones_like(z)  # type: ignore[method-assign]
    model(torch.randn(1, LATENTS, 16, 16) * 1e12, torch.ones(1))
    assert seen[0].abs().max() == HYPER_LIMIT


def test_levels_are_linear_between_their_knots() -> None:
    levels = Levels(torch.tensor([[0.0, 0.0], [1.0, 10.0], [5.0, -10.0]]))
    rows = levels(torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0]))
    assert rows.shape == (5, 2, 1, 1)
    assert rows[:, :, 0, 0].tolist() == [[0.0, 0.0], [0.5, 5.0], [1.0, 10.0], [3.0, 0.0], [5.0, -10.0]]


def test_a_single_level_is_the_same_everywhere() -> None:
    levels = Levels(torch.tensor([[2.0, 3.0]]))
    assert levels(torch.tensor([0.0, 0.4, 1.0]))[:, :, 0, 0].tolist() == [[2.0, 3.0]] * 3


@pytest.mark.parametrize("exponent", [1.0, 2.0])
def test_bits_are_counted_with_the_distribution_of_the_exponent_and_uncoded_elements_cost_nothing(
    exponent: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    model = Hyperprior(LATENTS, HYPER, 8, 5, 7, torch.zeros(3, LATENTS), exponent=exponent)
    y, t = torch.randn(1, LATENTS, 8, 8), torch.full((1,), 0.5)
    scale = torch.full(y.shape, 12.0)
    scale[:, :2] = 0.0  # not coded
    monkeypatch.setattr(model, "scale_index", lambda z, t: scale)
    coded = model.eval()(y, t)
    q = model.symbols(y, t).q
    distribution = GeneralisedNormal(1.0) if exponent == 1.0 else normal_likelihood
    expected = bits_of(distribution(q[:, 2:], SCALE_MIN * torch.exp(LOG_STEP * scale[:, 2:])))
    torch.testing.assert_close(coded.bits_y, expected)
