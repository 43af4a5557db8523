"""Bundles that change on disk, are loaded by many threads at once, or name other files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest

import skosh
from skosh import BundleError
from skosh.bundle import loading as bundles
from skosh.bundle import manifest
from skosh.bundle.bundle import Bundle
from skosh.bundle.graphs import path_of
from skosh.bundle.loading import load
from skosh.bundle.manifest import MANIFEST, find, reseal
from skosh.bundle.onnx import Sessions

THREADS = 4


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(find(None), tmp_path / "bundle"))


def change(folder: Path, name: str, edit: Callable[[bytes], bytes] = lambda content: content + b"\x32\x00") -> None:
    """Edit a file and let the manifest fit; by default, a graph gets an empty text more."""
    path = folder / name
    path.write_bytes(edit(path.read_bytes()))
    reseal(folder)


def test_a_network_that_is_a_link_to_nowhere_is_an_error_of_the_bundle(folder: Path) -> None:
    for name in ("analysis", "synthesis"):
        (folder / path_of(name)).unlink()
        (folder / path_of(name)).symlink_to(folder / "not-fetched.onnx")
        with pytest.raises(BundleError, match=rf"can't read .*{name}\.onnx"):
            Bundle(folder).run(name)


def test_an_installed_bundle_that_can_not_be_used_does_not_stop_the_others(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = tmp_path / "models"
    for name in ("broken", "whole"):
        shutil.copytree(folder, models / name)
    (models / "broken" / MANIFEST).write_text("{}")
    (models / "empty").mkdir()
    monkeypatch.setattr(manifest, "MODELS", models)
    assert [name for name, _, _ in manifest.installed()] == ["whole"]
    assert manifest.find_by_id(Bundle(folder).model_id) == models / "whole"
    with pytest.raises(BundleError, match="no manifest of a bundle"):
        load("broken")
    file = skosh.encode(np.zeros((8, 8, 3), np.uint8), model=folder)
    assert skosh.decode(file).size == (8, 8)
    (models / "whole" / MANIFEST).write_text('{"bundle_version": 9}')
    with pytest.raises(
        BundleError, match=r"installed: none; .*bundle version 9 is not known .*export the bundle anew\)"
    ):
        skosh.decode(file)
    shutil.copytree(folder, models / "whole", dirs_exist_ok=True)
    with pytest.raises(BundleError, match=r"no model 'other'.*\(whole\)"):
        load("other")


def test_a_network_that_has_changed_since_the_bundle_was_loaded_is_refused(folder: Path) -> None:
    bundle = Bundle(folder)
    change(folder, path_of("analysis"))
    with pytest.raises(BundleError, match=r"analysis\.onnx .*has changed"):
        bundle.run("analysis", np.zeros((1, 3, 64, 64), np.float32))


def test_weights_that_have_changed_are_refused_where_another_network_takes_them(folder: Path) -> None:
    bundle = Bundle(folder)
    change(folder, path_of("synthesis"))
    with pytest.raises(BundleError, match=r"synthesis\.onnx .*has changed"):
        bundle.run("synthesis_gradient")


def test_a_bundle_that_was_replaced_is_loaded_anew(folder: Path) -> None:
    first = load(folder)
    assert load(folder) is first
    change(folder, path_of("analysis"))
    second = load(folder)
    assert second is not first
    assert second.model_id == first.model_id  # another encoder makes files for the same decoder
    assert load(folder) is second


def test_weights_of_another_file_are_refused(folder: Path) -> None:
    state = json.loads((folder / MANIFEST).read_text())
    rows = state["encoder"]["borrowed"]["synthesis_gradient"]
    rows.pop()
    reseal(folder, **state)
    with pytest.raises(BundleError, match="another file"):
        Bundle(folder).run("synthesis_gradient")


@pytest.mark.parametrize("row", [["w", "int8", [1 << 40], 0], ["w", "int8", [4], -1], ["w", "text", [4], 0], ["w"], 7])
def test_borrowed_weights_that_make_no_sense_are_an_error_of_the_bundle(folder: Path, row: object) -> None:
    state = json.loads((folder / MANIFEST).read_text())
    state["encoder"]["borrowed"]["synthesis_gradient"][0] = row
    reseal(folder, **state)
    with pytest.raises(BundleError, match="synthesis_gradient"):
        Bundle(folder).run("synthesis_gradient")


def test_threads_that_come_at_once_load_a_bundle_and_open_a_network_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    open_network = Sessions._open
    monkeypatch.setattr(Sessions, "_open", lambda self, graph: opened.append(graph) or open_network(self, graph))
    together = Barrier(THREADS)

    def work(_: int) -> Bundle:
        together.wait()
        bundle = bundles.load(folder)
        bundle.run("analysis", np.zeros((1, 3, 64, 64), np.float32))
        return bundle

    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(work, range(THREADS)))
    assert all(bundle is found[0] for bundle in found)
    assert sorted(opened) == ["analysis", "scale_map"]
