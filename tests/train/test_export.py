"""A run becomes a bundle that computes what the network in PyTorch does."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from PIL import Image
from typer.testing import CliRunner

import skosh
from skosh.bundle.bundle import Bundle
from skosh.bundle.graphs import path_of
from skosh.bundle.manifest import MANIFEST, hashes, read_manifest, reseal, seal
from skosh.cli import app
from skosh.codec.analysis import hyper_symbols
from skosh.codec.boxes import whole
from skosh.codec.context import latent
from skosh.codec.encoder import tile_stream
from skosh.codec.planes import from_network, to_network
from skosh.codec.quantise import Coded, Quantiser
from skosh.errors import BundleError, ConfigError
from skosh.train import checkpoint, provenance
from skosh.train import export as exporting
from skosh.train.config import load
from skosh.train.export import averaged_model, export, round_weights, table_arrays
from skosh.train.init import restore
from skosh.train.networks import Network, use_integer_scale
from skosh.train.onnx_export import SCALES, STORED, rounded_rows
from skosh.train.validate import to_tensor
from skosh.types import Pixels

pytestmark = pytest.mark.slow  # the networks are written once, which takes a while


@pytest.fixture(scope="module")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory, tiny_run: Path) -> Path:
    """The bundle of that run, instead of the committed one."""
    folder = tmp_path_factory.mktemp("bundles") / "tiny"
    export(tiny_run, folder)
    return folder


@pytest.fixture(scope="module")
def network(tiny_run: Path) -> Network:
    """The network that the bundle was made of, with the scale map in integers."""
    state = checkpoint.load(tiny_run)
    model = averaged_model(state["config"], state)
    round_weights(model)
    use_integer_scale(model, True)
    return model


@pytest.fixture(scope="module")
def bundle(tiny_bundle: Path) -> Bundle:
    return Bundle(tiny_bundle, threads=1)


TIE = 0.5 + 1e-3  # PyTorch and ONNX Runtime may round a tie to either side


@torch.no_grad()
@pytest.mark.parametrize("quality", [0, 37, 100])
def test_the_bundle_codes_the_symbols_and_shows_the_pixels_that_pytorch_does(
    network: Network, bundle: Bundle, pixels: Pixels, quality: int
) -> None:
    (y,) = bundle.run("analysis", to_network(pixels, *pixels.shape[:2]))
    at = bundle.at(quality)
    z = hyper_symbols(at, y[0], 1)
    q = Quantiser(at, y[0], z).q
    index = at.scale_index(z)
    y_hat = latent(at, z, q, whole(*y.shape[2:]))
    x_hat = at.synthesis(y_hat)
    assert np.count_nonzero(q) > 100
    assert len(np.unique(index)) > 3

    x, t, entropy = to_tensor(pixels), torch.tensor([quality / 100]), network.entropy
    gain, inverse = torch.exp(entropy.log_gain(t)), torch.exp(entropy.log_inverse(t))
    u = network.analysis(x) * gain
    z_due = entropy.analysis(u) + entropy.z_level(t)
    assert np.abs(z_due[0].numpy() - z).max() < TIE

    z_hat = torch.from_numpy(z)[None].float()
    index_due = entropy.scale_index(z_hat, t)
    assert np.array_equal(index, index_due[0].numpy())

    u_hat, _, means, steps = entropy.quantise(
        torch.from_numpy(y_hat).float() / inverse, z_hat, index_due, gain, inverse, t
    )
    assert np.abs(((u_hat - means) / steps)[0].numpy() - q).max() < 1e-4
    assert ((u - u_hat) / steps).abs()[index_due > 0].max() < TIE
    assert steps.std() > 0

    shown = from_network(x_hat)
    shown_due = from_network(network.synthesis(u_hat * inverse, network.synthesis_level(t))[0].numpy())
    assert np.abs(shown.astype(int) - shown_due.astype(int)).max() <= 1
    assert shown.std() > 20


def test_the_decoder_computes_the_latent_in_float32_as_the_encoder_does(bundle: Bundle, pixels: Pixels) -> None:
    (y,) = bundle.run("analysis", to_network(pixels[:64, :64], 64, 64))
    at = bundle.at(50)
    z = hyper_symbols(at, y[0], 1)
    q = Quantiser(at, y[0], z).q
    assert latent(at, z, q, whole(4, 4)).dtype == np.float32


def test_files_have_the_size_that_validation_promises(network: Network, bundle: Bundle, pixels: Pixels) -> None:
    with torch.no_grad():
        due = network(to_tensor(pixels), torch.ones(1))[1]
    promised = (due.bits_y + due.bits_z).item() / 8
    (y,) = bundle.run("analysis", to_network(pixels, *pixels.shape[:2]))
    at = bundle.at(100)
    z = hyper_symbols(at, y[0], 1)
    coded = Coded(z, Quantiser(at, y[0], z).residual())
    assert len(tile_stream(at, coded, whole(*z.shape[1:]))) == pytest.approx(promised, rel=0.02)


def test_the_manifest_says_what_is_in_the_bundle_and_where_it_comes_from(tiny_bundle: Path, tiny_run: Path) -> None:
    manifest = read_manifest(tiny_bundle)
    assert manifest["name"] == "tiny"
    assert manifest["version"] == "1"
    assert manifest["licence"]
    assert manifest["files"] == hashes(tiny_bundle)
    provenance = manifest["provenance"]
    assert provenance["steps"] == 12
    assert provenance["config"] == dataclasses.asdict(load("tiny"))
    assert provenance["validation"] == json.loads((tiny_run / "log.jsonl").read_text())
    assert "4 pictures" in provenance["data"]


def test_a_bundle_has_a_row_of_levels_for_each_quality_and_its_ends_are_the_knots(
    network: Network, bundle: Bundle
) -> None:
    gain = bundle.arrays["gain"]
    assert gain.shape == (101, 48)
    rows = torch.exp(network.entropy.log_gain.rows.detach()).numpy()
    for quality, knot in ((0, 0), (50, 1), (100, 2)):
        np.testing.assert_allclose(gain[quality], rows[knot], rtol=1e-6)
    assert bundle.arrays["shift"].dtype == np.int16


def test_weights_of_the_transforms_are_stored_in_a_byte_and_linear_ones_in_two(
    network: Network, tiny_bundle: Path
) -> None:
    state = network.state_dict()
    for graph in ("analysis", "synthesis"):
        stored = {t.name: numpy_helper.to_array(t) for t in onnx.load(tiny_bundle / path_of(graph)).graph.initializer}
        long = {name for name in stored if name.endswith(SCALES)}
        assert len(long) >= 4
        for name in long:
            weight = name.removesuffix(SCALES)
            whole, scales = stored[weight + STORED], stored[name]
            assert whole.dtype == np.int8
            assert np.array_equal(np.abs(whole).max((1, 2, 3)), np.full(len(whole), 127))
            assert np.array_equal(whole * scales, state[f"{graph}.{weight}"].numpy())
        assert stored["linear.basis" + STORED].dtype == np.float16


@pytest.mark.parametrize("largest", [1e-30, 1e-6, 0.03, 1.0, 3e4])
def test_rows_are_rounded_by_half_a_step_at_most_and_once(largest: float) -> None:
    values = np.random.default_rng(0).normal(size=(50, 40, 1, 1)).astype(np.float32)
    values *= np.float32(largest) / np.abs(values).max((1, 2, 3), keepdims=True)
    values[7] = 0.0
    rounded = rounded_rows(values)
    assert np.array_equal(rounded_rows(rounded), rounded)
    assert np.abs(rounded - values).max() < 0.55 * largest / 127
    assert not rounded[7].any()
    assert len(np.unique(rounded[3])) > 20


def test_exporting_a_run_again_gives_the_same_content_and_force_replaces_the_folder(
    tiny_run: Path, tiny_bundle: Path, tmp_path: Path, written: list[Network]
) -> None:
    target = tmp_path / "again"
    shutil.copytree(tiny_bundle, target)
    (target / "decoder" / "old.onnx").write_text("of another bundle")
    reseal(target)
    manifest = export(tiny_run, target, version="2", force=True)
    (again,) = written
    for name, value in restore(tiny_bundle)[1].state_dict().items():
        if not name.startswith("entropy.scale."):  # of which the graph has the integers
            torch.testing.assert_close(again.state_dict()[name], value, rtol=0, atol=0)
    assert manifest == read_manifest(target)
    assert manifest["version"] == "2"
    assert manifest["files"] == read_manifest(tiny_bundle)["files"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["again"]
    assert not (target / "decoder" / "old.onnx").exists()


def test_an_existing_folder_is_not_replaced_unasked(tiny_run: Path, tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("keep me")
    with pytest.raises(ConfigError, match="--force"):
        export(tiny_run, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["precious.txt"]


def test_nothing_is_announced_where_nothing_will_be_written(tiny_run: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["export", str(tiny_run), "-o", str(tmp_path)])
    assert done.exit_code == 1
    assert "--force" in done.output
    assert "writing" not in done.output


@pytest.mark.usefixtures("written")
def test_an_export_that_is_stopped_leaves_nothing(
    tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("skosh.train.export.seal", stopped)  # when the networks are written
    with pytest.raises(KeyboardInterrupt):
        export(tiny_run, tmp_path / "bundle")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_a_run_cannot_be_exported(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no checkpoint"):
        export(tmp_path, tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize("value", [1e6, -1e6])
def test_a_scale_map_that_float32_cannot_compute_exactly_is_not_exported(tiny_run: Path, value: float) -> None:
    state = checkpoint.load(tiny_run)
    model = averaged_model(state["config"], state)
    table_arrays(model)
    with torch.no_grad():
        model.entropy.scale.bias[5] = value
    with pytest.raises(BundleError, match="output 5 of the scale map"):
        table_arrays(model)


def test_rounding_leaves_alone_what_is_in_no_graph(tiny_run: Path) -> None:
    state = checkpoint.load(tiny_run)
    model = averaged_model(state["config"], state)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    round_weights(model)
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert "analysis.patchify.weight" in changed
    assert "entropy.mean_first.enter.weight" in changed
    tables = ("entropy.scale.", "entropy.prior.", "entropy.log_gain.", "entropy.shift.", "synthesis_level.")
    assert not [name for name in changed if name.startswith(tables)]


def test_force_replaces_bundles_only(tiny_run: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "wedding.jpg").write_bytes(b"precious")
    bundle, other = tmp_path / "bundle", tmp_path / "extension"
    shutil.copytree(tiny_bundle, bundle)
    (bundle / "notes.txt").write_text("precious")
    other.mkdir()
    (other / MANIFEST).write_text('{"manifest_version": 3}')  # of a browser's extension
    for target, words in (
        (tmp_path, "no bundle"),
        (bundle, "other files"),
        (other, "no bundle"),
        (tiny_run, "run itself"),
        (tiny_run.parent, "run itself"),
    ):
        with pytest.raises(ConfigError, match=words):
            export(tiny_run, target, force=True)
    assert (tmp_path / "wedding.jpg").read_bytes() == b"precious"
    assert (bundle / "notes.txt").is_file()
    assert (other / MANIFEST).is_file()


@pytest.mark.usefixtures("written")
def test_folders_beside_a_bundle_stay_as_they_are(tiny_run: Path, tmp_path: Path) -> None:
    for name in ("bundle.old", "bundle.partial"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "kept.txt").write_text("precious")
    export(tiny_run, tmp_path / "bundle")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle", "bundle.old", "bundle.partial"]
    assert len(list(tmp_path.rglob("kept.txt"))) == 2


@pytest.mark.usefixtures("written")
def test_a_folder_that_appears_during_an_export_stays(
    tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def somebody_else(folder: Path, manifest: dict[str, Any]) -> dict[str, Any]:
        (tmp_path / "bundle").mkdir()
        return seal(folder, manifest)

    monkeypatch.setattr("skosh.train.export.seal", somebody_else)
    with pytest.raises(ConfigError, match="exists"):
        export(tiny_run, tmp_path / "bundle")
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
    assert not list((tmp_path / "bundle").iterdir())


def test_the_commit_in_the_manifest_is_that_of_this_source_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*words: str) -> str:
        identity = ("-c", "user.name=a", "-c", "user.email=a@b")
        done = subprocess.run(["git", *identity, *words], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    module = tmp_path / "installed" / "provenance.py"
    module.parent.mkdir()
    module.write_text("")
    monkeypatch.setattr(provenance, "__file__", str(module))
    git("init", "--quiet")
    git("commit", "--quiet", "--allow-empty", "--message", "another project")
    assert provenance.commit() is None
    git("add", ".")
    git("commit", "--quiet", "--message", "the source")
    assert provenance.commit() == git("rev-parse", "HEAD")


def test_a_network_that_was_not_trained_for_rate_is_exported_without_what_follows_the_rate() -> None:
    assert exporting.refinable(load("tiny"))
    assert not exporting.refinable(load("tiny", ("lambda_r=0",)))


@pytest.mark.slow
def test_a_calibrated_bundle_fits_its_tables_and_has_filters_that_files_use(
    tiny_run: Path, photo_folder: Path, tiny_bundle: Path, photo: Image.Image, tmp_path: Path
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("skosh.train.calibrate.BATCHES", 2)
        patch.setattr("skosh.train.wiener_terms.BATCHES", 8)
        patch.setattr("skosh.train.wiener_terms.ROUNDS", 20)
        export(tiny_run, tmp_path / "bundle", calibrate=photo_folder)
    bundle = Bundle(tmp_path / "bundle")
    assert bundle.wiener_terms > 0
    assert len(skosh.encode(photo, 60, bundle)) < len(skosh.encode(photo, 60, tiny_bundle))
