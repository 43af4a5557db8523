"""The test vectors of spec/vectors, which other decoders rely on, are what Python gives, stage by stage."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import skosh
from skosh.bundle.loading import load
from skosh.bundle.manifest import read_manifest
from skosh.bundle.point import Point
from skosh.bundle.scale_map import scale_map_reference, shifted
from skosh.codec.boxes import Box
from skosh.codec.context import first_half, in_first_half, latent
from skosh.codec.decoder import decode_picture, take_symbols
from skosh.container.chunks import read
from skosh.entropy.rangecoder import BACKENDS, Backend, compiled, native, plain
from skosh.entropy.tables import TOTAL, IntTable

ROOT = Path(__file__).parents[1]
VECTORS = ROOT / "spec" / "vectors"
STAGES = ("chunks", "range_coder", "stream", "scale_index", "levels", "latent", "pixels")
MOST = 300_000  # bytes of them all


def stage(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((VECTORS / f"{name}.json").read_text())
    return found


def point(vectors: dict[str, Any], quality: float | None = None) -> Point:
    bundle = load(ROOT / vectors["bundle"], 1)
    assert vectors["model_id"] == bundle.model_id.hex(), "the bundle is another one now: run scripts/vectors.py"
    return bundle.at(vectors["quality"] if quality is None else quality)


def array(found: dict[str, Any], kind: npt.DTypeLike = np.int32) -> npt.NDArray[Any]:
    return np.array(found["values"], kind).reshape(found["shape"])


def words(digits: str) -> npt.NDArray[np.uint32]:
    stream = bytes.fromhex(digits)
    return np.frombuffer(stream + bytes(-len(stream) % 4), "<u4").astype(np.uint32)


def test_there_are_vectors_for_every_stage_and_they_are_small() -> None:
    assert {path.stem for path in VECTORS.glob("*.json")} == set(STAGES)
    assert sum(path.stat().st_size for path in VECTORS.iterdir()) < MOST
    ids = {stage(name)["model_id"] for name in STAGES if "bundle" in stage(name)}
    assert ids == {read_manifest(ROOT / "tests" / "bundles" / "filtered")["model_id"]}


def test_the_chunks_of_a_file_and_what_is_refused() -> None:
    vectors = stage("chunks")
    assert len(vectors["cases"]) > 5
    for case in vectors["cases"]:
        found = read(bytes.fromhex(case["bytes"]))
        header = {key: value for key, value in case["header"].items() if key not in ("model_id", "tiles")}
        assert {key: getattr(found.header, key) for key in header} == header, case["name"]
        assert (found.header.model_id.hex(), found.header.tiles) == (
            case["header"]["model_id"],
            case["header"]["tiles"],
        )
        assert {kind.decode(): payload.hex() for kind, payload in found.extras.items()} == case["extras"]
        assert [(tile or b"").hex() for tile in found.tiles] == case["tiles"]
    assert len(vectors["refused"]) > 30
    for case in vectors["refused"]:
        with pytest.raises(getattr(skosh, case["error"])):
            read(bytes.fromhex(case["bytes"]))


@pytest.mark.parametrize("coder", [native, compiled, plain], ids=BACKENDS)
def test_the_symbols_of_words(coder: Backend) -> None:
    vectors = stage("range_coder")
    tables: dict[str, IntTable] = {
        name: np.full(found["uniform"], TOTAL // found["uniform"]) if isinstance(found, dict) else np.array(found)
        for name, found in vectors["tables"].items()
    }
    models = {name: coder.model(table.astype(np.int64)) for name, table in tables.items()}
    for case in vectors["cases"]:
        decoder = coder.decoder(words(case["bytes"]))
        for run in case["runs"]:
            found = decoder.decode(models[run["table"]], len(run["symbols"]))
            assert found.tolist() == run["symbols"], case["name"]
    for case in vectors["refused"]:
        decoder = coder.decoder(words(case["bytes"]))
        model, due = models[case["table"]], case["symbols"]
        assert [int(decoder.decode(model, 1)[0]) for _ in due] == due
        with pytest.raises(ValueError, match=r"."):
            decoder.decode(model, 1)


def test_the_symbols_of_a_tile() -> None:
    vectors = stage("stream")
    at = point(vectors)
    largest = 0
    for case in vectors["cases"]:
        z, q = array(case["z"]), array(case["q"])
        taken = take_symbols(at, bytes.fromhex(case["bytes"]), *z.shape[1:])
        assert taken.q is not None
        assert np.array_equal(taken.z, z), case["name"]
        assert np.array_equal(taken.q, q), case["name"]
        assert (None if taken.coefficients is None else taken.coefficients.tolist()) == case["wiener"]
        largest = max(largest, int(np.abs(q).max()))
    assert largest == 32_767
    for case in vectors["refused"]:
        with pytest.raises(skosh.FormatError):
            take_symbols(at, bytes.fromhex(case["bytes"]), *case["shape"][1:])


def test_the_scale_index_of_z_by_networks_and_by_integers() -> None:
    vectors = stage("scale_index")
    for case in vectors["cases"]:
        z = array(case["z"])
        for found in case["indices"]:
            at = point(vectors, found["quality"])
            arrays = at.bundle.arrays
            due = scale_map_reference(
                z, arrays["scale_weight"], arrays["scale_bias"], int(arrays["scale_bits"]), at.bundle.reduction
            )
            assert np.array_equal(due, array(case["map"]))
            assert np.array_equal(shifted(due, at.shift), array(found["index"]))
            assert np.array_equal(at.scale_index(z), array(found["index"]))


def test_the_levels_of_a_quality() -> None:
    vectors = stage("levels")
    for case in vectors["cases"]:
        at = point(vectors, case["quality"])
        assert at.models.z[0].tolist() == case["z_table"]
        assert at.shift.tolist() == case["shift"]
        for name in ("gain", "inverse", "mean_level", "synthesis_level"):
            assert np.array_equal(getattr(at, name).reshape(-1), np.array(case[name], np.float32)), name


def test_the_latent_of_a_window() -> None:
    vectors = stage("latent")
    at, box = point(vectors), Box(*vectors["box"])
    z, q = array(vectors["z"]), array(vectors["q"]).astype(np.int16)
    first = in_first_half(at.bundle.latents, box)[None]
    half = first_half(at, z, box)
    for name, found in (("mean_first", half.means.mean), ("step_first", half.means.step)):
        assert np.abs((found - array(vectors[name], np.float32))[first]).max() < 1e-3, name
    y_hat = array(vectors["y_hat"], np.float32)
    assert np.abs(latent(at, z, q, box) - y_hat).max() < 1e-3
    assert y_hat.std() > 0.1  # else anything would do


def test_the_pixels_of_a_file() -> None:
    vectors = stage("pixels")
    bundle = point(vectors, 0).bundle
    assert {case["file"] for case in vectors["cases"]} == {path.name for path in VECTORS.glob("*.skosh")}
    for case in vectors["cases"]:
        data = (VECTORS / case["file"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == case["sha256"], "half of the vectors is old: run scripts/vectors.py"
        shown = np.asarray(skosh.decode(data, bundle, realism=0).convert("RGBA"), int)
        due = np.array([list(bytes.fromhex(row)) for row in case["rgba"]]).reshape(shown.shape)
        assert np.abs(shown - due).max() <= 1
        assert decode_picture(data, bundle, realism=0).grey == (due[..., 0] == due[..., 1]).all()
