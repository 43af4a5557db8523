"""Encoders for a purpose: other analysis networks for the same decoder."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

import skosh
from skosh.bundle.graphs import path_of
from skosh.bundle.manifest import reseal
from skosh.codec import tiling
from skosh.container.chunks import read


@pytest.fixture(scope="module")
def clean(photo: Image.Image) -> npt.NDArray[np.float64]:
    return np.asarray(photo.crop((100, 40, 292, 168)), np.float64)


@pytest.fixture(scope="module")
def noisy(clean: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    grain = np.random.default_rng(0).normal(0, 25, clean.shape)
    return np.clip(np.rint(clean + grain), 0, 255).astype(np.uint8)


def test_denoising_takes_its_own_network_which_pays_less_for_noise_for_the_same_decoder(
    tiny_bundle: Path, clean: npt.NDArray[np.float64], noisy: npt.NDArray[np.uint8]
) -> None:
    plain, denoised = (skosh.encode(noisy, 100, tiny_bundle, denoise=way) for way in (False, True))
    assert skosh.info(plain)["model_id"] == skosh.info(denoised)["model_id"]
    assert len(denoised) < 0.9 * len(plain)
    errors = [
        np.mean((np.asarray(skosh.decode(data, tiny_bundle), np.float64) - clean) ** 2) for data in (plain, denoised)
    ]
    assert errors[1] < 1.1 * errors[0]  # the test's network only blurs


def test_nothing_looks_for_the_noise_behind_a_denoising_network(
    tiny_bundle: Path, noisy: npt.NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skosh.codec.encoder.optimise", None)  # rate and distortion would be those of the noisy pixels
    assert skosh.decode(skosh.encode(noisy, 50, tiny_bundle, denoise=True), tiny_bundle).size == (192, 128)
    with pytest.raises(TypeError):
        skosh.encode(noisy, 50, tiny_bundle)


def test_tuning_for_psnr_takes_its_own_network(tiny_bundle: Path, photo: Image.Image) -> None:
    plain, tuned = (skosh.encode(photo, 60, tiny_bundle, tune=tune) for tune in (None, "psnr"))
    assert skosh.info(plain)["model_id"] == skosh.info(tuned)["model_id"]
    assert read(plain).tiles != read(tuned).tiles
    error = np.asarray(skosh.decode(tuned, tiny_bundle), np.float64) - np.asarray(photo)
    assert np.mean(error**2) < 100  # 28 dB


@pytest.mark.parametrize("way", [{"denoise": True}, {"tune": "psnr"}])
def test_windows_are_not_to_be_seen_by_any_network(
    tiny_bundle: Path, photo: Image.Image, monkeypatch: pytest.MonkeyPatch, way: dict[str, Any]
) -> None:
    one = skosh.encode(photo, 60, tiny_bundle, **way)
    monkeypatch.setattr(tiling, "WINDOW", 64)
    many = skosh.encode(photo, 60, tiny_bundle, 2, **way)
    shown = [np.asarray(skosh.decode(data, tiny_bundle), np.int16) for data in (one, many)]
    assert np.abs(shown[0] - shown[1]).mean() < 0.01
    assert abs(len(many) - len(one)) <= len(one) // 500


@pytest.mark.parametrize(
    ("graph", "way", "words"),
    [
        ("analysis_denoise", {"denoise": True}, "no encoder for noisy pictures.*encode without denoise"),
        ("analysis_psnr", {"tune": "psnr"}, "no encoder for PSNR alone.*encode without tune"),
    ],
)
def test_a_bundle_without_the_network_says_so(
    tiny_bundle: Path, tmp_path: Path, noise: Image.Image, graph: str, way: dict[str, Any], words: str
) -> None:
    folder = Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))
    (folder / path_of(graph)).unlink()
    reseal(folder)
    with pytest.raises(skosh.BundleError, match=words):
        skosh.encode(noise, 50, folder, **way)
    assert skosh.encode(noise, 50, folder) == skosh.encode(noise, 50, tiny_bundle)


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ({"tune": "ssim"}, "tune is psnr or None, not 'ssim'"),
        ({"tune": "psnr", "denoise": True}, "tune and denoise exclude each other"),
        ({"effort": 1, "denoise": True}, "effort and denoise exclude each other"),
        ({"target_psnr": 30, "denoise": True}, "denoise and target_psnr exclude each other"),
    ],
)
def test_what_does_not_go_together_is_refused(
    tiny_bundle: Path, noise: Image.Image, way: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        skosh.encode(noise, 50, tiny_bundle, **way)


def test_targets_and_efforts_go_with_the_other_purposes(tiny_bundle: Path, noise: Image.Image) -> None:
    assert len(skosh.encode(noise, model=tiny_bundle, target_bytes=2500, denoise=True)) <= 2500
    plain, searched = (skosh.encode(noise, 50, tiny_bundle, effort=effort, tune="psnr") for effort in (0, 1))
    assert plain != searched
