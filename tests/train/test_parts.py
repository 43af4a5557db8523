"""A part is trained on a frozen bundle: nothing else moves, and what files hold stays as it is."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from skosh.errors import ConfigError
from skosh.train import checkpoint, distributed
from skosh.train.config import HEADS, PARTS, Config, load, network_fields
from skosh.train.data import Crops, load_pictures, to_network
from skosh.train.init import restore
from skosh.train.loop import train
from skosh.train.loss import loss_of
from skosh.train.parts import settled, started
from skosh.train.run import Run
from skosh.train.validate import validate

NARROW = ("head_width_16=16", "head_blocks_16=1", "head_width_4=8", "head_blocks_4=1", "small_width=16")
SHORT = ("crop=128", "batch=2", "warmup=2", "weight_lpips=0", "weight_wasserstein=0", "ema=0.5", *NARROW)


def short(part: str, *settings: str) -> Config:
    """The shipped configuration of a part, without LPIPS and with small networks."""
    return load(part, (*SHORT, "steps=30", "validate_every=100", *settings))


def run_of(part: str, bundle: Path, photo_folder: Path, *settings: str) -> Run:
    config = settled(short(part, *settings), bundle, None)
    pictures = load_pictures(photo_folder, config.crop)
    return Run(config, pictures, "", distributed.join("cpu"), loss_of(config), bundle)


def frozen(run: Run) -> dict[str, torch.Tensor]:
    """A copy of what must not move."""
    learned = {name for name, p in run.model.named_parameters() if p.requires_grad}
    return {name: value.clone() for name, value in run.model.state_dict().items() if name not in learned}


@pytest.mark.parametrize("part", PARTS)
def test_only_the_part_moves_and_has_a_state_of_the_optimiser(part: str, tiny_bundle: Path, photo_folder: Path) -> None:
    run = run_of(part, tiny_bundle, photo_folder)
    learned = {name for name, p in run.model.named_parameters() if p.requires_grad}
    prefix = "head" if part in HEADS else "codec.analysis."
    assert learned
    assert all(name.startswith(prefix) for name in learned)
    before, weights = frozen(run), {name: run.model.state_dict()[name].clone() for name in learned}
    for _ in range(3):
        run.step()
    for name, value in before.items():
        assert torch.equal(run.model.state_dict()[name], value), name
        assert torch.equal(run.averaged.module.state_dict()[name], value), name
    assert all(not torch.equal(run.model.state_dict()[name], value) for name, value in weights.items())
    held = {id(p) for p, state in run.optimiser.state.items() if state}
    assert held == {id(p) for p in run.model.parameters() if p.requires_grad}
    assert all(p.grad is None for p in run.model.parameters() if not p.requires_grad)


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_the_loss_falls_within_thirty_steps(part: str, tiny_bundle: Path, photo_folder: Path) -> None:
    run = run_of(part, tiny_bundle, photo_folder, "noise_max=20", "recolour=0", "optimiser=adam", "learning_rate=1e-3")
    pictures = load_pictures(photo_folder, 256)[:1]

    def held_out() -> float:
        points = validate(run.averaged.module, run.loss, pictures, [0.0, 1.0])
        return sum(point["loss"] for point in points)

    before = held_out()
    for _ in range(30):
        run.step()
    assert held_out() < before


@pytest.mark.parametrize("part", ["detail", "double"])
def test_a_head_of_the_decoder_shows_at_step_0_what_there_is_without_it(
    part: str, tiny_bundle: Path, photo_folder: Path
) -> None:
    run = run_of(part, tiny_bundle, photo_folder)
    (point,) = validate(run.averaged.module, run.loss, load_pictures(photo_folder, 256)[:1], [0.5])
    pairs = {"detail": ("psnr_0", "psnr_1"), "double": ("psnr_bicubic", "psnr_double")}[part]
    without, with_head = (point[key] for key in pairs)
    assert with_head == pytest.approx(without, abs=0.03 if part == "double" else 0)  # bicubic of grey levels


def test_a_detail_head_is_trained_on_the_picture_that_files_show(tiny_bundle: Path, photo_folder: Path) -> None:
    run = run_of("detail", tiny_bundle, photo_folder)
    cut, t = Crops(load_pictures(photo_folder, 256), 128, 2, 0).draw(0)
    _, codec = restore(tiny_bundle)
    codec.entropy.scale.integer = True
    with torch.no_grad():
        due, coded = codec.eval()(to_network(cut), t)
        shown, found, faithful = run.model.train()(to_network(cut), t)
    torch.testing.assert_close(faithful, due, atol=1e-4, rtol=0)  # sums in another order, not other symbols
    torch.testing.assert_close(found.y_hat, coded.y_hat, atol=1e-4, rtol=1e-4)
    assert torch.equal(shown, faithful)
    assert not run.model.frozen.codec.training


def test_a_part_takes_the_network_and_the_lambdas_of_the_bundle(tiny_bundle: Path) -> None:
    before, _ = restore(tiny_bundle)
    for part in PARTS:
        config = settled(short(part), tiny_bundle, None)
        assert all(getattr(config, name) == getattr(before, name) for name in network_fields() if "integer" not in name)
        assert config.integer_scale_from == 0.0
        assert config.lambda_r == (0.0 if part in HEADS else before.lambda_r)
        assert config.weight_mse == load(part).weight_mse
    everything = load("tiny")
    assert settled(everything, None, None) is everything


def test_network_fields_are_those_that_shape_a_codec_and_place_its_levels() -> None:
    names = set(network_fields())
    assert {"network", "latent_channels", "levels", "learned_step", "width", "lambda_min", "lambda_max"} <= names
    assert not names & {"name", "part", "head_width_16", "lambda_r", "weight_mse", "crop", "steps"}


def test_a_part_without_a_bundle_is_refused_and_so_is_a_way_between_two(
    tiny_bundle: Path, photo_folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="name it with --init"):
        train(short("detail"), photo_folder, photo_folder, tmp_path / "a")
    with pytest.raises(ConfigError, match="leave --towards out"):
        train(short("detail"), photo_folder, photo_folder, tmp_path / "b", init=tiny_bundle, towards=tiny_bundle)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        (["part=everything"], "part is"),
        (["part=detail", "network=seed", "levels=1", "lambda_max=0.0012"], "parts belong to a flagship"),
        (["part=small", "weight_ssimulacra2=1"], "small pictures"),
        (["part=double", "crop=192"], "multiple of 128"),
        (["part=detail", "noise=0.5"], "noise"),
        (["noise=1.5"], "noise"),
        (["part=psnr", "weight_adversary=1"], "adversary"),
        (["adversary_every=0"], "adversary_every"),
        (["adversary_ramp=2"], "adversary_ramp"),
        (["weight_wasserstein=-1"], "weights"),
        (["weight_mse=0", "weight_adversary=1"], "weights"),
        (["head_width_4=0"], "widths"),
        (["small_blocks=-1"], "blocks"),
    ],
)
def test_a_part_that_can_not_be_trained_so_breaks_a_rule(settings: list[str], rule: str) -> None:
    with pytest.raises(ConfigError, match=rule):
        load("tiny", tuple(settings))


def equal(a: Any, b: Any) -> bool:
    """Whether two nested states are the same, bit for bit."""
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(equal(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize(
    ("part", "settings"),
    [("detail", ["weight_adversary=1", "weight_matching=1", "adversary_width=8"]), ("denoise", [])],
)
def test_a_part_that_is_resumed_ends_as_one_that_was_not_stopped_bit_for_bit(
    part: str, settings: list[str], tiny_bundle: Path, photo_folder: Path, tmp_path: Path
) -> None:
    def go(folder: str, steps: int, **options: Any) -> dict[str, Any]:
        config = short(part, "crop=64" if part == "denoise" else "crop=128", "optimiser=adam", *settings)
        config = dataclasses.replace(config, steps=steps, schedule="cyclic", adversary_ramp=0.0, save_every=2)
        assert train(config, photo_folder, photo_folder, tmp_path / folder, **options) == 0
        return checkpoint.load(tmp_path / folder)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("skosh.train.loop.validate", lambda *_: [{"level": 0.0, "bpp": 0.0, "loss": 0.0}])
        straight = go("straight", 5, init=tiny_bundle)
        half = go("resumed", 2, init=tiny_bundle)
        resumed = go("resumed", 5, resume=True)  # without the bundle: the checkpoint has the frozen codec
    for key in ("model", "averaged", "optimiser", "adversary", "step"):
        assert equal(straight[key], resumed[key]), key
    assert not equal(half["model"], resumed["model"])
    assert (resumed["adversary"] is not None) == (part == "detail")


def test_a_run_of_a_part_says_first_where_the_bundle_stands(
    tiny_bundle: Path, photo_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = short("small", "steps=1", "crop=64")
    assert train(config, photo_folder, photo_folder, tmp_path, init=tiny_bundle) == 0
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [0, 1]
    for point in rows[0]["val"]:
        assert {"level", "bpp", "loss", "psnr_2", "psnr_8_whole"} <= point.keys()
        assert point["psnr_8"] < point["psnr_8_whole"]  # the linear transform alone knows less than the synthesis
    said = capsys.readouterr().err
    assert said.count("psnr_8_whole") == 2 * 3  # a line for each level


def test_a_denoising_encoder_is_measured_on_clean_and_on_noisy_pictures(tiny_bundle: Path, photo_folder: Path) -> None:
    run = run_of("denoise", tiny_bundle, photo_folder)
    (point,) = validate(run.averaged.module, run.loss, load_pictures(photo_folder, 256)[:1], [1.0])
    assert point["psnr_noisy"] < point["psnr"]
    assert point["bpp_noisy"] > point["bpp"]


def test_a_part_goes_on_from_a_bundle_that_has_it_and_starts_anew_where_its_shape_is_another(
    tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = settled(short("psnr"), tiny_bundle, None)
    _, codec = restore(tiny_bundle)
    moved = {name: value + 0.5 for name, value in codec.analysis.state_dict().items()}
    for found, due in ((moved, moved), ({"leave.bias": torch.zeros(3)}, codec.analysis.state_dict())):
        with monkeypatch.context() as patch:
            patch.setattr("skosh.train.parts.path_of", lambda name: "encoder/analysis.onnx")  # stands for its own
            patch.setattr("skosh.train.parts.read_weights", lambda content, found=found: found)
            part = started(config, None, tiny_bundle)
        for name, value in due.items():
            assert torch.equal(part.codec.analysis.state_dict()[name], value), name
