"""Rounding and its stand-ins."""

from __future__ import annotations

import torch

from skosh.train.quantise import add_noise, between, lower_bound, round_through


def test_round_through_rounds_and_passes_the_gradient_unchanged() -> None:
    x = torch.tensor([-1.6, -0.4, 0.2, 2.7], requires_grad=True)
    rounded = round_through(x)
    assert rounded.tolist() == [-2.0, 0.0, 0.0, 3.0]
    rounded.backward(torch.tensor([1.0, 2.0, 3.0, 4.0]))
    assert x.grad.tolist() == [1.0, 2.0, 3.0, 4.0]


def test_round_through_gives_whole_numbers_even_for_large_values() -> None:
    torch.manual_seed(0)
    x = torch.randn(10_000) * 1e4
    assert torch.equal(round_through(x), torch.round(x))


def test_noise_is_uniform_within_half_a_step() -> None:
    torch.manual_seed(0)
    noise = add_noise(torch.zeros(100_000))
    assert noise.min() >= -0.5
    assert noise.max() < 0.5
    assert abs(noise.mean()) < 0.005
    assert abs(noise.var() - 1 / 12) < 0.002


def test_lower_bound_blocks_only_gradients_that_would_lower_a_value_below_it() -> None:
    x = torch.tensor([0.5, 0.5, 2.0, 2.0], requires_grad=True)
    bounded = lower_bound(x, 1.0)
    assert bounded.tolist() == [1.0, 1.0, 2.0, 2.0]
    bounded.backward(torch.tensor([3.0, -3.0, 3.0, -3.0]))  # descent goes against the gradient
    assert x.grad.tolist() == [0.0, -3.0, 3.0, -3.0]


def test_between_lets_gradients_bring_a_value_back_but_not_further_out() -> None:
    def gradients(towards: float) -> list[float]:
        x = torch.tensor([-3.0, -1.0, 0.5, 1.0, 3.0], requires_grad=True)
        bounded = between(x, -1.0, 1.0)
        assert bounded.tolist() == [-1.0, -1.0, 0.5, 1.0, 1.0]
        (towards * bounded).sum().backward()  # type: ignore[no-untyped-call]
        assert x.grad is not None
        return x.grad.tolist()  # descending goes the other way

    assert gradients(1.0) == [0.0, 1.0, 1.0, 1.0, 1.0]
    assert gradients(-1.0) == [-1.0, -1.0, -1.0, -1.0, 0.0]
