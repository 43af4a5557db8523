"""The terms of Wiener filters, as they are learned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from skosh.entropy.tables import HYPER_LIMIT, HYPER_SYMBOLS, TOTAL
from skosh.train import wiener_terms
from skosh.train.init import restore
from skosh.train.wiener_terms import (
    TAPS,
    Moments,
    busyness,
    collect,
    fitted,
    learn_basis,
    learn_wiener_terms,
    orthonormal,
    table_of,
)
from skosh.types import Pixels


@pytest.fixture(scope="module")
def moments() -> Moments:
    """Of made-up pictures, whose errors are all multiples of two filters, and noise."""
    rng = torch.Generator().manual_seed(0)
    filters = torch.randn(2, TAPS, 3, generator=rng, dtype=torch.float64)
    products, towards = [], []
    for _ in range(30):
        rows = torch.randn(800, TAPS, generator=rng, dtype=torch.float64)
        left = rows @ torch.einsum("k,kto->to", torch.randn(2, generator=rng, dtype=torch.float64), filters)
        left += torch.randn(800, 3, generator=rng, dtype=torch.float64)
        products.append(rows.T @ rows / left.square().sum())
        towards.append(rows.T @ left / left.square().sum())
    return Moments(torch.stack(products), torch.stack(towards))


def test_the_basis_finds_the_filters_that_there_are(moments: Moments) -> None:
    basis = learn_basis(moments, 2)
    full = torch.zeros(TAPS, 3, 3 * TAPS, dtype=torch.float64)
    for colour in range(3):
        full[:, colour, colour * TAPS : (colour + 1) * TAPS] = torch.eye(TAPS, dtype=torch.float64)
    left, best = fitted(basis, moments)[0].log().mean(), fitted(full, moments)[0].log().mean()
    assert left < -1.5
    assert left - best < 1.0  # which fits the noise as well: 456 numbers for 2,400
    one = fitted(learn_basis(moments, 1), moments)[0].log().mean()
    assert left < one - 0.5


def test_following_the_gradient_beats_the_principal_components(
    moments: Moments, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = torch.logspace(-3, 0, len(moments.products), dtype=torch.float64)  # some pictures have little to win
    uneven = Moments(moments.products, moments.towards * weights[:, None, None])
    learned = fitted(learn_basis(uneven, 2), uneven)[0].log().mean()
    monkeypatch.setattr(wiener_terms, "ROUNDS", 0)
    assert learned < fitted(learn_basis(uneven, 2), uneven)[0].log().mean()


def test_coefficients_are_the_least_squares_ones(moments: Moments) -> None:
    basis = torch.randn(TAPS, 3, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    left, c = fitted(basis, moments)
    w = torch.einsum("iok,nk->nio", basis, c)

    def error(filters: torch.Tensor) -> torch.Tensor:
        square = torch.einsum("nio,nij,njo->n", filters, moments.products, filters)
        return 1.0 - 2.0 * (filters * moments.towards).sum((1, 2)) + square

    torch.testing.assert_close(error(w), left)
    for k in range(4):
        assert (error(w + 0.01 * basis[:, :, k]) > left).all()


def test_rows_that_are_made_orthonormal_span_the_same_space() -> None:
    rows = torch.randn(3, 10, dtype=torch.float64)
    found = orthonormal(rows)
    torch.testing.assert_close(found @ found.T, torch.eye(3, dtype=torch.float64))
    torch.testing.assert_close(rows @ found.T @ found, rows)


def test_a_table_counts_both_signs_alike_and_nothing_is_impossible() -> None:
    counts = np.zeros(HYPER_SYMBOLS, np.int64)
    counts[HYPER_LIMIT + 4] = 5000
    table = table_of(counts)
    assert table.sum() == TOTAL
    assert table.min() >= 1
    assert abs(table[HYPER_LIMIT + 4] - table[HYPER_LIMIT - 4]) <= 1
    assert table[HYPER_LIMIT + 4] > 0.4 * TOTAL > table[HYPER_LIMIT]


def test_moments_are_of_what_the_network_leaves_over_and_easy_pictures_count_as_hard_ones_do(
    tiny_bundle: Path, pixels: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wiener_terms, "BATCHES", 2)
    _, model = restore(tiny_bundle)
    found = collect(model, [pixels])
    assert found.products.shape == (8, TAPS, TAPS)
    assert found.towards.shape == (8, TAPS, 3)
    half = TAPS // 2
    ones = found.products[:, half - 1, half - 1]  # of the plain offset with itself: pixels over squared error
    assert (ones > 0).all()
    assert found.products[:, half - 1, : half - 1].abs().max() <= 0.5 * ones.max()
    busy = found.products[:, -1, half - 1] / ones  # the mean of what weighs the second filter
    assert (busy > 0).all()
    assert (busy < 1).all()


def test_what_varies_is_busy_and_what_does_not_is_not() -> None:
    flat, slope = torch.full((1, 3, 9, 9), 0.3), torch.linspace(0, 1, 9).expand(1, 3, 9, 9)
    assert busyness(flat).max() < 1e-3  # what float32 leaves of a difference of squares
    assert busyness(slope).min() > 0.99
    assert busyness(slope).shape == (1, 1, 5, 5)
    slight = torch.zeros(1, 3, 5, 5)
    slight[..., 2:, :] = 6.0 / 255.0  # three rows of five: a variance of 0.24 times 36
    assert busyness(slight).item() == pytest.approx(0.24 * 36 / (0.24 * 36 + 9), abs=1e-3)


@pytest.mark.slow
def test_learned_terms_have_coefficients_of_five_steps(
    tiny_bundle: Path, pixels: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wiener_terms, "BATCHES", 10)
    monkeypatch.setattr(wiener_terms, "ROUNDS", 5)
    _, model = restore(tiny_bundle)
    found = learn_wiener_terms(model, [pixels])
    both = torch.cat([found.kernels.flatten(2), found.offsets[:, :, None]], 2)  # (K, 6, TAPS / 2)
    basis = torch.cat(both.chunk(2, 1), 2).permute(2, 1, 0).double()
    c = fitted(basis, collect(model, [pixels]))[1]
    torch.testing.assert_close(c.square().mean(0).sqrt(), torch.full((24,), 5.0).double(), atol=0.5, rtol=0)
