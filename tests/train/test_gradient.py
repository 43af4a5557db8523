from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from skosh.bundle.bundle import Bundle
from skosh.bundle.graphs import path_of
from skosh.bundle.manifest import MANIFEST, reseal
from skosh.errors import BundleError
from skosh.train import config
from skosh.train.export import lambda_row, refinable
from skosh.train.flagship import Synthesis
from skosh.train.gradient import SynthesisGradient, curvature
from skosh.train.init import restore
from skosh.train.loss import Loss
from skosh.train.onnx_export import SHARED_MIN


def test_the_gradient_written_out_is_that_of_autograd(tiny_bundle: Path) -> None:
    settings, model = restore(tiny_bundle)
    assert isinstance(model.synthesis, Synthesis)
    torch.manual_seed(0)
    y = torch.randn(1, settings.latent_channels, 4, 6, requires_grad=True)
    level, x = torch.randn(1, settings.body_width, 1, 1), torch.rand(1, 3, 64, 96)
    inside = (torch.rand(1, 1, 64, 96) > 0.3) * (0.5 + torch.rand(1, 1, 64, 96))
    error = (inside**2 * (model.synthesis(y, level)[0] - x) ** 2).sum()
    (due,) = torch.autograd.grad(error, y)
    found, sum_ = SynthesisGradient(model.synthesis)(y.detach(), level, x, inside)
    torch.testing.assert_close(found, due, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(sum_[0], error.detach())

    inputs = (value.detach().numpy() for value in (y, level, x, inside))
    by_graph, _ = Bundle(tiny_bundle).run("synthesis_gradient", *inputs)
    assert np.allclose(by_graph, due.numpy(), rtol=1e-3, atol=1e-3)


def test_gradient_and_curvature_of_the_linear_transform_say_what_a_change_does(tiny_bundle: Path) -> None:
    """The error is a square: for a change of one latent, half of its curvature beside the slope is all."""
    settings, model = restore(tiny_bundle)
    assert isinstance(model.synthesis, Synthesis)
    linear = model.synthesis.linear
    torch.manual_seed(0)
    y, x = torch.randn(1, settings.latent_channels, 2, 3), torch.rand(1, 3, 32, 48)

    def error(y: torch.Tensor) -> float:
        with torch.no_grad():
            return float(((linear(y) - x).double() ** 2).sum())

    bundle = Bundle(tiny_bundle)
    (slope,) = bundle.run("linear_gradient", (linear(y) - x).detach().numpy())
    assert np.allclose(bundle.encoder_arrays["curvature"], curvature(linear).numpy())
    for channel, row, column in ((0, 0, 0), (5, 1, 2), (47, 1, 0)):
        moved = y.clone()
        moved[0, channel, row, column] += 0.7
        due = 0.7 * slope[0, channel, row, column] + 0.5 * 0.7**2 * bundle.encoder_arrays["curvature"][channel]
        assert error(moved) - error(y) == pytest.approx(due, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("name", ["synthesis_gradient", "linear_gradient"])
def test_the_graph_holds_no_weights_of_its_own(tiny_bundle: Path, name: str) -> None:
    graph = onnx.load(tiny_bundle / path_of(name), load_external_data=False).graph
    content = (tiny_bundle / path_of("synthesis")).read_bytes()
    theirs = {
        tensor.name: tensor.raw_data for tensor in onnx.load(tiny_bundle / path_of("synthesis")).graph.initializer
    }
    pointing = {}
    for tensor in graph.initializer:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            where = {entry.key: entry.value for entry in tensor.external_data}
            assert where["location"] == "synthesis.onnx"
            start = int(where["offset"])
            pointing[tensor.name.replace("synthesis.", "")] = content[start : start + int(where["length"])]
        else:
            assert len(tensor.raw_data) < SHARED_MIN
    large = {name: values for name, values in theirs.items() if len(values) >= SHARED_MIN}
    assert len(large) > 8
    assert pointing == {name: values for name, values in large.items() if name in pointing}
    if name == "linear_gradient":
        assert set(pointing) == {"linear.basis.stored"}
    else:
        assert set(large) - set(pointing) <= {"scale"}  # nothing but what the gradient does not need


def test_a_graph_that_takes_weights_from_another_file_is_refused(tiny_bundle: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(tiny_bundle, folder)
    state = json.loads((folder / MANIFEST).read_text())
    reseal(folder, encoder=state["encoder"] | {"borrowed": {}})
    bundle = Bundle(folder)
    assert bundle.run("synthesis", *(np.zeros(shape, np.float32) for shape in ((1, 48, 4, 4), (1, 32, 1, 1))))
    with pytest.raises(BundleError, match="another file"):
        bundle.run("synthesis_gradient", *(np.zeros(1, np.float32) for _ in range(4)))


def test_an_error_is_worth_what_it_weighed_in_training() -> None:
    settings = config.load("flagship")
    loss = Loss(dataclasses.replace(settings, level_balance=0.0))
    x, x_hat = torch.rand(1, 3, 8, 8), torch.rand(1, 3, 8, 8)
    error = float(((x - x_hat) ** 2).sum())
    for quality in (0, 37, 100):
        t = torch.tensor([quality / 100])
        a_pixel = float(loss.lambda_d(t) * loss.distortion(x, x_hat, ((x - x_hat) ** 2).mean((1, 2, 3))))
        assert lambda_row(settings)[quality, 0] * error == pytest.approx(64 * a_pixel, rel=1e-4)


def test_only_what_was_trained_for_squared_error_and_ssimulacra2_can_be_refined() -> None:
    assert refinable(config.load("flagship"))
    assert refinable(config.load("stream"))
    assert not refinable(config.load("stream", ("weight_lpips=60.0",)))
    assert not refinable(config.load("seed"))
    assert not refinable(config.load("flagship", ("weight_mae=1.0",)))
