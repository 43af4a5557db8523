"""See whether lettering still reads the same: the share of letters that an OCR reads as in the original.

    pip install rapidocr-onnxruntime
    python scripts/legible.py signs/                         the faithful picture and the default one
    python scripts/legible.py signs/ --model bundle/ --realism 0 0.5 1 --list
    python scripts/legible.py photos/ --draw --codecs skosh avif

Lettering is looked for in the originals, and what the OCR is sure of there is read again in what was decoded. Few
photographs have any: --draw puts lines of 10 to 24 pixels on them before they are coded.
"""

from __future__ import annotations

import argparse
from statistics import fmean

import skosh
from skosh.evaluate import renditions
from skosh.evaluate.guards import share_kept
from skosh.evaluate.lettering import Reader, drawn_on
from skosh.evaluate.tables import Table


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--draw", action="store_true", help="put lettering on the pictures before they are coded")
    parser.add_argument("--list", action="store_true", help="print the lines that read otherwise")


def main() -> None:
    asked = renditions.asked(__doc__, add)
    reader = Reader()
    prepare = drawn_on if asked.options.draw else (lambda image: image)
    found = renditions.measured(asked, reader.compared, prepare)
    table = Table(["rendition", "bpp", "lines", "letters", "read the same"])
    for label, rows in found.items():
        lines = [line for _, seen in rows for line in seen]
        share = share_kept(lines)
        letters = sum(len(due) for due, _ in lines)
        shown = "-" if share is None else f"{share:.1%}"
        table.rows.append([label, f"{fmean(bpp for bpp, _ in rows):.3f}", str(len(lines)), str(letters), shown])
        if asked.options.list:
            print(*(f"{label}: {due} -> {read}" for due, read in lines if due != read), sep="\n")
    print(table.markdown())


if __name__ == "__main__":
    try:
        main()
    except (skosh.SkoshError, OSError) as error:
        raise SystemExit(f"legible: {error}") from error
