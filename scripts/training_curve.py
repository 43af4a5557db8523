"""Draw the figure of docs/training.md: the progress of each long run, from the logs in docs/runs.

Usage: ``python scripts/training_curve.py``.

A point is a validation: bytes at equal PSNR against AVIF (speed 4, 4:4:4; docs/runs/avif.csv) on the same pictures,
with the model's own probabilities for bits. A run starts where the one before ended, so its gigapixels are counted on.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from skosh.evaluate.bdrate import integrated
from skosh.evaluate.plots import COLOURS, FAINT, INK, svg

ROOT = Path(__file__).parents[1]
RUNS = ROOT / "docs" / "runs"
FIGURE = ROOT / "docs" / "images" / "training.svg"
RUNS_IN_TURN = tuple(
    f"flagship-{n}" for n in (1, 2, 3, 4, 5, 6, 9, 10, 11, 12)
)  # each from the last one's end; 7 and 8 were exported without training

Side = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]  # bits a pixel and PSNR, both rising


def main() -> None:
    with (RUNS / "avif.csv").open() as file:
        rows = [(float(row["bpp"]), float(row["psnr"])) for row in csv.DictReader(file)]
    avif = sides(rows)
    figure = Figure((6.4, 3.6))
    axis = figure.add_axes((0.11, 0.15, 0.86, 0.8))
    before = 0.0
    for place, run in enumerate(RUNS_IN_TURN):
        points = [json.loads(line) for line in (RUNS / f"{run}.jsonl").read_text().splitlines()]
        gpx = [before + point["gpx"] for point in points]
        rates = [against(avif, point["val"]) for point in points]
        axis.plot(gpx, rates, color=COLOURS["vermilion"][0], marker="osd"[place % 3], markersize=4, linewidth=1.4)
        axis.annotate(run.replace("-", " "), (gpx[-1], rates[-1]), (4, 6), textcoords="offset points", color=INK)
        print(run, [f"{g:.2f} Gpx {r:+.1f} %" for g, r in zip(gpx, rates, strict=True)])
        before = gpx[-1]
    axis.set_xlabel("training pixels seen (1e9)", color=INK)
    axis.set_ylabel("bytes against AVIF at equal PSNR (%)", color=INK)
    axis.grid(color=FAINT, linewidth=0.5)
    axis.margins(x=0.08)
    FIGURE.write_text(svg(figure, text_as_paths=True))


def sides(points: list[tuple[float, float]]) -> Side:
    """Points of a curve as two rows."""
    rates, values = np.array(sorted(points)).T
    return rates, values


def against(anchor: Side, points: list[dict[str, float]]) -> float:
    """BD-rate of the points of a validation, over the qualities that both have."""
    return integrated(anchor, sides([(point["bpp"], point["psnr"]) for point in points]))


if __name__ == "__main__":
    main()
