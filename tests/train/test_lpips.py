"""LPIPS against published figures; its weights are read with care."""

from __future__ import annotations

import csv
import importlib.util
import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from skosh.errors import ConfigError, DependencyError
from skosh.metrics.lpips import ENVIRONMENT, LPIPS, load_lpips
from skosh.train.config import Config
from skosh.train.loss import Loss


@pytest.fixture(scope="module")
def lpips(lpips_weights: Path) -> LPIPS:
    if not lpips_weights.is_file():
        pytest.skip("the published weights are not there")
    return load_lpips(lpips_weights)


def tensor(image: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)[None].float() / 255.0


@pytest.mark.parametrize(("name", "quality"), [("kodim14", "10"), ("kodim03", "50")])
def test_lpips_gives_the_reference_figures_of_jpeg(lpips: LPIPS, shared: Path, name: str, quality: str) -> None:
    with (shared / "reference" / "kodak" / "jpeg.csv").open() as table:
        row = next(r for r in csv.DictReader(table) if (r["image"], r["q"]) == (name, quality))
    picture = shared / "data" / "kodak" / f"{name}.png"
    if not picture.is_file():
        pytest.skip("the Kodak pictures are not there")
    file = io.BytesIO()
    with Image.open(picture) as image:
        original = image.convert("RGB")
    original.save(file, "JPEG", quality=int(quality), optimize=True)
    if len(file.getvalue()) != int(row["bytes"]):
        pytest.skip("this Pillow writes other JPEG files than the one of the reference")
    with torch.no_grad():
        found = lpips(tensor(original), tensor(Image.open(file))).item()
    assert found == pytest.approx(float(row["lpips"]), abs=0.001)


def test_lpips_of_identical_pictures_is_zero_and_symmetric_otherwise(lpips: LPIPS) -> None:
    torch.manual_seed(0)
    x, y = torch.rand(2, 2, 3, 64, 80)
    assert lpips(x, x).tolist() == [0.0, 0.0]
    assert (lpips(x, y) > 0.01).all()
    torch.testing.assert_close(lpips(x, y), lpips(y, x))


@pytest.mark.parametrize("value", [0.0, 0.5])
def test_lpips_gradients_are_finite_for_identical_and_flat_pictures(lpips: LPIPS, value: float) -> None:
    flat = torch.full((1, 3, 64, 64), value)
    for x in (flat, torch.rand(1, 3, 64, 64)):
        y = x.clone().requires_grad_()
        lpips(x, y).sum().backward()
        assert torch.isfinite(y.grad).all()


def test_lpips_itself_is_not_trained(lpips: LPIPS) -> None:
    assert not list(lpips.parameters())


def test_weights_are_found_by_the_environment(
    lpips: LPIPS, lpips_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENVIRONMENT, str(lpips_weights))
    assert torch.equal(load_lpips().get_buffer("conv1_weight"), lpips.get_buffer("conv1_weight"))


def test_missing_weights_are_an_error_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DependencyError) as caught:
        Loss(Config(steps=1, weight_lpips=1.0))
    for word in (ENVIRONMENT, "--lpips-weights", "install", "torchvision"):
        assert word in str(caught.value)
    Loss(Config(steps=1, weight_lpips=0.0))  # which needs no weights


def archive(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def single_array() -> bytes:
    file = io.BytesIO()
    np.save(file, np.zeros(4))
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [None, b"", b"no archive", archive(a=np.zeros(99))[:200], single_array(), archive(a=np.zeros(3))],
    ids=["missing", "empty", "text", "cut short", "one array", "other arrays"],
)
def test_weights_that_cannot_be_used_are_an_error_that_names_the_file(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "weights.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"weights\.npz"):
        load_lpips(path)
