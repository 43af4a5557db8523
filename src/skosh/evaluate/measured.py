"""Curves measured before, for codecs that are not installed here: from a results file or a CSV file.

A CSV file has a row for each picture and setting, with the columns image, q, bytes, bpp, and columns named as the
metrics, psnr, ms_ssim, lpips and so on. The codec is in a column ``codec``, or else it is the file's name without
suffix.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import skosh

from . import results
from .metrics import NAMES, decibels, keys
from .pictures import Picture
from .results import Result

TOLERANCE = 0.001  # relative difference between a file's pixels by its bpp and the picture's


def load(path: Path) -> list[Result]:
    """Return every result of a file, marked with the file's name. Raises SkoshError for another kind of file."""
    if path.suffix == ".json":
        found = [result for result in results.load(path) if not result.error]
        return [replace(result, measured=result.measured or path.name) for result in found]
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return [from_row(row, path) for row in csv.DictReader(file) if not row.get("error")]
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise skosh.SkoshError(f"{path} is no table of results: {type(error).__name__} {error}") from error


def from_row(row: dict[str, str], path: Path) -> Result:
    """Return a result from a row of a CSV file. Raises KeyError, ValueError or TypeError if something is missing."""
    metrics: dict[str, float | None] = {name: float(row[name]) for name in keys(NAMES) if row.get(name)}
    if metrics.get("ms_ssim") is not None:
        metrics["ms_ssim_db"] = decibels(1.0 - float(row["ms_ssim"]))
    codec = row.get("codec") or path.stem
    size = int(row["bytes"])
    pixels = round(8 * size / float(row["bpp"]))
    return Result(
        row["image"],
        "",
        codec,
        row.get("version") or "",
        "",
        float(row["q"]),
        width=pixels,  # only the number of pixels is known
        height=1,
        bytes=size,
        metrics=metrics,
        measured=path.name,
    )


def of_pictures(rows: Iterable[Result], pictures: Sequence[Picture], pixels: dict[str, int]) -> list[Result]:
    """Return the rows of these pictures.

    ``pixels``: the number of pixels of each picture, where known. Raises SkoshError for a row of another number.
    """
    by_name = {picture.name: picture for picture in pictures}
    found = []
    for row in rows:
        picture = by_name.get(row.image)
        if picture is None or (row.digest and row.digest != picture.digest):
            continue
        due, count = pixels.get(row.image), row.width * row.height
        if due and abs(count / due - 1) > TOLERANCE:
            raise skosh.SkoshError(
                f"{row.measured}: {row.image} has {count} pixels there and {due} here: not the same picture"
            )
        found.append(row)
    return found
