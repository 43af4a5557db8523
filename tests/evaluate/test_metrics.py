"""Metrics against arithmetic, against an implementation of its own, and against the reference's values."""

from __future__ import annotations

import csv
import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import correlate1d

from skosh import DependencyError, SkoshError
from skosh.evaluate import codecs, pictures
from skosh.evaluate.metrics import CEILING, Metrics, decibels, keys, missing

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang et al. 2003
plain = Metrics(("psnr", "ms_ssim"))


def flat(value: int, size: tuple[int, int] = (176, 176)) -> Image.Image:
    return Image.new("RGB", size, (value,) * 3)


def ms_ssim(x: np.ndarray, y: np.ndarray) -> float:
    """MS-SSIM of two planes by its definition: valid 11-tap Gaussian windows, 2x2 means between scales."""
    taps = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
    taps /= taps.sum()

    def blur(a: np.ndarray) -> np.ndarray:
        return correlate1d(correlate1d(a, taps, 0), taps, 1)[5:-5, 5:-5]

    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    total = 1.0
    for scale, weight in enumerate(WEIGHTS):
        mx, my = blur(x), blur(y)
        sx, sy, sxy = blur(x * x) - mx**2, blur(y * y) - my**2, blur(x * y) - mx * my
        contrast = (2 * sxy + c2) / (sx + sy + c2)
        if scale == len(WEIGHTS) - 1:
            contrast = contrast * (2 * mx * my + c1) / (mx**2 + my**2 + c1)
        total *= contrast.mean() ** weight
        x, y = (a[: a.shape[0] // 2 * 2, : a.shape[1] // 2 * 2] for a in (x, y))
        x, y = (a.reshape(a.shape[0] // 2, 2, a.shape[1] // 2, 2).mean((1, 3)) for a in (x, y))
    return float(total)


def test_psnr_of_a_difference_of_one_everywhere() -> None:
    assert plain.psnr(flat(100), flat(101)) == pytest.approx(48.1308, abs=1e-4)


def test_psnr_is_over_the_values_of_all_three_channels() -> None:
    red = Image.new("RGB", (176, 176), (110, 100, 100))
    assert plain.psnr(flat(100), red) == pytest.approx(10 * np.log10(255**2 / (100 / 3)))


def test_equal_pictures_have_finite_decibels() -> None:
    found = plain(flat(9), flat(9))
    assert found == {"psnr": CEILING, "ms_ssim": 1.0, "ms_ssim_db": CEILING}


def test_ms_ssim_of_flat_pictures_is_the_luminance_term_alone() -> None:
    c1 = (0.01 * 255) ** 2
    luminance = (2 * 100 * 150 + c1) / (100**2 + 150**2 + c1)
    assert plain.ms_ssim(flat(100), flat(150)) == pytest.approx(luminance ** WEIGHTS[-1], abs=1e-4)  # float32


def test_ms_ssim_is_the_mean_of_the_channels_by_the_definition(photo: Image.Image) -> None:
    x = photo.crop(
        (0, 0, 208, 192)
    )  # even at every scale: of odd sides the package makes means with zeros beyond the edge
    codec = codecs.make("jpeg")
    y = codec.decode(codec.encode(x, 8))
    planes = [(np.asarray(x, float)[..., c], np.asarray(y, float)[..., c]) for c in range(3)]
    assert plain.ms_ssim(x, y) == pytest.approx(np.mean([ms_ssim(*pair) for pair in planes]), abs=2e-4)


def test_decibels_of_a_similarity() -> None:
    assert decibels(1 - 0.99) == pytest.approx(20.0)


def test_pictures_too_small_for_a_metric_have_none_and_keep_the_others() -> None:
    found = plain(flat(1, (160, 300)), flat(2, (160, 300)))
    assert found["ms_ssim"] is None
    assert found["ms_ssim_db"] is None
    assert found["psnr"] == pytest.approx(48.13, abs=0.01)


def test_ssimulacra2_is_100_for_equal_pictures_and_falls_with_quality(photo: Image.Image) -> None:
    metrics = Metrics(("ssimulacra2",))
    codec = codecs.make("jpeg")
    scores = [metrics(photo, codec.decode(codec.encode(photo, quality)))["ssimulacra2"] for quality in (10, 50, 90)]
    assert metrics(photo, photo)["ssimulacra2"] == pytest.approx(100.0, abs=1e-6)
    assert scores == sorted(scores)
    assert scores[0] is not None
    assert scores[0] < 40 < 75 < (scores[2] or 0)


def installed(name: str) -> Metrics:
    if reason := missing(name, None):
        pytest.skip(reason)
    return Metrics((name,))


@pytest.mark.parametrize("name", ["butteraugli", "flip"])
def test_a_distance_is_0_for_equal_pictures_and_rises_as_quality_falls(name: str, photo: Image.Image) -> None:
    metrics, codec = installed(name), codecs.make("jpeg")
    small = photo.crop((100, 50, 228, 146))
    rows = [metrics(small, codec.decode(codec.encode(small, quality))) for quality in (90, 50, 10)]
    for key in keys((name,)):
        assert metrics(small, small)[key] == 0.0
        values = [row[key] or 0.0 for row in rows]
        assert 0.0 < values[0] < values[1] < values[2]


def test_butteraugli_is_a_maximum_and_a_mean(photo: Image.Image) -> None:
    metrics = installed("butteraugli")
    small = photo.crop((100, 50, 228, 146))
    spot = small.copy()
    spot.paste((255, 0, 0), (60, 40, 66, 46))
    found = metrics(small, spot)
    assert (found["butteraugli"] or 0.0) > 3 * (found["butteraugli_3"] or 0.0) > 0.0


def test_a_butteraugli_that_is_not_installed_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DependencyError, match="butteraugli_main is not on the PATH: apt-get install libjxl-devtools"):
        Metrics(("butteraugli",))
    assert "libjxl-devtools" in (missing("butteraugli", None) or "")


def test_a_butteraugli_that_prints_something_else_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tool = tmp_path / "butteraugli_main"
    tool.write_text("#!/bin/sh\necho 1.5\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(SkoshError, match=r"printed no distances but '1\.5'"):
        Metrics(("butteraugli",))(flat(1), flat(2))


def test_a_missing_flip_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert missing("flip", None) == "no FLIP: pip install flip-evaluator"


def test_distances_of_pictures_too_small_for_them_are_not_measured() -> None:
    found = installed("butteraugli")(flat(1, (7, 300)), flat(2, (7, 300)))
    assert found == {"butteraugli": None, "butteraugli_3": None}


def test_lpips_goes_with_that_of_the_picture_without_its_first_six_rows_and_columns(
    shared: Path, photo: Image.Image
) -> None:
    weights = shared / "lpips" / "alexnet_lpips_v0.1_fp16.npz"
    if not weights.is_file():
        pytest.skip("the LPIPS weights are not there")
    metrics, codec = Metrics(("lpips",), weights), codecs.make("jpeg")
    decoded = codec.decode(codec.encode(photo, 20))
    cut = [image.crop((6, 6, *image.size)) for image in (photo, decoded)]
    found = metrics(photo, decoded)
    assert found["lpips_off"] == metrics(*cut)["lpips"] != found["lpips"]
    small = metrics(flat(1, (36, 40)), flat(2, (36, 40)))
    assert small["lpips"] is not None
    assert small["lpips_off"] is None


def test_pictures_of_two_sizes_are_not_compared() -> None:
    with pytest.raises(SkoshError, match="176x176 and 10x10"):
        plain(flat(0), flat(0, (10, 10)))


def test_missing_lpips_weights_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SKOSH_LPIPS_WEIGHTS", raising=False)
    assert "--lpips-weights" in (missing("lpips", None) or "")
    assert missing("lpips", Path("weights.npz")) is None
    assert missing("psnr", None) is None


@pytest.mark.slow
@pytest.mark.parametrize(("codec", "quality"), [("jpeg", 30), ("webp", 50), ("heic", 30)])
def test_the_reference_values_of_a_kodak_picture(shared: Path, codec: str, quality: int) -> None:
    """The same file, the same four figures."""
    picture = shared / "data" / "kodak" / "kodim23.png"
    weights = shared / "lpips" / "alexnet_lpips_v0.1_fp16.npz"
    if not picture.is_file() or not weights.is_file():
        pytest.skip("the Kodak pictures or the LPIPS weights are not there")
    with (shared / "reference" / "kodak" / f"{codec}.csv").open() as table:
        due = next(row for row in csv.DictReader(table) if (row["image"], row["q"]) == ("kodim23", str(quality)))
    coder = codecs.make(codec)
    coder.version()
    original = pictures.read(picture)
    data = coder.encode(original, quality)
    if len(data) != int(due["bytes"]):
        pytest.skip(f"this {codec} writes other files than the one of the reference")
    found = Metrics(("psnr", "ms_ssim", "lpips"), weights)(original, coder.decode(data))
    assert found["psnr"] == pytest.approx(float(due["psnr"]), abs=1e-3)
    assert found["ms_ssim"] == pytest.approx(float(due["ms_ssim"]), abs=1e-5)
    assert found["lpips"] == pytest.approx(float(due["lpips"]), abs=1e-3)
