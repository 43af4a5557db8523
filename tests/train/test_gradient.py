from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from skosh.manifest import GRADIENT
from skosh.train import config
from skosh.train.export import distortion_row, refinable
from skosh.train.flagship import Synthesis
from skosh.train.gradient import SynthesisGradient
from skosh.train.loss import Loss
from skosh.train.restore import restore


def test_the_gradient_written_out_is_that_of_autograd(tiny_bundle: Path) -> None:
    settings, model = restore(tiny_bundle)
    assert isinstance(model.synthesis, Synthesis)
    torch.manual_seed(0)
    y = torch.randn(1, settings.latent_channels, 4, 6, requires_grad=True)
    level, x = torch.randn(1, settings.body_width, 1, 1), torch.rand(1, 3, 64, 96)
    inside = (torch.rand(1, 1, 64, 96) > 0.3).float()
    error = (inside * (model.synthesis(y, level) - x) ** 2).sum()
    (due,) = torch.autograd.grad(error, y)
    found, sum_ = SynthesisGradient(model.synthesis)(y.detach(), level, x, inside)
    torch.testing.assert_close(found, due, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(sum_[0], error.detach())

    session = onnxruntime.InferenceSession(str(tiny_bundle / f"{GRADIENT}.onnx"), providers=["CPUExecutionProvider"])
    feeds = {"y_hat": y, "level": level, "x": x, "inside": inside}
    by_graph, _ = session.run(None, {name: value.detach().numpy() for name, value in feeds.items()})
    assert np.allclose(by_graph, due.numpy(), rtol=1e-3, atol=1e-3)


def test_the_graph_holds_no_weights_of_its_own(tiny_bundle: Path) -> None:
    stored = (tiny_bundle / f"{GRADIENT}.onnx").stat().st_size
    assert stored < 100_000
    content = (tiny_bundle / "synthesis.onnx").read_bytes()
    assert b"synthesis.onnx" in (tiny_bundle / f"{GRADIENT}.onnx").read_bytes()
    assert len(content) > 20_000


def test_an_error_is_worth_what_it_weighed_in_training() -> None:
    settings = config.load("flagship")
    loss = Loss(dataclasses.replace(settings, level_balance=0.0))
    x, x_hat = torch.rand(1, 3, 8, 8), torch.rand(1, 3, 8, 8)
    error = float(((x - x_hat) ** 2).sum())
    for quality in (0, 37, 100):
        t = torch.tensor([quality / 100])
        a_pixel = float(loss.lambda_d(t) * loss.distortion(x, x_hat, ((x - x_hat) ** 2).mean((1, 2, 3))))
        assert distortion_row(settings)[quality, 0] * error == pytest.approx(64 * a_pixel, rel=1e-4)


def test_only_what_was_trained_for_the_squared_error_can_be_refined() -> None:
    assert refinable(config.load("flagship"))
    assert not refinable(config.load("perceptual"))
    assert not refinable(config.load("seed"))
