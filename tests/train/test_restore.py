from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from skosh import ConfigError
from skosh.bundle.manifest import read_manifest
from skosh.train import checkpoint, config, loop
from skosh.train.export import export, write_bundle
from skosh.train.init import blend, move_levels, restore, start_from
from skosh.train.networks import Network, build


def of_the_network(bundle: Path) -> dict[str, str]:
    """The hashes of a bundle's files, but for heads and encoders for a purpose, which are trained apart."""
    parts = ("heads/", "encoder/analysis_")
    return {name: digest for name, digest in read_manifest(bundle)["files"].items() if not name.startswith(parts)}


@pytest.mark.slow
def test_a_bundle_that_is_loaded_and_exported_again_is_the_same(tiny_bundle: Path, tmp_path: Path) -> None:
    settings, model = restore(tiny_bundle)
    again = write_bundle(model, settings, tmp_path, "1", {})
    assert again["files"] == of_the_network(tiny_bundle)


@pytest.mark.slow
def test_a_run_that_starts_from_a_bundle_starts_with_its_weights(
    tiny_bundle: Path, photo_folder: Path, tmp_path: Path
) -> None:
    still = ("learning_rate=1e-12", "learning_rate_min=0", "steps=1", "warmup=1")
    loop.train(config.load("tiny", still), photo_folder, photo_folder, tmp_path, init=tiny_bundle)
    _, model = restore(tiny_bundle)
    state = checkpoint.load(tmp_path)["model"]
    for name, value in model.state_dict().items():
        assert torch.allclose(state[name], value, atol=1e-9), name


@pytest.mark.slow
def test_a_run_can_start_between_two_bundles(tiny_bundle: Path, tmp_path: Path) -> None:
    settings, first = restore(tiny_bundle)
    _, second = restore(tiny_bundle)
    with torch.no_grad():
        for parameter in second.parameters():
            parameter.add_(0.125)
    write_bundle(second, settings, tmp_path, "2", {"config": dataclasses.asdict(settings)})
    model = build(settings)
    start_from(model, settings, tiny_bundle, tmp_path, 0.7)
    _, other = restore(tmp_path)
    for name, value in first.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], torch.lerp(value, other.state_dict()[name], 0.7))


def test_a_way_towards_a_bundle_needs_one_to_start_from(tiny_bundle: Path, photo_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="give both"):
        loop.train(config.load("tiny"), photo_folder, photo_folder, tmp_path, towards=tiny_bundle)


@pytest.mark.slow
@pytest.mark.usefixtures("quick_patches")
def test_a_bundle_of_another_network_is_refused_by_the_names_that_differ(
    tiny_bundle: Path, photo_folder: Path, tmp_path: Path
) -> None:
    one_level = ("levels=1", "lambda_max=0.0012")
    for other in (("body_width=16",), ("body_blocks=0",), ("hyper_channels=24",), ("mean_context=24",), one_level):
        with pytest.raises(ConfigError, match="has another network"):
            loop.train(config.load("tiny", other), photo_folder, photo_folder, tmp_path / other[0], init=tiny_bundle)


@pytest.mark.parametrize("setting", ["body_width=40", "body_blocks=3", "width_8=40", "blocks_16=3", "render_width=24"])
def test_a_larger_network_starts_with_what_the_bundle_computes_and_learns_with_what_is_new(
    tiny_bundle: Path, setting: str
) -> None:
    larger = config.load("tiny", (setting,))
    model = build(larger)
    start_from(model, larger, tiny_bundle)
    _, old = restore(tiny_bundle)
    x, t = torch.rand(1, 3, 64, 64), torch.full((1,), 0.5)
    with torch.no_grad():
        (due, _), (shown, _) = old.eval()(x, t), model.eval()(x, t)
    torch.testing.assert_close(shown, due, atol=1e-5, rtol=0)
    model.train()(x, t)[0].square().sum().backward()
    before = dict(old.named_parameters())
    learning = set()
    for name, p in model.named_parameters():
        if p.grad is None or (name in before and before[name].shape == p.shape):
            continue
        if name in before:
            p.grad[tuple(slice(side) for side in before[name].shape)] = 0.0  # leaves what is new
        if p.grad.any():
            learning.add(name)
    assert learning


def test_rows_of_levels_move_to_the_lambdas_of_the_new_configuration() -> None:
    before = config.load("tiny", ("lambda_min=0.001", "lambda_max=0.1", "levels=3"))
    rows = torch.tensor([[0.0, 5.0], [2.0, 5.0], [3.0, 5.0]])  # at lambda 0.001, 0.01 and 0.1
    now = config.load("tiny", ("lambda_min=0.0001", "lambda_max=0.1", "levels=4"))
    moved = move_levels(rows, before, now)
    torch.testing.assert_close(moved, torch.tensor([[-2.0, 5.0], [0.0, 5.0], [2.0, 5.0], [3.0, 5.0]]))
    assert move_levels(rows, before, before) is rows


@pytest.mark.slow
def test_a_network_with_learned_steps_goes_on_from_a_bundle_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skosh.train.export.write_gradients", lambda model, folder: {})  # nobody reads them here
    plain = config.load("tiny", ("learned_step=false",))
    torch.manual_seed(0)
    old = build(plain)
    write_bundle(old, plain, tmp_path, "1", {"config": dataclasses.asdict(plain)})
    model = build(config.load("tiny"))
    start_from(model, config.load("tiny"), tmp_path)
    x, t = torch.rand(1, 3, 64, 64), torch.full((1,), 0.5)
    with torch.no_grad():
        due, shown = old.eval()(x, t), model.eval()(x, t)
    torch.testing.assert_close(shown[0], due[0])
    torch.testing.assert_close(shown[1].bits_y, due[1].bits_y)


@pytest.mark.usefixtures("quick_patches")
def test_more_channels_of_the_latent_start_as_more_of_the_linear_transform(
    tiny_bundle: Path, pixels: npt.NDArray[np.uint8]
) -> None:
    larger = config.load("tiny", ("latent_channels=64",))
    model = build(larger, [pixels])
    start_from(model, larger, tiny_bundle)
    _, old = restore(tiny_bundle)
    x, t = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None] / 255.0, torch.ones(1)
    with torch.no_grad():
        y, due = model.eval().analysis(x), old.eval().analysis(x)
        torch.testing.assert_close(y[:, :48], due)
        (more, coded), (few, before) = model(x, t), old(x, t)
    assert ((more - x) ** 2).mean() < ((few - x) ** 2).mean()
    assert float(before.bits_y) < float(coded.bits_y)
    torch.testing.assert_close(coded.bits_z, before.bits_z)


def test_weights_move_a_share_of_the_way_to_a_bundle(tiny_bundle: Path) -> None:
    settings, start = restore(tiny_bundle)
    _, tuned = restore(tiny_bundle)
    with torch.no_grad():
        for parameter in tuned.parameters():
            parameter += 0.01
    blend(tuned, settings, tiny_bundle, 0.25)
    for (name, moved), parameter in zip(tuned.named_parameters(), start.parameters(), strict=True):
        assert torch.allclose(moved - parameter, torch.full_like(moved, 0.0075), atol=1e-5), name


def test_weights_are_not_moved_towards_a_network_of_another_shape(tiny_bundle: Path) -> None:
    settings, _ = restore(tiny_bundle)
    wider = dataclasses.replace(settings, body_width=settings.body_width + 8)  # --init would grow the bundle's
    with pytest.raises(ConfigError, match="has another network"):
        blend(build(wider), wider, tiny_bundle, 0.5)


def test_an_export_that_is_moved_all_the_way_is_the_other_bundle_and_says_so(
    tiny_bundle: Path, tiny_run: Path, tmp_path: Path, written: list[Network]
) -> None:
    state = checkpoint.load(tiny_run)
    for value in state["averaged"].values():
        if value.is_floating_point():
            value += 0.01
    checkpoint.save(tmp_path, **state)
    manifest = export(tmp_path, tmp_path / "bundle", towards=tiny_bundle, share=1.0)
    assert manifest["files"] == read_manifest(tiny_bundle)["files"]
    (moved,) = written
    due = restore(tiny_bundle)[1].state_dict()
    assert moved.state_dict().keys() == due.keys()
    for name, value in moved.state_dict().items():
        torch.testing.assert_close(value, due[name], rtol=0, atol=0)
    other = read_manifest(tiny_bundle)
    named = {key: other[key] for key in ("name", "version", "model_id")}
    assert manifest["provenance"]["blend"] == {**named, "share": 1.0}
    assert manifest["provenance"]["validation"] is None  # that of the run is of other weights
