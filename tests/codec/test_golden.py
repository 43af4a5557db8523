"""Files that were written once decode to the same symbols for ever, and to the same pixels but for one grey level."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

import skosh
from skosh.bundle.bundle import Bundle
from skosh.bundle.manifest import find_by_id, installed
from skosh.bundle.scale_map import scale_map_reference

ROOT = Path(__file__).parents[2]
FOLDERS = sorted(path.parent for path in (ROOT / "tests" / "golden").glob("*/golden.json"))
FILES = [path for folder in FOLDERS for path in sorted(folder.glob("*.skosh"))]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("golden", ROOT / "scripts" / "golden.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def folder_of(file: Path) -> Path:
    """The bundle that a golden file was made with: it has to be installed for ever."""
    folder = find_by_id(bytes.fromhex(skosh.info(file.read_bytes())["model_id"]))
    assert folder is not None, f"the bundle of {file} is gone: old files can't be read any more"
    return folder


def test_every_installed_bundle_has_golden_files() -> None:
    made = {folder.name.rpartition("-")[2] for folder in FOLDERS}
    assert made >= {manifest["model_id"] for _, _, manifest in installed()}
    assert len(FILES) == 5 * len(FOLDERS)


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
@pytest.mark.parametrize(("threads", "optimise"), [(1, True), (2, True), (1, False), (2, False)])
def test_a_golden_file_decodes_to_its_symbols(script: ModuleType, file: Path, threads: int, optimise: bool) -> None:
    due = json.loads((file.parent / "golden.json").read_text())[file.stem]
    assert script.symbol_hash(file.read_bytes(), folder_of(file), threads, optimise) == due


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_a_golden_file_decodes_to_its_picture(file: Path) -> None:
    back = skosh.decode(file.read_bytes(), realism=0)
    with Image.open(file.with_suffix(".png")) as due:
        assert back.mode == due.mode
        assert np.abs(np.asarray(back).astype(int) - np.asarray(due)).max() <= 1


@pytest.mark.parametrize("folder", [folder for _, folder, _ in installed()], ids=lambda folder: folder.name)
@pytest.mark.parametrize(("threads", "optimise"), [(1, True), (2, False)])
def test_the_scale_map_of_a_shipped_bundle_is_the_integer_one(folder: Path, threads: int, optimise: bool) -> None:
    bundle = Bundle(folder, threads, optimise)
    arrays = bundle.arrays
    z = np.random.default_rng(1).integers(-63, 64, (bundle.hyper, 4, 5)).astype(np.int32)
    due = scale_map_reference(
        z, arrays["scale_weight"], arrays["scale_bias"], int(arrays["scale_bits"]), bundle.reduction
    )
    (found,) = bundle.run("scale_map", z[None].astype(np.float32))
    assert np.array_equal(found[0], due)
