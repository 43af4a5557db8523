"""What --effort 1 to 3 save and how long they take, on a folder of pictures, from ``skosh eval``.

python benchmarks/effort.py [--data DIR] [--model NAME] [--write]

Savings are bytes at equal PSNR against effort 0.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from statistics import fmean

from page import ROOT, SHARED, replace_section, table

from skosh.evaluate import tables
from skosh.evaluate.bdrate import bd_rate
from skosh.evaluate.curves import Curve
from skosh.evaluate.results import machine
from skosh.evaluate.run import Request, evaluate

QUALITIES = (0.0, 25.0, 50.0, 75.0, 100.0)
EFFORTS = range(4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "val", help="a folder of pictures")
    parser.add_argument("--model", default="skosh", help="an installed model's name or a bundle's folder")
    parser.add_argument("--write", action="store_true", help="write the section into docs/results.md")
    arguments = parser.parse_args()
    specs = tuple(f"skosh={arguments.model}@{effort}" for effort in EFFORTS)
    request = Request(arguments.data, ROOT / "report" / "effort", specs, {"skosh": QUALITIES}, ("psnr",))
    found = evaluate(request, lambda line: print(line, file=sys.stderr), lambda results, total: results)
    if found.failures:
        raise SystemExit(f"{len(found.failures)} results failed: {found.failures[0]}")
    text = section(tables.curves_of(found), len(found.pictures))
    print(text)
    if arguments.write:
        replace_section("effort", text)


def section(curves: list[Curve], pictures: int) -> str:
    """The section of the page; the first curve is effort 0."""
    anchor = curves[0]
    rows = []
    for effort, curve in zip(EFFORTS, curves, strict=True):
        against = "-" if curve is anchor else bd_rate(curve, anchor, "psnr").show()
        seconds = fmean(point.encode_seconds for point in curve.points)
        rows.append([str(effort), against, f"{seconds:.2f} s"])
    head = ["--effort", "bytes at equal PSNR", "to encode, one thread"]
    return f"{pictures} pictures at {len(QUALITIES)} qualities. {machine()}.\n\n{table(head, rows)}"


if __name__ == "__main__":
    main()
