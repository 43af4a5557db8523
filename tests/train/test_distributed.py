"""Two processes with half of the batch each are one process with all of it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import constant_noise
import numpy as np
import pytest
import torch

from skosh.train import checkpoint, loop
from skosh.train import config as configs

# Each process draws its own noise, so results differ by more than the order of sums. Two ways to have none: weight the
# rate with 0, or make the noise constant.
COMMON = ("steps=4", "batch=4", "clip=0.0", "learning_rate=1e-3")
CONSTANT_NOISE = Path(__file__).with_name("constant_noise.py")


def torchrun(program: tuple[str, ...], photos: Path, out: Path, settings: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", *program]
    command += ["train", "--config", "tiny", "--data", str(photos), "--val", str(photos), "--out", str(out)]
    for setting in settings:
        command += ["--set", setting]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("program", "settings"),
    [
        (("-m", "skosh"), ("optimiser=adam", "lambda_r=0.0")),
        ((str(CONSTANT_NOISE),), ("optimiser=adam",)),
        ((str(CONSTANT_NOISE),), ("optimiser=soap", "soap_every=2")),
    ],
    ids=["distortion-adam", "adam", "soap"],
)
def test_two_processes_train_as_one_with_the_whole_batch(
    program: tuple[str, ...],
    settings: tuple[str, ...],
    photo_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = (*COMMON, *settings)
    torchrun(program, photo_folder, tmp_path / "two", settings)
    if program[-1] == str(CONSTANT_NOISE):
        monkeypatch.setattr(torch, "rand_like", constant_noise.quarter)
    loop.train(configs.load("tiny", settings), photo_folder, photo_folder, tmp_path / "one")
    losses = [json.loads((tmp_path / run / "log.jsonl").read_text())["loss"] for run in ("one", "two")]
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)
    one, two = (checkpoint.load(tmp_path / run) for run in ("one", "two"))
    assert one["pixels"] == two["pixels"]
    if "optimiser=soap" in settings:  # moves along directions without gradient, too, where the order of sums decides
        return
    for name, value in one["model"].items():
        assert torch.allclose(two["model"][name], value, atol=2e-4), name


@pytest.mark.slow
@pytest.mark.usefixtures("quick_patches")
def test_a_run_stops_after_its_minutes_and_can_go_on(photo_folder: Path, tmp_path: Path) -> None:
    config = replace(configs.load("tiny"), steps=3)
    loop.train(config, photo_folder, photo_folder, tmp_path, minutes=0)
    assert checkpoint.load(tmp_path)["step"] == 0
    loop.train(config, photo_folder, photo_folder, tmp_path, resume=True)
    assert checkpoint.load(tmp_path)["step"] == 3
    assert np.isfinite(json.loads((tmp_path / "log.jsonl").read_text())["loss"])
