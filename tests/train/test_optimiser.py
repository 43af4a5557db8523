"""SOAP: it preconditions, and a resumed run takes the steps it would have taken."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from skosh.train import config as configs
from skosh.train.networks import build
from skosh.train.run import make_optimiser, set_rate
from skosh.train.soap import SOAP


def ill_conditioned(size: int, generator: torch.Generator) -> Tensor:
    """A square matrix of condition 100 in no special basis."""
    left, right = (torch.linalg.qr(torch.randn(size, size, generator=generator))[0] for _ in range(2))
    return left @ torch.diag(torch.logspace(0, -2, size)) @ right


def fit(make: type[torch.optim.Optimizer], steps: int) -> float:
    """Least squares ``|A W B - C|^2`` for a matrix W: what is left of the loss after so many steps."""
    generator = torch.Generator().manual_seed(0)
    a, b = ill_conditioned(24, generator), ill_conditioned(16, generator)
    w = nn.Parameter(torch.zeros(24, 16))
    target = a @ torch.randn(24, 16, generator=generator) @ b
    optimiser = make([w], lr=0.05)
    for _ in range(steps):
        optimiser.zero_grad()
        loss = (a @ w @ b - target).square().sum()
        loss.backward()
        optimiser.step()
    return loss.item() / target.square().sum().item()


def test_soap_is_faster_than_adam_where_the_curvature_is_skewed() -> None:
    assert fit(SOAP, 200) < 0.2 * fit(torch.optim.Adam, 200)


def test_soap_with_no_preconditioned_side_is_adam() -> None:
    torch.manual_seed(0)
    w = nn.Parameter(torch.randn(6, 5))
    v = nn.Parameter(w.detach().clone())
    soap = SOAP([w], lr=0.01, betas=(0.9, 0.99), max_side=1)
    adam = torch.optim.Adam([v], lr=0.01, betas=(0.9, 0.99))
    w.grad = torch.randn(6, 5)
    soap.step()  # the first one only gathers statistics
    for _ in range(5):
        w.grad = torch.randn(6, 5)
        v.grad = w.grad.clone()
        soap.step()
        adam.step()
    torch.testing.assert_close(w, v)


def test_soap_leaves_sides_alone_that_are_too_long() -> None:
    parameters = [nn.Parameter(torch.randn(shape)) for shape in ((4, 9), (9, 4), (4, 3, 3, 3), (7,), (5, 1, 3, 3))]
    soap = SOAP(parameters, max_side=8)
    for p in parameters:
        p.grad = torch.randn_like(p)
    soap.step()
    sides = [{key for key in soap.state[p] if key.startswith("basis")} for p in parameters]
    assert sides == [{"basis_left"}, {"basis_right"}, {"basis_left"}, set(), {"basis_left"}]


@pytest.mark.parametrize("size", [1.0, 1e-6, 1e-8, 1e-12])
@pytest.mark.parametrize("outputs", [16, 64, 384])
def test_soap_starts_from_tiny_gradients_and_rows_that_are_zero(size: float, outputs: int) -> None:
    torch.manual_seed(0)
    w = nn.Parameter(torch.ones(outputs, outputs // 2))
    optimiser = SOAP([w], lr=0.01)
    for _ in range(3):
        w.grad = torch.randn(outputs, outputs // 2) * size
        w.grad[1::2] = 0.0
        optimiser.step()
    assert torch.isfinite(w).all()
    assert not torch.equal(w[::2], torch.ones_like(w[::2]))
    torch.testing.assert_close(w[1::2], torch.ones_like(w[1::2]), rtol=0, atol=1e-3)


def test_soap_turns_its_bases_to_the_new_gradients_and_takes_the_second_moments_along() -> None:
    p = nn.Parameter(torch.zeros(3, 3))
    soap = SOAP([p], lr=0.0, betas=(0.9, 0.9), basis_every=1)
    for gradient in ([1.0, 2.0, 3.0], [30.0, 20.0, 10.0]):  # the strongest direction becomes the weakest
        p.grad = torch.diag(torch.tensor(gradient))
        soap.step()
    state = soap.state[p]
    for side in ("basis_left", "basis_right"):
        torch.testing.assert_close(state[side].abs(), torch.eye(3), atol=1e-3, rtol=0.0)
    torch.testing.assert_close(state["square"], torch.diag(0.1 * torch.tensor([900.0, 400.0, 100.0])))


@pytest.mark.usefixtures("one_thread")
def test_soap_is_adam_in_the_basis_with_the_mean_kept_outside_of_it() -> None:
    """A second reckoning, with the mean in the plain basis and every turn made anew."""
    torch.manual_seed(0)
    p, lr, beta, decay = nn.Parameter(torch.randn(4, 3)), 0.01, 0.9, 0.8
    due = p.detach().clone()
    soap = SOAP([p], lr=lr, betas=(beta, beta), basis_decay=decay, basis_every=4, covariance_every=2)
    mean, square = torch.zeros(4, 3), torch.zeros(4, 3)
    for step in range(10):
        g = torch.randn(4, 3)
        p.grad = g.clone()
        if step == 0:
            left, right = (1 - decay**2) * g @ g.t(), (1 - decay**2) * g.t() @ g
            soap.step()
            bases = [torch.linalg.eigh(side)[1].flip(1) for side in (g @ g.t(), g.t() @ g)]
            continue
        soap.step()
        turned = bases[0].t() @ g @ bases[1]
        mean = beta * mean + (1 - beta) * g
        square = beta * square + (1 - beta) * turned**2
        direction = (bases[0].t() @ mean @ bases[1]) / (square.sqrt() + 1e-8)
        rate = lr * (1 - beta**step) ** 0.5 / (1 - beta**step)
        due = due - rate * bases[0] @ direction @ bases[1].t()
        if step % 2 == 0:
            left, right = (
                decay**2 * old + (1 - decay**2) * new for old, new in ((left, g @ g.t()), (right, g.t() @ g))
            )
        if step % 4 == 0:
            for side, covariance in enumerate((left, right)):
                product = covariance @ bases[side]
                order = torch.argsort((bases[side] * product).sum(0), descending=True)
                bases[side] = torch.linalg.qr(product[:, order])[0]
                square = square.index_select(side, order)
    torch.testing.assert_close(p.detach(), due, rtol=1e-4, atol=1e-6)


def small_model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 6, 3), nn.Conv2d(6, 6, 3, groups=6), nn.PReLU(6), nn.Conv2d(6, 20, 1))


def run_steps(model: nn.Module, optimiser: torch.optim.Optimizer, first: int, last: int) -> None:
    for step in range(first, last):
        torch.manual_seed(step)
        optimiser.zero_grad()
        model(torch.randn(2, 3, 12, 12)).square().mean().backward()
        optimiser.step()


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("stop", [1, 6, 7])
def test_soap_goes_on_from_its_saved_state_bit_for_bit(stop: int) -> None:
    def make(model: nn.Module) -> SOAP:
        return SOAP(model.parameters(), lr=0.01, max_side=16, basis_every=3)

    straight = small_model()
    optimiser = make(straight)
    run_steps(straight, optimiser, 0, stop)
    resumed = copy.deepcopy(straight)
    second = make(resumed)
    second.load_state_dict(copy.deepcopy(optimiser.state_dict()))
    run_steps(straight, optimiser, stop, 12)
    run_steps(resumed, second, stop, 12)
    assert all(torch.equal(a, b) for a, b in zip(straight.parameters(), resumed.parameters(), strict=True))
    fresh = small_model()
    assert not any(torch.equal(a, b) for a, b in zip(straight.parameters(), fresh.parameters(), strict=True))


def test_the_linear_transform_has_its_own_lower_rate() -> None:
    config = configs.load("tiny", ("linear_rate=0.25",))
    model = build(config)
    for name in ("soap", "adam"):
        optimiser = make_optimiser(configs.load("tiny", ("linear_rate=0.25", f"optimiser={name}")), model)
        set_rate(optimiser, 0.8)
        rates = {id(p): group["lr"] for group in optimiser.param_groups for p in group["params"]}
        assert len(rates) == len(list(model.parameters()))
        for part in (model.analysis, model.synthesis):
            assert rates.pop(id(part.linear.basis)) == pytest.approx(0.2)
        assert set(rates.values()) == {0.8}
