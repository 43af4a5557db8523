"""A part goes into the bundle that it was trained on: whole or not at all, and nothing else changes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from typer.testing import CliRunner

from skosh.bundle.bundle import Bundle
from skosh.bundle.graphs import ENCODER, GRAPHS, HEADS, path_of
from skosh.bundle.manifest import hashes, read_manifest, reseal
from skosh.cli import app
from skosh.errors import ConfigError
from skosh.train import checkpoint, distributed
from skosh.train.config import PARTS, Config, load
from skosh.train.data import load_pictures
from skosh.train.export import export
from skosh.train.export_part import averaged_part, export_into, round_state, traced
from skosh.train.init import restore
from skosh.train.loss import loss_of
from skosh.train.onnx_export import write_graph
from skosh.train.parts import settled, started
from skosh.train.run import Run

pytestmark = pytest.mark.slow  # networks are written

NARROW = ("head_width_16=32", "head_blocks_16=1", "head_width_4=8", "head_blocks_4=1", "small_width=32")
SHORT = ("crop=128", "batch=2", "weight_lpips=0", "weight_wasserstein=0", "steps=2", *NARROW)


@pytest.fixture(scope="module")
def bundle(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny bundle without heads and with a synthesis that shows its features."""
    folder = tmp_path_factory.mktemp("bundles") / "tiny"
    shutil.copytree(tiny_bundle, folder)
    shutil.rmtree(folder / HEADS, ignore_errors=True)
    encoder = read_manifest(folder)[ENCODER]
    for name in ("analysis_denoise", "analysis_psnr"):
        (folder / path_of(name)).unlink(missing_ok=True)
        encoder["halo"].pop(name, None)
    config, model = restore(tiny_bundle)
    y, level = torch.zeros(1, config.latent_channels, 6, 8), torch.zeros(1, config.body_width, 1, 1)
    write_graph(model.synthesis, (y, level), folder / path_of("synthesis"))
    reseal(folder, encoder=encoder, heads={"halo": {}})
    return folder


@pytest.fixture(scope="module")
def runs(bundle: Path, photo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of two steps of each part, by its name."""
    folder = tmp_path_factory.mktemp("runs")
    for part in PARTS:
        config = settled(load(part, SHORT), bundle, None)
        pictures = load_pictures(photo_folder, config.crop)
        run = Run(config, pictures, "four pictures", distributed.join("cpu"), loss_of(config), bundle)
        for _ in range(config.steps):
            run.step()
        (folder / part).mkdir()
        run.save(folder / part)
    return folder


@pytest.fixture(scope="module")
def with_detail(bundle: Path, runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle with the detail head of its run."""
    folder = copy_of(bundle, tmp_path_factory.mktemp("detailed"))
    export_into(runs / "detail", folder)
    return folder


@pytest.fixture
def quick_graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that stand for networks, where only the folder matters: it saves half a minute each."""

    def stand_in(network: torch.nn.Module, inputs: tuple[torch.Tensor, ...], path: Path) -> None:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"a network")

    monkeypatch.setattr("skosh.train.export_part.write_graph", stand_in)


def copy_of(bundle: Path, tmp_path: Path) -> Path:
    shutil.copytree(bundle, tmp_path / "bundle")
    return tmp_path / "bundle"


@pytest.mark.parametrize("part", PARTS)
def test_the_graphs_of_a_part_compute_what_pytorch_does_and_nothing_else_changes(
    part: str, bundle: Path, runs: Path, tmp_path: Path
) -> None:
    target = copy_of(bundle, tmp_path)
    before = read_manifest(target)
    after = export_into(runs / part, target)
    assert after == read_manifest(target)
    assert after["files"] == hashes(target)
    assert after["model_id"] == before["model_id"]
    state = checkpoint.load(runs / part)
    trained = averaged_part(state["config"], state)
    graphs = trained.graphs()
    assert {path_of(g.name) for g in graphs} == after["files"].keys() - before["files"].keys()
    assert all(after["files"][name] == digest for name, digest in before["files"].items())
    assert [p.name for p in tmp_path.iterdir()] == ["bundle"]
    loaded = Bundle(target, threads=1)
    torch.manual_seed(0)
    for graph in graphs:
        inputs = [torch.randn(1, *x.shape[1:2], *(s // 2 or 1 for s in x.shape[2:])) for x in traced(graph)]
        found = loaded.run(graph.name, *(x.numpy() for x in inputs))
        with torch.no_grad():
            due = graph.network(*inputs)  # before its weights are rounded
        assert len(found) == 1
        assert found[0].shape == due.shape
        assert found[0].shape[2] == inputs[0].shape[2] * GRAPHS[graph.name].scale
        assert np.abs(found[0] - due.numpy()).max() < 0.05 * due.abs().max() + 1e-3
        role = after[GRAPHS[graph.name].role]
        assert role["halo"][graph.name] >= (0 if part == "psnr" else 1)
        made = role["provenance"][graph.name]
        assert made["data"] == "four pictures"
        assert made["config"]["part"] == part
        if GRAPHS[graph.name].role == HEADS:
            assert role["made_for"][graph.name] == after["model_id"]


@pytest.mark.usefixtures("quick_graphs")
def test_parts_stand_side_by_side_and_each_replaces_itself_alone(with_detail: Path, runs: Path, tmp_path: Path) -> None:
    target = copy_of(with_detail, tmp_path)
    both = export_into(runs / "small", target)
    assert {"detail", "small_2", "small_4", "small_8"} == both[HEADS]["halo"].keys() == both[HEADS]["made_for"].keys()
    assert both["files"][path_of("detail")] == read_manifest(with_detail)["files"][path_of("detail")]
    again = export_into(runs / "detail", target)
    changed = {name for name, digest in again["files"].items() if both["files"][name] != digest}
    assert changed == {path_of("detail")}  # which the fixture writes in another way
    assert again[HEADS] == both[HEADS]


def test_a_run_goes_on_from_the_head_of_a_bundle(with_detail: Path, runs: Path) -> None:
    state = checkpoint.load(runs / "detail")
    due = averaged_part(state["config"], state).head.state_dict()
    round_state(due, ("enter.", "blocks16.", "up."))
    again = started(state["config"], None, with_detail).head.state_dict()
    for name, value in due.items():
        assert torch.equal(again[name], value), name


def test_layers_at_a_sixteenth_take_a_byte_a_weight_and_pixels_two(with_detail: Path) -> None:
    stored = {t.name: t.data_type for t in onnx.load(with_detail / path_of("detail")).graph.initializer}
    assert stored["enter.weight.stored"] == stored["up.weight.stored"] == onnx.TensorProto.INT8
    assert stored["leave.weight.stored"] == onnx.TensorProto.FLOAT16


def test_realism_scales_the_exported_detail(with_detail: Path) -> None:
    loaded, config = Bundle(with_detail, threads=1), restore(with_detail)[0]
    rng = np.random.default_rng(0)
    shapes = ((config.body_width, 3, 5), (config.render_width, 12, 20), (4, 12, 20))
    features = [rng.normal(size=(1, *shape)).astype(np.float32) for shape in shapes]
    whole, half, none = (
        loaded.run("detail", *features, np.full((1, 1, 1, 1), realism, np.float32))[0] for realism in (1.0, 0.5, 0.0)
    )
    assert whole.shape == (1, 3, 48, 80)
    assert whole.std() > 0
    np.testing.assert_allclose(half, 0.5 * whole, rtol=1e-5, atol=1e-8)
    assert not none.any()


@pytest.mark.usefixtures("quick_graphs")
def test_a_part_is_refused_where_it_does_not_belong(bundle: Path, runs: Path, tiny_run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"  # another synthesis, with features
    shutil.copytree(bundle, other)
    config, model = restore(bundle)
    with torch.no_grad():
        model.synthesis.leave.bias += 0.25
    y, level = torch.zeros(1, config.latent_channels, 6, 8), torch.zeros(1, config.body_width, 1, 1)
    write_graph(model.synthesis, (y, level), other / path_of("synthesis"))
    reseal(other)
    bare = tmp_path / "bare"  # the same weights, without features
    shutil.copytree(bundle, bare)
    graph = onnx.load(bare / path_of("synthesis"))
    del graph.graph.output[1:]
    (bare / path_of("synthesis")).write_bytes(graph.SerializeToString(deterministic=True))
    reseal(bare)
    for run, target, words in (
        (runs / "detail", other, r"another codec .*synthesis\.leave\.bias"),
        (runs / "denoise", other, "another codec"),
        (runs / "detail", bare, "does not show its features"),
        (runs / "double", bare, "does not show its features"),
        (tiny_run, bundle, "trained everything"),
    ):
        before = hashes(target)
        with pytest.raises(ConfigError, match=words):
            export_into(run, target)
        assert hashes(target) == before
    export_into(runs / "small", bare)  # which reads the latent alone


@pytest.mark.usefixtures("quick_graphs")
def test_a_head_knows_nothing_of_the_encoder_but_an_encoder_does(bundle: Path, runs: Path, tmp_path: Path) -> None:
    target = copy_of(bundle, tmp_path)
    _, model = restore(bundle)
    with torch.no_grad():
        model.entropy.analysis.leave.bias += 0.25
    y = torch.zeros(1, model.latent_channels, 24, 32)
    write_graph(model.entropy.analysis, (y,), target / path_of("hyper_analysis"))
    reseal(target)
    with pytest.raises(ConfigError, match=r"entropy\.analysis\.leave\.bias"):
        export_into(runs / "psnr", target)
    assert "detail" in export_into(runs / "detail", target)[HEADS]["halo"]


@pytest.mark.usefixtures("quick_graphs")
def test_an_export_that_is_stopped_leaves_the_bundle_as_it_was(
    bundle: Path, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = copy_of(bundle, tmp_path)
    (target / "notes.txt").write_text("kept")
    before = {path: path.read_bytes() for path in target.rglob("*") if path.is_file()}

    def stopped(*arguments: object) -> None:
        raise KeyboardInterrupt

    for place in ("seal", "halo"):
        with monkeypatch.context() as patch:
            patch.setattr(f"skosh.train.export_part.{place}", stopped)
            with pytest.raises(KeyboardInterrupt):
                export_into(runs / "psnr", target)
        assert {path: path.read_bytes() for path in target.rglob("*") if path.is_file()} == before
        assert [p.name for p in tmp_path.iterdir()] == ["bundle"]
    export_into(runs / "psnr", target)
    assert (target / "notes.txt").read_text() == "kept"
    assert "analysis_psnr" in read_manifest(target)[ENCODER]["halo"]


@pytest.mark.usefixtures("quick_graphs")
def test_a_decoder_that_was_damaged_is_not_sealed_again(bundle: Path, runs: Path, tmp_path: Path) -> None:
    target = copy_of(bundle, tmp_path)
    stray = target / "decoder" / "stray.onnx"
    stray.write_bytes(b"not in the manifest")
    with pytest.raises(ConfigError, match="model id"):
        export_into(runs / "psnr", target)
    assert stray.exists()
    assert "analysis_psnr" not in read_manifest(target)[ENCODER]["halo"]


def test_the_command_writes_a_part_and_says_what_belongs_together(bundle: Path, runs: Path, tmp_path: Path) -> None:
    target, run = copy_of(bundle, tmp_path), str(runs / "psnr")
    done = CliRunner().invoke(app, ["export", run, "--into", str(target)])
    assert done.exit_code == 0, done.output
    assert read_manifest(target)["model_id"] in done.output
    assert (target / path_of("analysis_psnr")).is_file()
    for options in ([], ["--into", str(target), "-o", str(tmp_path / "b")], ["--into", str(target), "--force"]):
        assert CliRunner().invoke(app, ["export", run, *options]).exit_code == 2
    with pytest.raises(ConfigError, match="--into"):
        export(run, tmp_path / "b")


@pytest.mark.usefixtures("quick_graphs")
def test_what_the_manifest_keeps_of_a_configuration_differs_from_the_defaults(
    bundle: Path, runs: Path, tmp_path: Path
) -> None:
    made = export_into(runs / "psnr", copy_of(bundle, tmp_path))[ENCODER]["provenance"]["analysis_psnr"]
    assert all(value != getattr(Config(), key) for key, value in made["config"].items())
    assert len(json.dumps(made)) < 4000
