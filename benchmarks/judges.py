"""Judges that no loss of ours contains, Butteraugli and FLIP, beside those that it was trained for, by ``skosh eval``.

    python benchmarks/judges.py [--data DIR] [--write]

A training that only pleased the metrics of its loss would show here: these scores would not follow them.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from page import ROOT, SHARED, lpips_weights, replace_section

from skosh.evaluate import tables
from skosh.evaluate.results import machine
from skosh.evaluate.run import Request, evaluate

CODECS = ("skosh", "skosh@realism=0", "avif")
QUALITIES: dict[str, tuple[float, ...]] = {
    "skosh": (10.0, 25.0, 40.0, 60.0),
    "avif": (12.0, 25.0, 40.0, 55.0),
}
METRICS = ("psnr", "lpips", "ssimulacra2", "butteraugli", "flip")
RATES = (0.15, 0.3, 0.6)  # bpp


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "val", help="a folder of pictures")
    parser.add_argument("--workers", type=int, default=0, help="processes; 0: one a core")
    parser.add_argument("--write", action="store_true", help="write the section into docs/results.md")
    arguments = parser.parse_args()
    folder = ROOT / "report" / f"judges-{arguments.data.name}"
    request = Request(arguments.data, folder, CODECS, QUALITIES, METRICS, lpips_weights(), workers=arguments.workers)
    found = evaluate(request, lambda line: print(line, file=sys.stderr), lambda results, total: results)
    if found.failures:
        raise SystemExit(f"{len(found.failures)} results failed: {found.failures[0]}")
    curves = tables.curves_of(found)
    parts = [f"{len(found.pictures)} pictures of `{arguments.data.name}`, interpolated. {machine()}."]
    parts += [tables.at_rate(curves, rate).markdown() for rate in RATES]
    text = "\n\n".join(parts)
    print(text)
    if arguments.write:
        replace_section("judges", text)


if __name__ == "__main__":
    main()
