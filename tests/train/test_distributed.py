"""Two processes with half of the batch each are one process with all of it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from skosh.train import checkpoint, loop
from skosh.train import config as configs

# No noise is drawn where the rate is weighted with 0, so the two ways differ by the order of sums alone.
SETTINGS = ("steps=4", "lambda_r=0.0", "batch=4", "clip=0.0", "optimiser=adam", "learning_rate=1e-3")


def torchrun(processes: int, photos: Path, out: Path) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command += [
        "-m",
        "skosh",
        "train",
        "--config",
        "tiny",
        "--data",
        str(photos),
        "--val",
        str(photos),
        "--out",
        str(out),
    ]
    for setting in SETTINGS:
        command += ["--set", setting]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.slow
def test_two_processes_train_as_one_with_the_whole_batch(photo_folder: Path, tmp_path: Path) -> None:
    torchrun(2, photo_folder, tmp_path / "two")
    loop.train(configs.load("tiny", SETTINGS), photo_folder, photo_folder, tmp_path / "one")
    losses = [json.loads((tmp_path / run / "log.jsonl").read_text())["loss"] for run in ("one", "two")]
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)
    one, two = (checkpoint.load(tmp_path / run) for run in ("one", "two"))
    assert one["pixels"] == two["pixels"]
    for name, value in one["model"].items():
        assert torch.allclose(two["model"][name], value, atol=2e-4), name


@pytest.mark.usefixtures("quick_patches")
def test_a_run_stops_after_its_minutes_and_can_go_on(photo_folder: Path, tmp_path: Path) -> None:
    config = replace(configs.load("tiny"), steps=3)
    loop.train(config, photo_folder, photo_folder, tmp_path, minutes=0)
    assert checkpoint.load(tmp_path)["step"] == 0
    loop.train(config, photo_folder, photo_folder, tmp_path, resume=True)
    assert checkpoint.load(tmp_path)["step"] == 3
    assert np.isfinite(json.loads((tmp_path / "log.jsonl").read_text())["loss"])
