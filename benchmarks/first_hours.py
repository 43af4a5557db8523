"""``seed`` and the flagship after about as many hours of training, on the Kodak pictures, from files.

    skosh export RUN -o SEED                                      a run of `skosh train --config seed`
    git archive 03e64f9 src/skosh/models/flagship | tar x -C DIR  flagship 2
    python benchmarks/first_hours.py SEED DIR/src/skosh/models/flagship=flagship-1 [--write]

A bundle knows the hours and gigapixels of its last run. Name the runs before it behind "="; they are found in
docs/runs. ``seed`` has one rate; the values of the others are interpolated at this rate.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from memory import large_photograph
from page import SHARED, lpips_weights, machine, replace_section, table
from quality import METRICS, progress, qualities, reference_files

import skosh
from skosh.bundle.manifest import read_manifest
from skosh.evaluate import tables
from skosh.evaluate.curves import Curve
from skosh.evaluate.run import Request, evaluate

ROOT = Path(__file__).parents[1]
RUNS = ROOT / "docs" / "runs"
SIZE, THREADS, REPEATS = (768, 512), 2, 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seed", help="bundle of the seed network")
    parser.add_argument("flagship", help="bundle of the flagship, and the runs before: FOLDER=RUN,RUN")
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "kodak", help="a folder of pictures")
    parser.add_argument("--write", action="store_true", help="write the section into docs/results.md")
    arguments = parser.parse_args()
    specs = (spec.partition("=") for spec in (arguments.seed, arguments.flagship))
    networks = [(Path(folder), before) for folder, _, before in specs]
    curves = measured(arguments.data, [folder for folder, _ in networks])
    (rate,) = [point.bpp for point in curves[0].points]
    rows = [
        [*trained(folder, before), *at(one, rate), *timed(folder)]
        for (folder, before), one in zip(networks, curves, strict=False)
    ]
    rows += [[one.label, "-", "-", "-", *at(one, rate), "-", "-"] for one in curves[len(networks) :]]
    head = ["", "hours", "Gpx", "MB", "PSNR (dB)", "MS-SSIM", "LPIPS", "encode, s", "decode, s"]
    text = (
        f"{len(curves[0].images)} pictures at {rate:.3f} bits a pixel, the only rate that the seed network has; "
        f"the others interpolated. Seconds are those of "
        f"{SIZE[0]}x{SIZE[1]} with {THREADS} threads, the median of {REPEATS}. {machine()}.\n\n{table(head, rows)}"
    )
    print(text)
    if arguments.write:
        replace_section("first hours", text)


def measured(data: Path, folders: list[Path]) -> list[Curve]:
    """The curves of the bundles, of JPEG, and of BPG where it was measured on these pictures."""
    files = tuple(path for name, path in reference_files().items() if name == "bpg")
    specs = (*(f"skosh={folder}" for folder in folders), "jpeg", *(["bpg"] if files else []))
    request = Request(
        data, ROOT / "report" / "first_hours", specs, qualities(specs), METRICS, lpips_weights(), measured=files
    )
    found = evaluate(request, lambda line: print(line, file=sys.stderr), progress)
    if found.failures:
        raise SystemExit(f"{len(found.failures)} results failed: {found.failures[0]}")
    return tables.curves_of(found)


def trained(folder: Path, before: str) -> list[str]:
    """Return name, hours and gigapixels of all runs, and megabytes of a bundle."""
    manifest = read_manifest(folder)
    runs = [manifest["provenance"]]
    for name in filter(None, before.split(",")):
        last = json.loads((RUNS / f"{name}.jsonl").read_text().splitlines()[-1])
        runs.append({"hours": last["hours"], "gigapixels": last["gpx"]})
    size = sum(path.stat().st_size for path in folder.iterdir())
    hours, gigapixels = (sum(run[key] for run in runs) for key in ("hours", "gigapixels"))
    return [f"`{manifest['name']}`", f"{hours:.1f}", f"{gigapixels:.2f}", f"{size / 1e6:.1f}"]


def at(one: Curve, rate: float) -> list[str]:
    """PSNR, MS-SSIM and LPIPS at a rate."""
    return [tables.shown(key, one.at(rate, key)) for key in METRICS]


def timed(folder: Path) -> list[str]:
    """Seconds to encode and to decode one photograph, after a first time."""
    image = large_photograph(1.0).crop((0, 0, *SIZE))
    data = skosh.encode(image, 50, str(folder), THREADS)
    return [
        seconds(lambda: skosh.encode(image, 50, str(folder), THREADS)),
        seconds(lambda: skosh.decode(data, str(folder), THREADS)),
    ]


def seconds(code: Callable[[], object]) -> str:
    """The median of some runs."""
    taken = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        code()
        taken.append(time.perf_counter() - start)
    return f"{statistics.median(taken):.2f}"


if __name__ == "__main__":
    main()
