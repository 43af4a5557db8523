"""Look for regular patterns in what a codec shows: the share of the error's energy at periods of 2, 4, 8 and 16 pixels.

    python scripts/patterns.py photos/                       the faithful picture and the default one
    python scripts/patterns.py photos/ --model bundle/ --realism 0 0.5 1
    python scripts/patterns.py photos/ --codecs skosh avif

Energy in narrow lines of the error's spectrum, over what the lines beside them have, in per cent of all. About 0, of
either sign, is none; a rendition should have no more than the faithful picture.
"""

from __future__ import annotations

from statistics import fmean

import skosh
from skosh.evaluate import renditions
from skosh.evaluate.guards import PERIODS, pattern_shares
from skosh.evaluate.tables import Table


def main() -> None:
    found = renditions.measured(renditions.asked(__doc__), pattern_shares)
    table = Table(["rendition", "bpp", *(f"{period} pixels" for period in PERIODS), "together", "worst picture"])
    for label, rows in found.items():
        shares = [share for _, share in rows]
        whole = [sum(share.values()) for share in shares]
        values = [*(fmean(share[period] for share in shares) for period in PERIODS), fmean(whole), max(whole)]
        table.rows.append(
            [label, f"{fmean(bpp for bpp, _ in rows):.3f}", *(f"{100 * value:.2f} %" for value in values)]
        )
    print(table.markdown())


if __name__ == "__main__":
    try:
        main()
    except (skosh.SkoshError, OSError) as error:
        raise SystemExit(f"patterns: {error}") from error
