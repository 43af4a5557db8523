"""Probabilities and bits: the normal distribution and the factorised bottleneck."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from skosh.entropy.tables import HYPER_LIMIT, HYPER_SYMBOLS, TOTAL, normal_tables, reaches, scales
from skosh.train.likelihood import Factorised, GeneralisedNormal, Likelihood, bits_of, normal_likelihood, symbol_tables


def exact_mass(residual: float, scale: float) -> float:
    """In double precision, from the upper tail."""
    factor = 1 / (scale * math.sqrt(2))
    return 0.5 * (math.erfc((abs(residual) - 0.5) * factor) - math.erfc((abs(residual) + 0.5) * factor))


@pytest.fixture
def bottleneck() -> Factorised:
    torch.manual_seed(0)
    model = Factorised(3, start_scale=3.0)
    with torch.no_grad():
        for gate in model.gates:
            gate.uniform_(-0.5, 0.5)
    return model


def every_symbol(channels: int, limit: int = HYPER_LIMIT) -> torch.Tensor:
    """(1, C, 1, 2 limit + 1)."""
    return torch.arange(-limit, limit + 1.0).expand(1, channels, 1, -1)


@pytest.mark.parametrize("scale", [0.11, 0.5, 1.0, 7.0, 60.0])
@pytest.mark.parametrize("offset", [0.0, 0.3])
def test_normal_likelihood_of_all_integers_sums_to_one(scale: float, offset: float) -> None:
    residual = torch.arange(-600.0, 601.0) + offset
    assert normal_likelihood(residual, torch.tensor(scale)).double().sum().item() == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("scale", [0.11, 1.0, 20.0])
def test_normal_likelihood_is_precise_until_a_symbol_costs_30_bits(scale: float) -> None:
    for sigmas in (0.0, 0.5, 2.0, 4.0, 5.5):
        for sign in (-1.0, 1.0):
            residual = sign * (0.5 + sigmas * scale)
            found = normal_likelihood(torch.tensor(residual), torch.tensor(scale)).item()
            assert found == pytest.approx(exact_mass(residual, scale), rel=2e-3)


@pytest.mark.parametrize("sigmas", [3.0, 6.0, 10.0, 20.0])
def test_a_symbol_far_outside_of_its_distribution_still_pulls_the_scale_up_and_the_mean_closer(sigmas: float) -> None:
    scale = torch.tensor([[0.2]], requires_grad=True)
    residual = torch.tensor([[0.5 + sigmas * 0.2]], requires_grad=True)
    bits_of(normal_likelihood(residual, scale)).sum().backward()
    assert -math.inf < scale.grad.item() < 0
    assert 0 < residual.grad.item() < math.inf


def test_a_symbol_absurdly_far_away_costs_finite_bits_and_gives_no_nan() -> None:
    scale = torch.tensor([[0.11, 256.0]], requires_grad=True)
    residual = torch.tensor([[1e4, -1e6]], requires_grad=True)
    bits = bits_of(normal_likelihood(residual, scale)).sum()
    bits.backward()
    assert torch.isfinite(bits)
    assert torch.isfinite(scale.grad).all()
    assert torch.isfinite(residual.grad).all()


def test_bits_are_summed_for_each_picture() -> None:
    likelihood = torch.tensor([0.5, 0.25, 0.125, 1.0]).reshape(2, 2, 1, 1)
    assert bits_of(likelihood).tolist() == [3.0, 3.0]
    assert bits_of(torch.full((1, 3), 0.5)).tolist() == [3.0]


def test_factorised_likelihood_sums_to_one_in_every_channel(bottleneck: Factorised) -> None:
    mass = bottleneck.likelihood(every_symbol(3, 2000))
    assert (mass >= 0).all()
    torch.testing.assert_close(mass.sum((0, 2, 3)), torch.ones(3), atol=1e-4, rtol=0.0)


def test_factorised_distribution_function_rises_whatever_the_weights_are() -> None:
    torch.manual_seed(0)
    model = Factorised(20)
    for parameter in model.parameters():
        torch.nn.init.uniform_(parameter, -2.0, 2.0)
    logits = model.logits(torch.linspace(-60, 60, 200).expand(20, 1, -1))
    assert (logits.diff(dim=2) > 0).all()


def test_factorised_likelihood_keeps_pictures_and_channels_apart(bottleneck: Factorised) -> None:
    z = torch.randint(-5, 6, (2, 3, 4, 5)).float()
    whole = bottleneck.likelihood(z)
    for b in range(2):
        torch.testing.assert_close(whole[b : b + 1], bottleneck.likelihood(z[b : b + 1]))
    for c in range(3):
        row = bottleneck.likelihood(every_symbol(3))[0, c, 0]
        torch.testing.assert_close(whole[:, c], row[z[:, c].long() + HYPER_LIMIT])


def test_factorised_likelihood_is_not_zero_where_the_distribution_is_symmetric() -> None:
    model = Factorised(1)
    for bias in model.biases:
        torch.nn.init.zeros_(bias)
    row = model.likelihood(every_symbol(1))[0, 0, 0]
    assert row.argmax() == HYPER_LIMIT  # the symbol 0
    assert row[HYPER_LIMIT] > row[HYPER_LIMIT + 1]


def test_hyper_tables_are_positive_integers_that_sum_to_the_total(bottleneck: Factorised) -> None:
    tables = bottleneck.tables()
    assert len(tables) == 3
    for table in tables:
        assert table.shape == (HYPER_SYMBOLS,)
        assert np.issubdtype(table.dtype, np.integer)
        assert table.min() >= 1
        assert table.sum() == TOTAL


def test_code_length_by_the_tables_is_within_one_percent_of_the_models_bits(bottleneck: Factorised) -> None:
    tables = np.stack(bottleneck.tables())
    rng = np.random.default_rng(0)
    z = np.stack([rng.choice(HYPER_SYMBOLS, 2000, p=table / TOTAL) for table in tables])
    ideal = -np.log2(np.take_along_axis(tables, z, 1) / TOTAL).sum()
    symbols = torch.from_numpy(z - HYPER_LIMIT).float()[None, :, None]
    assert bits_of(bottleneck.likelihood(symbols)).item() == pytest.approx(ideal, rel=0.01)


@pytest.fixture(params=[1.0, 1.5, 2.0])
def generalised(request: pytest.FixtureRequest) -> GeneralisedNormal:
    return GeneralisedNormal(request.param)


@pytest.mark.parametrize("scale", [0.11, 0.5, 2.0, 9.0, 60.0])
@pytest.mark.parametrize("offset", [0.0, 0.3])
def test_a_generalised_normal_distribution_sums_to_one_and_has_the_scale_that_is_asked_for(
    generalised: GeneralisedNormal, scale: float, offset: float
) -> None:
    residual = torch.arange(-900.0, 901.0) + offset
    mass = generalised(residual, torch.tensor(scale)).double()
    assert mass.sum().item() == pytest.approx(1.0, abs=1e-4)
    if scale > 1:
        assert (mass * residual**2).sum().item() == pytest.approx(scale**2 + 1 / 12, rel=0.01)


@pytest.mark.parametrize("scale", [0.11, 1.0, 20.0, 256.0])
def test_with_the_exponent_2_it_is_the_normal_distribution(scale: float) -> None:
    residual = torch.cat([torch.linspace(-4.0, 4.0, 41) * scale, torch.linspace(-3.0, 3.0, 31)])
    expected = normal_likelihood(residual, torch.tensor(scale))
    torch.testing.assert_close(GeneralisedNormal(2.0)(residual, torch.tensor(scale)), expected, rtol=3e-3, atol=1e-9)


def test_with_the_exponent_1_it_is_laplaces() -> None:
    places = torch.linspace(0.0, 12.0, 400)
    expected = 0.5 * torch.exp(-places * 2.0**0.5)
    torch.testing.assert_close(GeneralisedNormal(1.0).above(places), expected, rtol=1e-4, atol=0.0)
    torch.testing.assert_close(GeneralisedNormal(1.0).density(places), expected * 2.0**0.5, rtol=1e-4, atol=0.0)


@pytest.mark.parametrize("scale", [0.3, 1.0, 20.0, 200.0])
def test_with_the_exponent_2_its_gradients_are_those_of_the_normal_distribution(scale: float) -> None:
    def gradients(likelihood: Likelihood) -> tuple[torch.Tensor, ...]:
        residual = (torch.linspace(-2.5, 2.5, 60).double() * max(scale, 0.6)).requires_grad_()
        spread = torch.full((60,), scale, dtype=torch.float64, requires_grad=True)
        return torch.autograd.grad(torch.log(likelihood(residual, spread)).sum(), (residual, spread))

    for found, expected in zip(gradients(GeneralisedNormal(2.0)), gradients(normal_likelihood), strict=True):
        torch.testing.assert_close(found, expected, rtol=3e-3, atol=1e-5)


def test_the_density_of_any_exponent_is_the_slope_of_the_mass(generalised: GeneralisedNormal) -> None:
    r = torch.linspace(0.1, 5.0, 50, dtype=torch.float64)
    slope = (generalised.exact_above(r - 1e-4) - generalised.exact_above(r + 1e-4)) / 2e-4
    torch.testing.assert_close(generalised.density(r), slope, rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize("scale", [0.3, 2.0, 200.0])
def test_the_gradients_of_any_exponent_are_those_of_the_exact_mass(
    generalised: GeneralisedNormal, scale: float
) -> None:
    residual = (torch.linspace(-2.4, 2.4, 48) * max(scale, 0.6)).requires_grad_()
    spread = torch.full((48,), scale, requires_grad=True)
    found = torch.autograd.grad(generalised(residual, spread).sum(), (residual, spread))

    def exact(r: torch.Tensor, s: torch.Tensor) -> torch.Tensor:
        def below(x: torch.Tensor) -> torch.Tensor:
            above = generalised.exact_above(x.abs() / s)
            return torch.where(x < 0, above, 1.0 - above)

        return below(r + 0.5) - below(r - 0.5)

    r, s, h = residual.detach().double(), spread.detach().double(), 1e-4 * scale
    expected = ((exact(r + h, s) - exact(r - h, s)) / (2 * h), (exact(r, s + h) - exact(r, s - h)) / (2 * h))
    for gradient, due in zip(found, expected, strict=True):
        torch.testing.assert_close(gradient.double(), due, rtol=2e-3, atol=2e-4 * float(due.abs().max()))


def test_what_is_no_number_stays_none() -> None:
    assert GeneralisedNormal(1.5)(torch.tensor([math.nan]), torch.ones(1)).isnan().all()


def test_a_symbol_far_outside_of_a_generalised_one_still_pulls_the_scale_up_and_the_mean_closer(
    generalised: GeneralisedNormal,
) -> None:
    residual = torch.tensor([[0.7, 3.0, 30.0, 3000.0]], requires_grad=True)
    scale = torch.full((1, 4), 0.2, requires_grad=True)
    bits = bits_of(generalised(residual, scale))
    assert bits.item() < 4 * 30.5
    bits.sum().backward()
    assert residual.grad is not None
    assert scale.grad is not None
    assert bool((residual.grad > 0).all())
    assert bool((scale.grad < 0).all())


@pytest.mark.parametrize("exponent", [1.0, 1.5])
def test_its_tables_cost_what_training_counts(exponent: float) -> None:
    likelihood = GeneralisedNormal(exponent)
    for table, scale, reach in zip(symbol_tables(likelihood), scales(), reaches(), strict=True):
        assert table.shape == (2 * reach + 2,)
        assert table.sum() == TOTAL
        near = torch.arange(-3.0, 4.0)[abs(torch.arange(-3.0, 4.0)) <= reach]
        expected = likelihood(near, torch.tensor(float(scale)))
        found = torch.from_numpy(table[near.long().numpy() + reach] / TOTAL).float()
        torch.testing.assert_close(found, expected, rtol=5e-3, atol=1e-6)


def test_the_normal_distribution_has_its_own_tables() -> None:
    for found, expected in zip(symbol_tables(normal_likelihood), normal_tables(), strict=True):
        assert np.array_equal(found, expected)
