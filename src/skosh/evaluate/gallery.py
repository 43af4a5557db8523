"""Pictures for the report: some of those measured, as each codec shows them in about the same number of bytes.

What a codec makes of them is kept as PNG in the report's folder ``pictures``, so that it is decoded once.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from . import pictures
from .compare import Panel
from .crops import Box, flattest, most_different
from .results import Result
from .run import Evaluation, Progress, Request, Show, measure

FOLDER = "pictures"
CROP = 160  # pixels a side


@dataclass(frozen=True)
class Exhibit:
    """A picture, the original first and then by codec, and the boxes to enlarge with the reason for each."""

    name: str
    panels: tuple[Panel, ...]
    crops: tuple[tuple[str, Box], ...]


def exhibits(evaluation: Evaluation, request: Request, progress: Progress) -> list[Exhibit]:
    """Decode what is to be shown and was not yet, and choose crops.

    A codec that was not run here, or fails now, is left out, and so is a picture that all of them failed on.
    """
    trials = {trial.result().key: trial for trial in evaluation.trials}
    rows = [row for row in evaluation.results if row.key in trials and not row.error]
    paths = {picture.name: picture.path for picture in evaluation.pictures}
    names = chosen(rows, list(paths), request.show)
    shown = {name: alike(of(rows, name), request.show.bpp) for name in names}
    kept = {row.key: request.out / FOLDER / file_name(row) for found in shown.values() for row in found}
    due = [replace(trials[key], keep=path) for key, path in kept.items() if not path.is_file()]
    for _ in progress(measure(due, request, ()), len(due)):
        pass
    labels = {codec.name: codec.label for codec in evaluation.codecs}
    found = []
    for name, results in shown.items():
        panels = [panel(row, labels[row.codec], kept[row.key]) for row in results if kept[row.key].is_file()]
        if panels:
            found.append(exhibit(name, paths[name], panels))
    return found


def chosen(rows: Sequence[Result], names: Sequence[str], show: Show) -> list[str]:
    """Return the names of the pictures to show: those asked for, else some from easy to hard to code."""
    cost = {name: sum(row.bpp for row in found) / len(found) for name in names if (found := of(rows, name))}
    if show.names:
        return [name for name in dict.fromkeys(show.names) if name in cost]
    by_cost = sorted(cost, key=lambda name: cost[name])
    count = min(show.count, len(by_cost))
    return [by_cost[(2 * place + 1) * len(by_cost) // (2 * count)] for place in range(count)]


def of(rows: Sequence[Result], name: str) -> list[Result]:
    """The results of a picture."""
    return [row for row in rows if row.image == name]


def alike(rows: Sequence[Result], bpp: float) -> list[Result]:
    """Return a result of each codec, in files as near to the rate and to each other as the measured settings allow.

    Nearness is the ratio of bytes. The first codec's setting is the one that the others and the rate come nearest to.
    """
    by_codec: dict[str, list[Result]] = {}
    for row in rows:
        by_codec.setdefault(row.codec, []).append(row)

    def near(target: float) -> list[Result]:
        return [min(found, key=lambda row: off(row.bpp, target)) for found in by_codec.values()]

    def distance(first: Result) -> float:
        return off(first.bpp, bpp) + max((off(row.bpp, first.bpp) for row in near(first.bpp)), default=0.0)

    ours = next(iter(by_codec.values()), [])
    return near(min(ours, key=distance).bpp) if ours else []


def off(bpp: float, target: float) -> float:
    """How far a rate is from another: the logarithm of the larger over the smaller."""
    return abs(math.log(bpp / target))


def file_name(row: Result) -> str:
    """The file of a decoded picture: readable, and another one for another version of the codec."""
    digest = hashlib.sha256(repr(row.key).encode()).hexdigest()[:8]
    return re.sub(r"[^\w.=@-]+", "_", f"{row.image}-{row.codec}-{row.quality:g}") + f"-{digest}.png"


def panel(row: Result, label: str, path: Path) -> Panel:
    """A codec's picture with what was measured of it."""
    with Image.open(path) as image:
        return Panel(label, f"quality {row.quality:g}", image.convert("RGB"), row.bytes, row.metrics)


def exhibit(name: str, path: Path, panels: Sequence[Panel]) -> Exhibit:
    """A picture with two crops."""
    original = pictures.read(path)
    first = Panel("original", "", original, path.stat().st_size, {})
    size = min(CROP, original.width), min(CROP, original.height)
    shown = [one.picture for one in panels]
    differs = "where the codecs differ most" if len(shown) > 1 else "where it differs most from the original"
    boxes = most_different(shown if len(shown) > 1 else [*shown, original], original, size), flattest(original, size)
    crops = ((differs, boxes[0]), ("where the original is flattest", boxes[1]))
    return Exhibit(name, (first, *panels), crops)
