"""Look for specks on smooth surfaces of a strong colour: the fine part of the error where the original is such a one.

    python scripts/specks.py photos/                         the faithful picture and the default one
    python scripts/specks.py photos/ --model bundle/ --realism 0 0.5 1
    python scripts/specks.py photos/ --codecs skosh avif

Grain that a codec smooths away counts as well, so compare with the faithful picture's row and not with 0.
"""

from __future__ import annotations

from statistics import fmean

import skosh
from skosh.evaluate import renditions
from skosh.evaluate.guards import specks
from skosh.evaluate.tables import Table


def main() -> None:
    found = renditions.measured(renditions.asked(__doc__), specks)
    table = Table(
        ["rendition", "bpp", "pictures with such surfaces", "pixels", "energy", "worst picture", "1 in 1,000"]
    )
    for label, rows in found.items():
        seen = [one for _, one in rows if one is not None]
        bpp, pixels = fmean(bpp for bpp, _ in rows), sum(one.pixels for one in seen)
        values = [""] * 3
        if seen:
            energy = sum(one.energy * one.pixels for one in seen) / pixels
            worst, largest = max(one.energy for one in seen), fmean(one.largest for one in seen)
            values = [f"{energy:.2f}", f"{worst:.2f}", f"{largest:.1f}"]
        table.rows.append([label, f"{bpp:.3f}", f"{len(seen)} of {len(rows)}", f"{pixels:,}", *values])
    print(table.markdown())


if __name__ == "__main__":
    try:
        main()
    except (skosh.SkoshError, OSError) as error:
        raise SystemExit(f"specks: {error}") from error
