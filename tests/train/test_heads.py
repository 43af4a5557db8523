"""Heads start silent or exact, and what they read has the shape that the table of graphs says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from skosh.train.config import Config
from skosh.train.flagship import Flagship
from skosh.train.heads import NOISE, Detail, Double, Small, bicubic, doubled
from skosh.train.init import restore

SIZE = (4, 6)  # of y


@pytest.fixture(scope="module")
def codec(tiny_bundle: Path) -> tuple[Config, Flagship]:
    config, model = restore(tiny_bundle)
    assert isinstance(model, Flagship)
    return config, model.eval()


def features(config: Config, batch: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    h, w = SIZE
    return torch.randn(batch, config.body_width, h, w), torch.randn(batch, config.render_width, 4 * h, 4 * w)


@torch.no_grad()
def test_the_synthesis_shows_the_features_that_heads_read(codec: tuple[Config, Flagship]) -> None:
    config, model = codec
    y_hat, level = torch.randn(2, config.latent_channels, *SIZE), model.synthesis_level(torch.tensor([0.2, 0.9]))
    x_hat, body, render = model.synthesis(y_hat, level)
    due_body, due_render = features(config)
    assert (body.shape, render.shape) == (due_body.shape, due_render.shape)
    s = model.synthesis
    again = s.linear(y_hat) + F.pixel_shuffle(s.leave(render), 4) + 0.5
    torch.testing.assert_close(again, x_hat)
    torch.testing.assert_close(
        F.pixel_shuffle(s.up(body), 4) + s.look(s.linear(y_hat)), into_render(model, y_hat, level)
    )


def into_render(model: Flagship, y_hat: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
    """What the renderer's blocks are given."""
    seen: list[torch.Tensor] = []
    hook = model.synthesis.render.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    model.synthesis(y_hat, level)
    hook.remove()
    return seen[0]


@torch.no_grad()
def test_detail_is_nothing_at_the_start_and_proportional_to_realism_afterwards(codec: tuple[Config, Flagship]) -> None:
    config, _ = codec
    head, (body, render) = Detail(config), features(config)
    noise, one = 2.0 * torch.rand(2, NOISE, *render.shape[2:]) - 1.0, torch.ones(1, 1, 1, 1)
    assert torch.equal(head(body, render, noise, one), torch.zeros(2, 3, 16 * SIZE[0], 16 * SIZE[1]))
    torch.nn.init.normal_(head.leave.weight)
    whole = head(body, render, noise, one)
    assert whole.std() > 0.1
    torch.testing.assert_close(head(body, render, noise, 0.25 * one), 0.25 * whole)
    assert not head(body, render, noise, 0.0 * one).any()
    assert (head(body, render, -noise, one) - whole).std() > 0.01


@torch.no_grad()
@pytest.mark.parametrize("factor", [2, 4, 8])
def test_a_small_picture_starts_as_the_exact_average_of_the_linear_synthesis(
    codec: tuple[Config, Flagship], factor: int
) -> None:
    config, model = codec
    head = Small(config, model.synthesis.linear, factor)
    y_hat = torch.randn(2, config.latent_channels, *SIZE)
    small = head(y_hat, torch.randn(1, config.body_width, 1, 1))
    due = F.avg_pool2d(model.synthesis.linear(y_hat), factor) + 0.5
    assert small.shape == (2, 3, 16 * SIZE[0] // factor, 16 * SIZE[1] // factor)
    torch.testing.assert_close(small, due, atol=1e-5, rtol=0)


@torch.no_grad()
def test_double_size_starts_as_bicubic_interpolation(
    codec: tuple[Config, Flagship], pixels: npt.NDArray[np.uint8]
) -> None:
    config, _ = codec
    body, render = features(config, 1)
    height, width = 16 * SIZE[0], 16 * SIZE[1]
    grey = pixels[:height, :width, 1].astype(np.float32) / 255.0
    due = np.asarray(Image.fromarray(grey).resize((2 * width, 2 * height), Image.Resampling.BICUBIC))
    x_hat = torch.from_numpy(grey).expand(1, 3, -1, -1)
    shown = Double(config)(body, render, x_hat)
    assert shown.shape == (1, 3, 2 * height, 2 * width)
    np.testing.assert_allclose(shown[0, 1, 4:-4, 4:-4].numpy(), due[4:-4, 4:-4], atol=1e-5)  # edges: repeated here
    torch.testing.assert_close(doubled(torch.ones(1, 3, 5, 7), bicubic()), torch.ones(1, 3, 10, 14))


def test_every_layer_of_a_head_learns_within_two_steps(codec: tuple[Config, Flagship]) -> None:
    config, model = codec
    body, render = features(config)
    y_hat, x_hat = torch.randn(2, config.latent_channels, *SIZE), torch.rand(2, 3, 16 * SIZE[0], 16 * SIZE[1])
    calls = (
        (Detail(config), (body, render, render[:, :NOISE], torch.ones(1, 1, 1, 1))),
        (Small(config, model.synthesis.linear, 4), (y_hat, torch.randn(2, config.body_width, 1, 1))),
        (Double(config), (body, render, x_hat)),
    )
    for head, inputs in calls:
        optimiser, moved = torch.optim.SGD(head.parameters(), lr=0.1), set()
        for _ in range(2):  # the last layer opens first
            optimiser.zero_grad()
            (head(*inputs) - 1.0).square().mean().backward()
            moved |= {name for name, p in head.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
            optimiser.step()
        assert moved == {name for name, _ in head.named_parameters()}
