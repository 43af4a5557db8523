"""What several test files share: photographs, a tiny run and the bundle that it exports."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image

from making import package_folder
from skosh.bundle.manifest import ENCODER_TABLES, reseal

BUNDLES = Path(__file__).parent / "bundles"

settings.register_profile("shared", deadline=None)  # a machine beside other work misses any deadline
settings.load_profile("shared")


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
def tiny_bundle() -> Path:
    """A small bundle: twelve steps of the configuration tiny (scripts/tiny.py)."""
    return BUNDLES / "tiny"


@pytest.fixture(scope="session")
def filtered_bundle() -> Path:
    """The same with Wiener filters."""
    return BUNDLES / "filtered"


@pytest.fixture(scope="session")
def plain_bundle(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny one without what efforts and rate-distortion optimised quantisation need."""
    folder = tmp_path_factory.mktemp("plain") / "plain"
    shutil.copytree(tiny_bundle, folder)
    for graph in ("synthesis_gradient", "linear_gradient"):
        (folder / "encoder" / f"{graph}.onnx").unlink()
    with np.load(folder / ENCODER_TABLES) as arrays:
        np.savez(folder / ENCODER_TABLES, z_level=arrays["z_level"])
    reseal(folder)
    return folder


@pytest.fixture
def noise() -> Image.Image:
    """A small picture that no codec likes."""
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (70, 90, 3), dtype=np.uint8))
