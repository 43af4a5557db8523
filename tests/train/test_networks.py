"""Both networks as wholes: shapes, what they are made of, and where they start."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import nn

from skosh.train import config as configs
from skosh.train.data import patch_transform
from skosh.train.flagship import Flagship
from skosh.train.hyperprior import FactorisedLatent, Hyperprior
from skosh.train.layers import GDN, ResidualBlock, SimplifiedAttention
from skosh.train.networks import build, use_integer_scale
from skosh.train.seed import Seed
from skosh.train.validate import to_tensor

SEED = configs.load("seed")
SMALL_SEED = replace(SEED, width=12, latent_channels=8, mean_width=16, mean_features=8, mean_context=8)
NARROW = configs.load(
    "flagship", ("width_4=8", "width_8=8", "width_16=16", "body_width=16", "render_width=8", "body_blocks=1")
)


def parts(model: nn.Module, kind: type[nn.Module]) -> list[nn.Module]:
    return [part for part in model.modules() if isinstance(part, kind)]


def test_the_seed_is_the_published_network() -> None:
    model = Seed(SEED)
    assert len(parts(model.analysis, ResidualBlock)) == 6
    assert len(parts(model.analysis, SimplifiedAttention)) == 2
    assert len(parts(model.synthesis, SimplifiedAttention)) == 2
    assert {block.conv2.out_channels for block in parts(model.analysis, ResidualBlock)} == {192}
    assert {gdn.inverse for gdn in parts(model.analysis, GDN)} == {False}
    assert {gdn.inverse for gdn in parts(model.synthesis, GDN)} == {True}
    assert isinstance(model.entropy, FactorisedLatent)


def test_the_seed_has_32_latent_channels_at_a_sixteenth_and_gives_the_size_back() -> None:
    model, x = Seed(SEED), torch.rand(1, 3, 48, 80)
    with torch.no_grad():
        assert model.analysis(x).shape == (1, 32, 3, 5)
        x_hat, coded = model(x, torch.zeros(1))
    assert x_hat.shape == x.shape
    assert coded.bits_y.shape == (1,)
    assert coded.bits_z.tolist() == [0.0]


@pytest.mark.parametrize(("kind", "layer"), [("prelu", nn.PReLU), ("leaky", nn.LeakyReLU), ("gdn", GDN)])
def test_the_seeds_nonlinearity_is_the_one_asked_for(kind: str, layer: type[nn.Module]) -> None:
    model = Seed(replace(SMALL_SEED, activation=kind))
    found = {type(part) for part in model.modules()} & {nn.PReLU, nn.LeakyReLU, GDN}
    assert found == {layer}
    x_hat, _ = model(torch.rand(1, 3, 32, 32), torch.zeros(1))
    assert torch.isfinite(x_hat).all()


def test_the_seed_learns_with_a_hyperprior_too() -> None:
    model = Seed(replace(SMALL_SEED, hyper_channels=96)).train()
    x = torch.rand(2, 3, 64, 64)
    x_hat, coded = model(x, torch.zeros(2))
    assert isinstance(model.entropy, Hyperprior)
    assert x_hat.shape == x.shape
    assert (coded.bits_z > 0).all()
    ((x - x_hat).square().sum() + coded.bits_y.sum() + coded.bits_z.sum()).backward()
    for part in (model.analysis, model.synthesis, model.entropy.analysis, model.entropy.scale, model.entropy.prior):
        gradients = [p.grad for p in part.parameters()]
        assert all(g is not None and torch.isfinite(g).all() for g in gradients)
        assert any(g.abs().sum() > 0 for g in gradients)


@pytest.fixture(scope="module")
def fresh(pixels: npt.NDArray[np.uint8]) -> Flagship:
    """A flagship before its first step, with the transform of the photograph's patches."""
    basis, variance = patch_transform([pixels], patches=5000)
    m = NARROW.latent_channels
    model = Flagship(NARROW, torch.from_numpy(basis[:m]), torch.from_numpy(variance[:m])).eval()
    use_integer_scale(model, True)
    return model


@torch.no_grad()
def test_the_flagship_is_a_working_transform_coder_before_its_first_step(
    fresh: Flagship, pixels: npt.NDArray[np.uint8]
) -> None:
    x = to_tensor(pixels)
    qualities, rates = [], []
    for level in (0.0, 0.5, 1.0):
        x_hat, coded = fresh(x, torch.tensor([level]))
        qualities.append(-10 * torch.log10((x - x_hat).square().mean()).item())
        rates.append(coded.bits_y.item() / (x.shape[2] * x.shape[3]))
    assert qualities == sorted(qualities)
    assert rates == sorted(rates)
    assert qualities[-1] > 30


@torch.no_grad()
def test_the_flagships_nonlinear_branches_start_at_zero(fresh: Flagship, pixels: npt.NDArray[np.uint8]) -> None:
    x = to_tensor(pixels)
    y = fresh.analysis(x)
    assert torch.equal(y, fresh.analysis.linear(x - 0.5))
    level = fresh.synthesis_level(torch.ones(1))
    torch.testing.assert_close(fresh.synthesis(y, level)[0], fresh.synthesis.linear(y) + 0.5)
    assert y.var(dim=(0, 2, 3)).mean().item() == pytest.approx(1.0, abs=0.3)  # whitened


def test_every_parameter_of_the_flagship_learns_within_a_few_steps(
    fresh: Flagship, pixels: npt.NDArray[np.uint8]
) -> None:
    model = build(NARROW)
    model.load_state_dict(fresh.state_dict())
    torch.manual_seed(0)
    torch.nn.init.normal_(model.entropy.z_level.rows, std=3.0)  # z is not 0 everywhere
    optimiser = torch.optim.SGD(model.parameters(), lr=1e-3)
    x, t = to_tensor(pixels[:64, :128]), torch.tensor([0.3])  # between two knots
    touched = set()
    for _ in range(4):  # branches that start at zero open one after the other
        optimiser.zero_grad()
        x_hat, coded = model.train()(x, t)
        ((x - x_hat).square().mean() + 1e-5 * (coded.bits_y + coded.bits_z).sum()).backward()
        touched |= {name for name, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
        optimiser.step()
    assert {name for name, _ in model.named_parameters()} == touched


def test_the_switch_to_integers_reaches_the_scale_map() -> None:
    model = build(NARROW)
    for on in (True, False):
        use_integer_scale(model, on)
        assert model.entropy.scale.integer is on
    use_integer_scale(build(SMALL_SEED), True)  # no hyperprior: nothing to do
