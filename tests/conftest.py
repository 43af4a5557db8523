"""What several test files share: photographs, a tiny run and the bundle that it exports."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def package_folder(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference data beside the project; tests that need it are skipped where it is missing."""
    path = Path(os.environ.get("SKOSH_SHARED", Path(__file__).parents[2] / "shared"))
    if not (path / "reference").is_dir():
        pytest.skip("the folder of reference data is not there")
    return path


@pytest.fixture(scope="session")
def photo() -> Image.Image:
    """A photograph that scikit-image brings, without its colour profile: a cat, 451x300."""
    with Image.open(package_folder("skimage") / "data" / "chelsea.png") as image:
        photo = image.convert("RGB")
    photo.info.clear()
    return photo


@pytest.fixture(scope="session")
def photo_folder(tmp_path_factory: pytest.TempPathFactory, photo: Image.Image) -> Path:
    """A folder of four 320x256 crops, PNG."""
    folder = tmp_path_factory.mktemp("photos")
    for i, left in enumerate((0, 40, 80, 130)):
        photo.crop((left, i * 10, left + 320, i * 10 + 256)).save(folder / f"{i}.png")
    return folder


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory, photo_folder: Path) -> Path:
    """A finished run of the configuration tiny: 12 steps."""
    pytest.importorskip("torch")
    from skosh.train import config, loop

    folder = tmp_path_factory.mktemp("runs") / "tiny"
    loop.train(config.load("tiny"), photo_folder, photo_folder, folder)
    return folder


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory, tiny_run: Path) -> Path:
    """The bundle of that run."""
    from skosh.train.export import export

    folder = tmp_path_factory.mktemp("bundles") / "tiny"
    export(tiny_run, folder)
    return folder


@pytest.fixture(scope="session")
def corrected_bundle(tmp_path_factory: pytest.TempPathFactory, tiny_run: Path, photo_folder: Path) -> Path:
    """A bundle of that run with corrections, from fewer crops than usual."""
    from skosh.train import calibrate, corrections
    from skosh.train.export import export

    folder = tmp_path_factory.mktemp("bundles") / "corrected"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calibrate, "BATCHES", 2)
        patch.setattr(corrections, "BATCHES", 8)
        patch.setattr(corrections, "ROUNDS", 20)
        export(tiny_run, folder, calibrate=photo_folder)
    return folder


@pytest.fixture
def noise() -> Image.Image:
    """A small picture that no codec likes."""
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (70, 90, 3), dtype=np.uint8))
