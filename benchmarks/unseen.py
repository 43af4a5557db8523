"""A metric that no loss of ours contains: SSIMULACRA 2 of both bundles and of AVIF, from ``skosh eval``.

    python benchmarks/unseen.py [--data DIR] [--write]

A fine-tuning that only pleased the metrics of its loss would show here: this score would not follow them.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from page import ROOT, SHARED, replace_section

from skosh.evaluate import tables
from skosh.evaluate.results import machine
from skosh.evaluate.run import Request, evaluate

CODECS = ("skosh", "skosh@realism=0", "avif")
QUALITIES: dict[str, tuple[float, ...]] = {
    "skosh": (0.0, 25.0, 50.0, 75.0, 100.0),
    "avif": (10.0, 25.0, 40.0, 50.0, 65.0),
}
RATES = (0.15, 0.3, 0.6)  # bpp


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "val", help="a folder of pictures")
    parser.add_argument("--write", action="store_true", help="write the section into docs/results.md")
    arguments = parser.parse_args()
    request = Request(arguments.data, ROOT / "report" / "unseen", CODECS, QUALITIES, ("psnr", "ssimulacra2"))
    found = evaluate(request, lambda line: print(line, file=sys.stderr), lambda results, total: results)
    if found.failures:
        raise SystemExit(f"{len(found.failures)} results failed: {found.failures[0]}")
    curves = tables.curves_of(found)
    parts = [f"{len(found.pictures)} pictures, interpolated. {machine()}."]
    parts += [tables.at_rate(curves, rate).markdown() for rate in RATES]
    text = "\n\n".join(parts)
    print(text)
    if arguments.write:
        replace_section("unseen", text)


if __name__ == "__main__":
    main()
