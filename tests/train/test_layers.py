"""The blocks of both networks, against their formulas."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from skosh.train.layers import GDN, PEDESTAL, MixBlock, ResidualBlock, SimplifiedAttention, SubpixelBlock, activation


def random_gdn(inverse: bool) -> GDN:
    gdn = GDN(5, inverse)
    with torch.no_grad():
        gdn.beta.uniform_(0.5, 2.0)
        gdn.gamma.uniform_(0.1, 1.0)
    return gdn


@pytest.mark.parametrize("inverse", [False, True])
def test_gdn_divides_and_inverse_gdn_multiplies_by_the_norm_of_the_paper(inverse: bool) -> None:
    torch.manual_seed(0)
    gdn, x = random_gdn(inverse), torch.randn(2, 5, 3, 4)
    beta = gdn.beta.detach().double().numpy() ** 2 - PEDESTAL
    gamma = gdn.gamma.detach().double().numpy() ** 2 - PEDESTAL
    values = x.double().numpy()
    norm = np.sqrt(beta[None, :, None, None] + np.einsum("ij,bjhw->bihw", gamma, values**2))
    due = values * norm if inverse else values / norm
    np.testing.assert_allclose(gdn(x).detach().numpy(), due, rtol=1e-5)


def test_gdn_starts_at_beta_one_and_a_diagonal_gamma() -> None:
    x = torch.tensor([1.0, -2.0, 3.0])[None, :, None, None]
    torch.testing.assert_close(GDN(3)(x), x / torch.sqrt(1.0 + 0.1 * x**2))


def test_gdn_stays_positive_when_the_optimiser_pushes_its_parameters_below_zero() -> None:
    torch.manual_seed(0)
    gdn, x = GDN(4), torch.randn(2, 4, 8, 8)
    optimiser = torch.optim.SGD(gdn.parameters(), lr=0.1)
    for _ in range(20):  # outputs grow as the norm shrinks
        optimiser.zero_grad()
        (-gdn(x).abs().mean()).backward()
        optimiser.step()
        with torch.no_grad():  # a step far beyond the bound
            gdn.beta.sub_(0.2)
            gdn.gamma.sub_(0.2)
    assert gdn.beta.max() < 0
    assert gdn.gamma.max() < 0
    assert torch.isfinite(gdn(x)).all()
    torch.testing.assert_close(gdn(x), x / 1e-6**0.5, rtol=1e-3, atol=0.0)


def test_gdn_gradient_passes_below_the_bound_only_where_it_would_raise_the_parameter() -> None:
    gdn, x = GDN(1), torch.ones(1, 1, 1, 1)
    with torch.no_grad():
        gdn.beta.fill_(-1.0)
    gdn(x).sum().backward()  # descending wants a smaller output, hence a larger beta
    assert gdn.beta.grad < 0
    gdn.zero_grad()
    (-gdn(x)).sum().backward()
    assert gdn.beta.grad == 0


@pytest.mark.parametrize("kind", ["gdn", "prelu", "leaky"])
def test_residual_block_of_stride_2_halves_the_size(kind: str) -> None:
    assert ResidualBlock(3, 6, 2, kind)(torch.rand(1, 3, 16, 24)).shape == (1, 6, 8, 12)


def test_residual_block_of_stride_1_adds_its_branch_to_the_input() -> None:
    block, x = ResidualBlock(4, 4), torch.randn(1, 4, 6, 6)
    inner = block.act2(block.conv2(block.act1(block.conv1(x))))
    torch.testing.assert_close(block(x), x + inner)


def test_inverse_residual_block_uses_the_inverse_nonlinearity() -> None:
    block = ResidualBlock(4, 4, inverse=True)
    assert block.act1.inverse
    assert block.act2.inverse


@pytest.mark.parametrize("kind", ["gdn", "prelu", "leaky"])
def test_subpixel_block_doubles_the_size(kind: str) -> None:
    block = SubpixelBlock(6, 3, kind)
    assert block(torch.randn(1, 6, 5, 7)).shape == (1, 3, 10, 14)


def test_subpixel_block_keeps_its_skip_when_the_branch_says_nothing() -> None:
    block, x = SubpixelBlock(6, 3), torch.randn(1, 6, 5, 7)
    torch.nn.init.zeros_(block.conv.weight)
    torch.nn.init.zeros_(block.conv.bias)
    torch.testing.assert_close(block(x), F.pixel_shuffle(block.skip[0](x), 2))


def test_simplified_attention_is_x_plus_x_times_the_mask() -> None:
    attention, x = SimplifiedAttention(3), torch.randn(2, 3, 5, 5)
    logits = F.conv2d(x, attention.mask.weight, attention.mask.bias, padding=1)
    torch.testing.assert_close(attention(x), x * (1.0 + 1.0 / (1.0 + torch.exp(-logits))))


@pytest.mark.parametrize("kernel", [3, 5])
def test_mix_block_starts_close_to_the_identity_but_not_dead(kernel: int) -> None:
    torch.manual_seed(0)
    block, x = MixBlock(32, kernel=kernel), torch.randn(2, 32, 12, 12)
    change = ((block(x) - x).std() / x.std()).item()
    assert 0.0 < change < 0.3
    block(x).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in block.parameters())


def test_unknown_activation_is_named() -> None:
    with pytest.raises(ValueError, match="relu6"):
        activation("relu6", 4)
