"""Trainings of equal time that differ from the flagship in one thing each, compared on the validation pictures.

    python benchmarks/ablation.py                        train those that are missing
    python benchmarks/ablation.py NAME ... [--minutes 4] [--parallel 2] [--seed 1] [--out DIR] [--set key=value]
    python benchmarks/ablation.py --table [--out DIR]    the table of all results; a FILE.jsonl of docs/runs also works

The folder ``variants`` has the names and what they change. Every training has one thread and starts from nothing. The
learning rate follows the clock, so that it has fallen when the time is over. Only the processor time of steps counts.
Results are kept, one JSON file each; a result of another length or with other settings is an error.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from page import ROOT, SHARED, table
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from variants import VARIANTS

from skosh.evaluate.bdrate import integrated
from skosh.train import config as configuration
from skosh.train import distributed, flagship
from skosh.train.data import load_pictures
from skosh.train.loop import knots
from skosh.train.loss import Loss
from skosh.train.memory import keep_freed_memory
from skosh.train.run import Run
from skosh.train.validate import validate

BASE = ("crop=192", "batch=8", "autocast=bf16", "warmup=50", "exponent=2.0", "steps=1000000")
SENDER = ("analysis", "entropy.analysis")  # the rest is the receiver; the mean networks belong to both
FIRST = 20  # steps before the pace is known


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(VARIANTS))
    parser.add_argument("--minutes", type=float, default=4.0, help="of a core for training, each")
    parser.add_argument("--parallel", type=int, default=2, help="trainings at once")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=ROOT / "report" / "ablation")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="of the configuration, for all of them"
    )
    parser.add_argument("--table", action="store_true", help="print the table and train nothing")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)  # in this process
    parser.add_argument("--steps", type=int, default=0, help=argparse.SUPPRESS)  # instead of minutes, for tests
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(VARIANTS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    if arguments.table:
        print(markdown(read(arguments.out)))
        return
    arguments.out.mkdir(parents=True, exist_ok=True)
    if arguments.here:
        (name,) = arguments.names
        place(arguments.out, name, arguments.seed).write_text(
            json.dumps(train(name, arguments.seed, arguments.minutes, arguments.steps, tuple(arguments.set)))
        )
    else:
        sys.exit(start(arguments))


def start(arguments: argparse.Namespace) -> int:
    """Train what is missing, each in a process of its own. Returns 1 if one of them failed."""
    options = [
        "--minutes",
        str(arguments.minutes),
        "--seed",
        str(arguments.seed),
        "--out",
        str(arguments.out),
        "--here",
        *(word for setting in arguments.set for word in ("--set", setting)),
    ]
    for result in read(arguments.out):
        if result.get("settings", []) != arguments.set:
            raise SystemExit(
                f"{result['name']} was trained with the settings {result.get('settings', [])}: take another --out"
            )
        if result["minutes"] != arguments.minutes:
            raise SystemExit(
                f"{result['name']} had {result['minutes']:g} minutes: "
                f"take --minutes {result['minutes']:g} or another --out"
            )
    names = arguments.names or list(VARIANTS)
    missing = [name for name in names if not place(arguments.out, name, arguments.seed).exists()]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

    def one(name: str) -> int:
        print(f"{name} ...", file=sys.stderr, flush=True)
        failed = subprocess.run([sys.executable, __file__, name, *options], check=False, env=environment).returncode
        print(f"{name}: {'failed' if failed else 'done'}", file=sys.stderr, flush=True)
        return failed

    with ThreadPoolExecutor(arguments.parallel) as pool:
        return int(any(pool.map(one, missing)))


def train(name: str, seed: int, minutes: float, steps: int = 0, settings: tuple[str, ...] = ()) -> dict[str, Any]:
    """Train one network for some minutes of a core, or some steps, and return what it saw and where it came out.

    Settings of the variant win over ``settings``.
    """
    variant = VARIANTS[name]
    torch.set_num_threads(1)
    keep_freed_memory()
    own = tuple(f"{key}={value}" for key, value in {**variant.settings, "seed": seed}.items())
    config = configuration.load("flagship", BASE + settings + own)
    pictures = variant.pictures(load_pictures(SHARED / "data" / "train", config.crop))
    variant.apply()
    run = Run(config, pictures, "", distributed.join("cpu"), Loss(config))
    products = count(run.model)
    marks: list[float] = []
    start, spent, due = time.process_time(), 0.0, 60.0 * minutes  # time of other processes does not count
    run.steps = steps or run.steps
    while run.done < steps if steps else spent < due:
        if run.done >= FIRST and not steps:  # the length that fits, by the pace so far
            run.steps = max(run.done + 1, round(run.done * due / spent))
        marks.append(float(run.step().terms.loss))
        spent = time.process_time() - start
    print(f"{name}: {run.done} steps, training loss of the last hundred {np.mean(marks[-100:]):.4f}", file=sys.stderr)
    held_out = load_pictures(SHARED / "data" / "val", 256)
    points = validate(run.averaged, run.loss, held_out, knots(config))
    return {
        "name": name,
        "seed": seed,
        "minutes": minutes,
        "settings": list(settings),
        "steps": run.done,
        "gpx": run.pixels / 1e9,
        "sender": products[0],
        "receiver": products[1],
        "milliseconds": receiver_time(run.model),
        "loss": sum(p["loss"] for p in points) / len(points),
        "val": points,
    }


def count(model: nn.Module) -> tuple[float, float]:
    """Products a pixel of the convolutions of the analyses and of all the rest, in thousands."""
    side = 256
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 3, side, side), torch.zeros(1))
    flops = {name: sum(found.values()) for name, found in counter.get_flop_counts().items()}
    top = type(model).__name__
    sender = sum(flops[f"{top}.{name}"] for name in SENDER)
    return sender / side**2 / 2e3, (flops["Global"] - sender) / side**2 / 2e3


@torch.no_grad()
def receiver_time(model: nn.Module, runs: int = 7) -> float:
    """Least processor time of the synthesis for 768x512 on one thread in PyTorch, in milliseconds."""
    assert isinstance(model, flagship.Flagship)
    y, level = torch.randn(1, model.latent_channels, 32, 48), model.synthesis_level(torch.full((1,), 0.5))
    times = []
    for _ in range(runs):
        before = time.process_time()
        model.synthesis(y, level)
        times.append(time.process_time() - before)
    return 1e3 * min(times)


def place(folder: Path, name: str, seed: int) -> Path:
    """Where a result is kept."""
    return folder / f"{name}-{seed}.json"


def read(folder: Path) -> list[dict[str, Any]]:
    """All results of a folder, or of a file with one a line, in the order of the variants."""
    if folder.is_file():
        found = [json.loads(line) for line in folder.read_text().splitlines()]
    else:
        found = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    return sorted(found, key=lambda result: (list(VARIANTS).index(result["name"]), result["seed"]))


def markdown(results: list[dict[str, Any]]) -> str:
    """The table; BD-rate against the mean curve of all seeds of ``base``."""
    anchor = mean_curve([result["val"] for result in results if result["name"] == "base"])
    rows = []
    for result in results:
        variant = VARIANTS[result["name"]]
        rows.append(
            [
                f"{variant.group}: {variant.what}" if variant.group else variant.what,
                f"{result['seed']}",
                f"{result['sender']:.1f}",
                f"{result['receiver']:.1f}",
                f"{result['milliseconds']:.0f}",
                f"{result['steps']}",
                f"{result['gpx']:.2f}",
                f"{result['loss']:.4f}",
                compared(anchor, curve(result["val"])),
            ]
        )
    head = ("", "seed", "sender, kMAC/px", "receiver", "synthesis, ms", "steps", "Gpx", "validation loss", "BD-rate")
    return table(head, rows)


def compared(anchor: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray]) -> str:
    """Return the BD-rate over the qualities that both have, or why there is none."""
    if not np.isfinite(test).all() or (np.diff(test) <= 0).any():
        return "not rising"
    return f"{round(integrated(anchor, test), 1) + 0.0:+.1f} %"


def curve(points: list[dict[str, float]]) -> tuple[np.ndarray, np.ndarray]:
    """Rates and PSNRs of a validation."""
    return np.array([p["bpp"] for p in points]), np.array([p["psnr"] for p in points])


def mean_curve(validations: list[list[dict[str, float]]]) -> tuple[np.ndarray, np.ndarray]:
    """The mean of several, level by level."""
    if not validations:
        raise SystemExit("train base first: the others are compared with it")
    rates, values = zip(*(curve(points) for points in validations), strict=True)
    return np.exp(np.log(rates).mean(0)), np.mean(values, 0)


if __name__ == "__main__":
    main()
