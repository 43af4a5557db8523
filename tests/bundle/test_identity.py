"""What a model id names, and bundles that are wrong: every one is a BundleError."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import skosh
from skosh.bundle.bundle import Bundle
from skosh.bundle.graphs import GRAPHS, ROLES, TABLE, due, path_of
from skosh.bundle.manifest import DECODER_TABLES, ENCODER_TABLES, MANIFEST, read_manifest, reseal
from skosh.errors import BundleError

GREY = np.full((8, 8, 3), 90, np.uint8)


@pytest.fixture
def folder(tiny_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))


def state(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
    return found


def with_arrays(folder: Path, name: str, edit: Callable[[dict[str, Any]], object]) -> None:
    """Edit the arrays of a file of tables and let the manifest fit."""
    with np.load(folder / name) as arrays:
        kept = dict(arrays)
    edit(kept)
    np.savez(folder / name, **kept)
    reseal(folder)


def test_another_encoder_and_another_head_keep_the_id(folder: Path, photo: Image.Image) -> None:
    before = Bundle(folder)
    plain = skosh.encode(photo, 40, before)
    (folder / "heads").mkdir(exist_ok=True)
    shutil.copy(folder / path_of("synthesis"), folder / "heads" / "detail.onnx")
    shutil.copy(folder / path_of("analysis"), folder / "encoder" / "analysis_denoising.onnx")
    with_arrays(folder, ENCODER_TABLES, lambda arrays: arrays.update(z_level=arrays["z_level"] + 3))
    reseal(folder, encoder=state(folder)["encoder"] | {"halo": {"analysis": 7, "hyper_analysis": 3}}, version="2")
    after = Bundle(folder)
    assert after.model_id == before.model_id
    assert set(state(folder)["files"]) > set(before.manifest["files"])
    file = skosh.encode(photo, 40, after)
    assert file != plain
    assert np.array_equal(skosh.decode(file, before), skosh.decode(file, after))


def test_whatever_a_decoder_obeys_is_in_the_id(folder: Path) -> None:
    ids = {Bundle(folder).model_id}
    decoder = state(folder)["decoder"]
    reseal(folder, decoder=decoder | {"halo": decoder["halo"] | {"synthesis": decoder["halo"]["synthesis"] + 1}})
    ids.add(Bundle(folder).model_id)
    with_arrays(folder, DECODER_TABLES, lambda arrays: arrays.update(inverse=arrays["inverse"] * 2))
    ids.add(Bundle(folder).model_id)
    path = folder / path_of("synthesis")
    path.write_bytes(path.read_bytes() + b"\x32\x00")  # an empty text more
    reseal(folder)
    ids.add(Bundle(folder).model_id)
    assert len(ids) == 4


def test_a_manifest_whose_id_is_not_its_decoders_is_refused(folder: Path) -> None:
    for edit in ({"model_id": "0" * 16}, {"decoder": state(folder)["decoder"] | {"multiple": 32}}):
        broken = state(folder) | edit
        (folder / MANIFEST).write_text(json.dumps(broken))
        with pytest.raises(BundleError, match=r"its decoder's is"):
            read_manifest(folder)
        reseal(folder, decoder=state(folder)["decoder"] | {"multiple": 64})


def test_a_bundle_without_encoder_decodes_and_says_why_it_can_not_encode(
    folder: Path, tiny_bundle: Path, photo: Image.Image
) -> None:
    file = skosh.encode(photo, 30, tiny_bundle)
    shutil.rmtree(folder / "encoder")
    (folder / "training.npz").unlink()
    reseal(folder)
    assert np.array_equal(skosh.decode(file, folder), skosh.decode(file, tiny_bundle))
    with pytest.raises(BundleError, match="only decodes"):
        skosh.encode(photo, 30, folder)


def test_the_table_of_graphs_names_each_network_once_and_in_its_folder() -> None:
    assert len(GRAPHS) == len(TABLE)
    assert all(graph.role in ROLES and path_of(graph.name) == f"{graph.role}/{graph.name}.onnx" for graph in TABLE)
    assert [graph.name for graph in due("decoder", hyperprior=False)] == ["synthesis"]


@pytest.mark.parametrize(
    ("file", "name", "value"),
    [
        (DECODER_TABLES, "mean_level", None),
        (DECODER_TABLES, "mean_level", np.zeros((101, 3), np.float32)),
        (DECODER_TABLES, "mean_level", np.zeros(101, np.float32)),
        (DECODER_TABLES, "synthesis_level", np.zeros((7, 32), np.float32)),
        (DECODER_TABLES, "synthesis_level", np.full((101, 32), np.nan, np.float32)),
        (DECODER_TABLES, "synthesis_level", np.zeros((101, 5), np.float32)),
        (DECODER_TABLES, "synthesis_level", None),
        (DECODER_TABLES, "gain", None),
        (DECODER_TABLES, "inverse", np.zeros((101, 47), np.float32)),
        (DECODER_TABLES, "shift", np.array(["words"] * 48)),
        (DECODER_TABLES, "z_tables", None),
        (DECODER_TABLES, "q_tables", np.zeros(7, np.int32)),
        (DECODER_TABLES, "q_sizes", None),
        (DECODER_TABLES, "scale_weight", np.zeros((3, 3), np.int16)),
        (DECODER_TABLES, "check_z", None),
        (ENCODER_TABLES, "z_level", None),
        (ENCODER_TABLES, "z_level", np.zeros((101, 2), np.float32)),
        (ENCODER_TABLES, "lambda", np.zeros((1, 1), np.float32)),
    ],
)
def test_an_array_that_is_missing_or_mis_shaped_is_an_error_of_the_bundle(
    folder: Path, file: str, name: str, value: np.ndarray | None
) -> None:
    with_arrays(folder, file, lambda arrays: arrays.pop(name) if value is None else arrays.update({name: value}))
    with pytest.raises(BundleError):
        skosh.decode(skosh.encode(GREY, 50, Bundle(folder)), folder)


@pytest.mark.parametrize(
    "pair", [("mean_first", "analysis"), ("mean_second", "hyper_analysis"), ("synthesis", "mean_second")]
)
def test_a_graph_in_the_place_of_another_is_an_error_of_the_bundle(folder: Path, pair: tuple[str, str]) -> None:
    shutil.copy(folder / path_of(pair[1]), folder / path_of(pair[0]))
    reseal(folder)
    with pytest.raises(BundleError):
        skosh.encode(GREY, 50, Bundle(folder))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
@pytest.mark.parametrize("name", [MANIFEST, DECODER_TABLES, "decoder/synthesis.onnx", ENCODER_TABLES])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "gone"])
def test_what_is_no_ordinary_file_is_refused_at_once(folder: Path, name: str, kind: str) -> None:
    path = folder / name
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    with pytest.raises(BundleError):
        skosh.encode(GREY, 50, Bundle(folder))


@pytest.mark.parametrize("name", ["../other.onnx", "/etc/passwd", "decoder//a.onnx", "a/./b", "a\\b", ""])
def test_a_manifest_that_names_files_elsewhere_is_refused(folder: Path, name: str) -> None:
    broken = state(folder)
    broken["files"][name] = "0" * 64
    (folder / MANIFEST).write_text(json.dumps(broken))
    with pytest.raises(BundleError, match="files"):
        read_manifest(folder)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "[" * 100_000, '{"bundle_version": 3}', '{"bundle_version": 2}', "null"]
)
def test_what_is_no_manifest_is_a_bundle_error(folder: Path, text: str) -> None:
    (folder / MANIFEST).write_text(text)
    with pytest.raises(BundleError):
        read_manifest(folder)
