"""The training loop: it can stop at any step and go on as if it had not, and it says what went wrong."""

from __future__ import annotations

import json
import math
import shutil
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from skosh.errors import ConfigError, SkoshError
from skosh.train import checkpoint, loop
from skosh.train import config as configs
from skosh.train.config import Config
from skosh.train.data import Crops
from skosh.train.loop import train
from skosh.train.run import check_same_run, learning_rate, warming_average

# SOAP turns its bases before and after the stop, and the scale map goes over to integers after it.
SHORT = replace(configs.load("tiny"), steps=8, soap_every=2, save_every=2)


def equal(a: Any, b: Any) -> bool:
    """Whether two nested states are the same, bit for bit."""
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(equal(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)


def terminate_in_step(monkeypatch: pytest.MonkeyPatch, last: int) -> None:
    """Send SIGTERM while step ``last`` draws its crops."""
    draw = Crops.draw

    def patched(self: Crops, step: int) -> Any:
        if step == last:
            signal.raise_signal(signal.SIGTERM)
        return draw(self, step)

    monkeypatch.setattr(Crops, "draw", patched)


def fail_in_step(monkeypatch: pytest.MonkeyPatch, last: int) -> None:
    """Let the loss of step ``last`` be no number."""
    draw = Crops.draw

    def patched(self: Crops, step: int) -> Any:
        crops, levels = draw(self, step)
        return crops, levels * math.nan if step == last else levels

    monkeypatch.setattr(Crops, "draw", patched)


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread", "quick_patches")
@pytest.mark.parametrize("optimiser", ["soap", "adam"])
def test_a_run_that_was_terminated_and_resumed_ends_as_one_that_was_not_bit_for_bit(
    tmp_path: Path, photo_folder: Path, optimiser: str
) -> None:
    config = replace(SHORT, optimiser=optimiser)
    train(config, photo_folder, photo_folder, tmp_path / "straight")
    with pytest.MonkeyPatch.context() as patch:
        terminate_in_step(patch, 4)
        assert train(config, photo_folder, photo_folder, tmp_path / "stopped") == signal.SIGTERM
    stopped = checkpoint.load(tmp_path / "stopped")
    assert stopped["step"] == 5  # the step under way is finished and saved
    assert not (tmp_path / "stopped" / "log.jsonl").exists()
    assert train(config, photo_folder, photo_folder, tmp_path / "stopped", resume=True) == 0
    straight, resumed = checkpoint.load(tmp_path / "straight"), checkpoint.load(tmp_path / "stopped")
    for part in ("step", "pixels", "model", "averaged", "optimiser", "config"):
        assert equal(straight[part], resumed[part]), part
    assert not equal(stopped["model"], resumed["model"])
    logs = [json.loads((tmp_path / run / "log.jsonl").read_text()) for run in ("straight", "stopped")]
    assert logs[0]["val"] == logs[1]["val"]


@pytest.mark.slow
@pytest.mark.usefixtures("quick_patches")
def test_signals_are_given_back_after_a_run_however_it_ends(
    tmp_path: Path, photo_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        train(replace(SHORT, steps=1), photo_folder, photo_folder, tmp_path / "good")
        assert {number: signal.getsignal(number) for number in before} == before
        fail_in_step(monkeypatch, 0)
        with pytest.raises(SkoshError):
            train(SHORT, photo_folder, photo_folder, tmp_path / "bad")
        assert {number: signal.getsignal(number) for number in before} == before
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.mark.slow
@pytest.mark.usefixtures("quick_patches")
@pytest.mark.parametrize("exponent", [2.0, 1.5])
def test_a_loss_that_is_no_number_names_its_step_and_keeps_the_last_good_checkpoint(
    tmp_path: Path, photo_folder: Path, monkeypatch: pytest.MonkeyPatch, exponent: float
) -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    fail_in_step(monkeypatch, 3)
    try:
        with pytest.raises(SkoshError, match=r"step 3.*nan"):
            train(replace(SHORT, exponent=exponent), photo_folder, photo_folder, tmp_path)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    state = checkpoint.load(tmp_path)
    assert state["step"] == 2
    assert all(torch.isfinite(value).all() for value in state["model"].values())


def test_a_folder_with_a_run_is_not_overwritten(tiny_run: Path, photo_folder: Path) -> None:
    content = (tiny_run / checkpoint.FILE).read_bytes()
    with pytest.raises(ConfigError, match="--resume"):
        train(SHORT, photo_folder, photo_folder, tiny_run)
    assert (tiny_run / checkpoint.FILE).read_bytes() == content


def test_resuming_where_there_is_no_run_is_an_error(tmp_path: Path, photo_folder: Path) -> None:
    with pytest.raises(ConfigError, match="no checkpoint"):
        train(SHORT, photo_folder, photo_folder, tmp_path, resume=True)


@pytest.mark.parametrize("content", [b"", b"no archive at all"])
def test_a_damaged_checkpoint_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / checkpoint.FILE).write_bytes(content)
    with pytest.raises(ConfigError, match=r"checkpoint\.pt is damaged"):
        checkpoint.load(tmp_path)


def test_a_checkpoint_that_was_cut_short_is_named(tmp_path: Path, tiny_run: Path) -> None:
    (tmp_path / checkpoint.FILE).write_bytes((tiny_run / checkpoint.FILE).read_bytes()[:100_000])
    with pytest.raises(ConfigError, match=r"checkpoint\.pt is damaged"):
        checkpoint.load(tmp_path)


def test_a_run_that_dies_while_saving_keeps_its_last_checkpoint(tmp_path: Path, monkeypatch: Any) -> None:
    checkpoint.save(tmp_path, SHORT, step=1)

    def die(state: Any, file: Any) -> None:
        file.write(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(torch, "save", die)
    with pytest.raises(OSError, match="no space"):
        checkpoint.save(tmp_path, SHORT, step=2)
    assert checkpoint.load(tmp_path)["step"] == 1


def test_the_log_is_a_line_of_json_for_each_validation(tiny_run: Path) -> None:
    rows = [json.loads(line) for line in (tiny_run / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [12]
    assert rows[0]["gpx"] == pytest.approx(12 * 2 * 64 * 64 / 1e9)
    assert rows[0]["loss"] == pytest.approx(sum(point["loss"] for point in rows[0]["val"]) / 3)
    assert [point["level"] for point in rows[0]["val"]] == [0.0, 0.5, 1.0]
    for point in rows[0]["val"]:
        assert {"bpp", "psnr", "ms_ssim", "loss"} <= point.keys()


def test_the_cyclic_rate_is_a_triangle_between_its_ends() -> None:
    config = Config(steps=1, schedule="cyclic", cycle=20, learning_rate=1e-2, learning_rate_min=1e-3)
    rates = [learning_rate(config, step, 1000) for step in range(41)]
    assert rates[0] == rates[20] == rates[40] == pytest.approx(1e-3)
    assert rates[10] == rates[30] == pytest.approx(1e-2)
    assert rates[5] == rates[15] == pytest.approx(5.5e-3)
    assert (min(rates), max(rates)) == (rates[0], rates[10])


def test_the_decaying_rate_warms_up_holds_and_ends_at_its_minimum() -> None:
    config = Config(steps=1, learning_rate=1e-2, learning_rate_min=1e-4, warmup=10, decay_part=0.5)
    rates = [learning_rate(config, step, 100) for step in range(101)]
    assert rates[0] == pytest.approx(1e-3)
    assert rates[:10] == sorted(rates[:10])
    assert rates[9:51] == pytest.approx([1e-2] * 42)
    assert rates[75] == pytest.approx((1e-2 + 1e-4) / 2)
    assert rates[50:] == sorted(rates[50:], reverse=True)
    assert rates[99] == pytest.approx(1e-4, rel=0.15)
    assert rates[100] == pytest.approx(1e-4)


def test_a_run_that_is_shorter_than_its_warm_up_still_ends_low() -> None:
    config = Config(steps=1, learning_rate=1e-2, learning_rate_min=1e-4, warmup=20, decay_part=0.5)
    rates = [learning_rate(config, step, 10) for step in range(11)]
    assert rates[:6] == pytest.approx([1e-2 * (step + 1) / 20 for step in range(6)])
    assert max(rates) < 0.5e-2
    assert rates[10] == pytest.approx(1e-4)


@pytest.mark.slow
def test_epochs_draw_as_many_crops_as_there_are_pictures(
    tmp_path: Path, photo_folder: Path, monkeypatch: pytest.MonkeyPatch, quick_patches: None
) -> None:
    monkeypatch.setattr(loop, "validate", lambda *args: [{"level": 0.0, "bpp": 0.0, "psnr": 0.0, "loss": 0.0}])
    train(replace(SHORT, steps=0, epochs=3, batch=8), photo_folder, photo_folder, tmp_path)
    assert checkpoint.load(tmp_path)["step"] == 2  # 3 times 4 pictures in batches of 8


@pytest.mark.slow
def test_a_run_keeps_the_memory_that_its_steps_free(
    tmp_path: Path, photo_folder: Path, monkeypatch: pytest.MonkeyPatch, quick_patches: None
) -> None:
    order: list[str] = []
    monkeypatch.setattr(loop, "keep_freed_memory", lambda: order.append("kept"))
    monkeypatch.setattr(loop.Run, "step", lambda self: order.append("step") or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        train(SHORT, photo_folder, photo_folder, tmp_path)
    assert order == ["kept", "step"]


def test_the_average_forgets_where_the_run_began() -> None:
    update, averaged = warming_average(0.999), [torch.tensor([1000.0])]
    for n in range(1, 200):
        update(averaged, [torch.tensor([0.0])], n)
    assert 0 < averaged[0].item() < 1e-3
    update(averaged, [torch.tensor([1.0])], 10**6)
    assert averaged[0].item() == pytest.approx(0.001, rel=0.01)


def test_a_resumed_run_keeps_its_configuration_but_may_be_longer_and_slower(tiny_run: Path, photo_folder: Path) -> None:
    other = configs.load("tiny", ("ema=0.5", "lambda_max=0.01"))
    with pytest.raises(ConfigError, match=r"lambda_max was .*ema was"):
        loop.train(other, photo_folder, photo_folder, tiny_run, resume=True)
    check_same_run(configs.load("tiny"), configs.load("tiny", ("steps=99", "learning_rate=1e-4", "save_every=7")))


@pytest.mark.slow
def test_the_last_part_of_a_run_may_have_larger_crops(photo_folder: Path, tmp_path: Path) -> None:
    loop.train(configs.load("tiny", ("steps=2", "crop=64", "batch=4")), photo_folder, photo_folder, tmp_path)
    last = configs.load("tiny", ("steps=3", "crop=128", "batch=2"))
    loop.train(last, photo_folder, photo_folder, tmp_path, resume=True)
    assert checkpoint.load(tmp_path)["pixels"] == 2 * 4 * 64**2 + 2 * 128**2
    with pytest.raises(ConfigError, match="has 3 steps already, and 2 are asked for"):
        loop.train(replace(last, steps=2), photo_folder, photo_folder, tmp_path, resume=True)


def test_mistakes_are_said_before_anything_is_read_or_made(
    photo_folder: Path, tiny_run: Path, tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "load_pictures", lambda *_: pytest.fail("pictures were read"))
    out, tiny = tmp_path / "out", configs.load("tiny")

    def refused(match: str, config: Config = tiny, **options: Any) -> None:
        with pytest.raises(SkoshError, match=match):
            train(config, photo_folder, photo_folder, **{"out": out, **options})

    refused("no checkpoint", resume=True)
    refused("no model 'nothing'", init="nothing")
    refused("give one of the two", out=tiny_run, resume=True, init=tiny_bundle)
    refused("lambda_max was", configs.load("tiny", ("lambda_max=0.01",)), out=tiny_run, resume=True)
    refused("LPIPS", replace(tiny, weight_lpips=1.0), lpips_weights=tmp_path / "missing.npz")
    refused("no device 'nowhere'", device="nowhere")
    assert not out.exists()


@pytest.mark.slow
def test_a_run_that_goes_on_with_other_pictures_says_so(
    photo_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(replace(SHORT, steps=1), photo_folder, photo_folder, tmp_path / "run")
    train(replace(SHORT, steps=2), photo_folder, photo_folder, tmp_path / "run", resume=True)
    assert "have changed" not in capsys.readouterr().err
    fewer = tmp_path / "fewer"
    fewer.mkdir()
    shutil.copy(photo_folder / "0.png", fewer)
    train(replace(SHORT, steps=3), fewer, photo_folder, tmp_path / "run", resume=True)
    assert "the pictures have changed: " in capsys.readouterr().err


@pytest.mark.slow
def test_a_run_that_died_in_its_last_validation_still_gets_it(photo_folder: Path, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "validate", lambda *_: (_ for _ in ()).throw(SystemExit("no power")))
        with pytest.raises(SystemExit):
            train(SHORT, photo_folder, photo_folder, tmp_path)
    assert train(SHORT, photo_folder, photo_folder, tmp_path, resume=True) == 0
    (line,) = (tmp_path / "log.jsonl").read_text().splitlines()
    assert json.loads(line)["step"] == SHORT.steps


@pytest.mark.slow
def test_tensorboard_has_the_scalars_and_two_reconstructions(photo_folder: Path, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(replace(SHORT, steps=20, validate_every=20), photo_folder, photo_folder, tmp_path)
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    found = events.Tags()
    assert {"train/loss", "train/bpp", "train/psnr", "train/rate", "val/loss"} <= set(found["scalars"])
    assert [event.step for event in events.Scalars("train/loss")] == [10, 20]
    logged = json.loads((tmp_path / "log.jsonl").read_text())["loss"]
    assert events.Scalars("val/loss")[0].value == pytest.approx(logged)
    assert set(found["images"]) == {"val/0", "val/1"}
