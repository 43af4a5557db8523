"""The comparison of variants.

Every variant can be built and takes steps, distributions are whole, and the table compares with the base.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skosh.train import config as configuration

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import ablation  # noqa: E402
import variants  # noqa: E402
from variants import start  # noqa: E402


@pytest.mark.parametrize("name", variants.VARIANTS)
def test_the_settings_of_a_variant_are_ones_that_the_trainer_knows(name: str) -> None:
    settings = tuple(f"{key}={value}" for key, value in variants.VARIANTS[name].settings.items())
    changed, base = (configuration.load("flagship", ablation.BASE + more) for more in (settings, ()))
    assert (changed != base) == bool(settings)


@pytest.mark.slow
def test_cosines_are_orthonormal_and_their_variances_add_up_to_those_of_the_pictures(photo: Image.Image) -> None:
    pictures = [np.asarray(photo)]
    basis, variance = start.cosines(pictures)
    assert np.allclose(basis @ basis.T, np.eye(768), atol=1e-5)
    assert (np.diff(variance) <= 0).all()
    assert variance.sum() == pytest.approx(start.patch_transform(pictures)[1].sum(), rel=1e-3)


SMALL = ("--set", "crop=64", "--set", "batch=1", "--set", "autocast=none")  # steps of a second on any processor


def run_alone(photo: Image.Image, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The script on one picture, validated on one small one, with its results in the folder ``out``."""
    for part, picture in (("train", photo.resize((576, 576))), ("val", photo.crop((0, 0, 320, 256)))):
        (folder / "data" / part).mkdir(parents=True, exist_ok=True)
        picture.save(folder / "data" / part / "a.png")
    call = [sys.executable, str(BENCHMARKS / "ablation.py"), "--out", str(folder / "out"), *arguments]
    environment = os.environ | {"SKOSH_SHARED": str(folder)}
    return subprocess.run(call, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_short_training_is_kept_and_compared_with_the_base(photo: Image.Image, tmp_path: Path) -> None:
    out = tmp_path / "out"
    short = ["base", "size-5", "--minutes", "0.02", *SMALL]
    assert run_alone(photo, tmp_path, *short).returncode == 0
    small = json.loads((out / "size-5-1.json").read_text())
    base = json.loads((out / "base-1.json").read_text())
    assert small["receiver"] < 0.5 * base["receiver"]
    assert small["gpx"] > 0
    before = (out / "base-1.json").read_bytes()
    assert run_alone(photo, tmp_path, *short).returncode == 0  # nothing is missing
    assert (out / "base-1.json").read_bytes() == before
    other = run_alone(photo, tmp_path, "silu", "--minutes", "0.03", *SMALL)
    assert other.returncode == 1
    assert "base had 0.02 minutes" in other.stderr
    other = run_alone(photo, tmp_path, "silu", "--minutes", "0.02")
    assert other.returncode == 1
    assert "base was trained with the settings ['crop=64', " in other.stderr
    shown = run_alone(photo, tmp_path, "--table").stdout.splitlines()
    assert len(shown) == 4
    assert shown[2].startswith("| the flagship | 1 |")
    assert shown[2].endswith("+0.0 % |")


@pytest.mark.slow
def test_a_setting_holds_for_every_variant(photo: Image.Image, tmp_path: Path) -> None:
    setting = ("--minutes", "0.02", "--set", "body_blocks=2", *SMALL)
    for name in ("base", "silu"):  # the second finds the first one's result, of the same setting
        assert run_alone(photo, tmp_path, name, *setting).returncode == 0
    receivers = [json.loads((tmp_path / "out" / f"{name}-1.json").read_text())["receiver"] for name in ("base", "silu")]
    assert max(receivers) < 10  # five blocks are 13.5


@pytest.mark.slow
def test_an_unknown_variant_is_named(photo: Image.Image, tmp_path: Path) -> None:
    done = run_alone(photo, tmp_path, "larger")
    assert done.returncode == 2
    assert "unknown: larger" in done.stderr


def twelve_steps(name: str, photo: Image.Image, folder: Path) -> list[dict[str, float]]:
    """What validation says then; the scale map is in integers for the last four."""
    done = run_alone(photo, folder, name, "--steps", "12", "--here")
    assert done.returncode == 0, done.stderr
    found: list[dict[str, float]] = json.loads((folder / "out" / f"{name}-1.json").read_text())["val"]
    return found


@pytest.fixture(scope="module")
def after_base(photo: Image.Image, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, float]]:
    """Where the flagship itself is after so many steps."""
    return twelve_steps("base", photo, tmp_path_factory.mktemp("base"))


@pytest.mark.long
@pytest.mark.parametrize("name", variants.VARIANTS)
def test_a_variant_takes_steps_and_is_another_network_than_the_base(
    name: str, photo: Image.Image, after_base: list[dict[str, float]], tmp_path: Path
) -> None:
    assert (twelve_steps(name, photo, tmp_path) == after_base) == (name == "base")
