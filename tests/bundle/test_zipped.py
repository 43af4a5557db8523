"""A package in an archive says that bundles have to be on disk, and does all that needs none."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import skosh

FOLDER = Path(skosh.__file__).parent


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("zip") / "skosh.zip"
    with zipfile.ZipFile(path, "w") as file:
        for source in FOLDER.rglob("*.py"):
            file.write(source, source.relative_to(FOLDER.parent))
    return path


def run(archive: Path, code: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(archive), "FOLDER": str(FOLDER)}
    command = [sys.executable, "-c", f"import os, numpy as np, skosh\npixels = np.zeros((16, 16, 3), np.uint8)\n{code}"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=archive.parent)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_without_a_bundle_on_disk_the_error_says_why(archive: Path) -> None:
    code = "print(skosh.__file__)\ntry: skosh.encode(pixels)\nexcept skosh.BundleError as error: print(error)"
    told = run(archive, code)
    assert str(archive) in told
    assert "install skosh unpacked, or give a bundle's folder" in told


def test_with_a_bundles_folder_everything_works(archive: Path) -> None:
    code = (
        "bundle = os.path.join(os.environ['FOLDER'], 'models', 'skosh')\n"
        "data = skosh.encode(pixels, model=bundle, threads=1)\n"
        "print(skosh.info(data)['model'], skosh.decode(data, model=bundle, threads=1).size)"
    )
    assert run(archive, code) == "None (16, 16)\n"
