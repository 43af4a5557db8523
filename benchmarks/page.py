"""What the benchmarks share: where the data are, and the sections of docs/results.md and the README that they write.

Each section stands between a pair of marks that name it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from skosh.evaluate.results import machine as machine

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("SKOSH_SHARED", ROOT.parent / "shared"))  # pictures and reference curves
PAGE = ROOT / "docs" / "results.md"
README = ROOT / "README.md"


def lpips_weights() -> Path | None:
    """The weights of the reference data, unless the environment names others."""
    path = SHARED / "lpips" / "alexnet_lpips_v0.1_fp16.npz"
    return path if path.is_file() and "SKOSH_LPIPS_WEIGHTS" not in os.environ else None


def replace_section(name: str, text: str, document: Path | None = None) -> None:
    """Put ``text`` between the marks of a section of a document, docs/results.md by default.

    The marks are ``<!-- name -->`` and ``<!-- end name -->``.
    """
    path = document or PAGE
    start, end = f"<!-- {name} -->", f"<!-- end {name} -->"
    page = path.read_text()
    before, found, rest = page.partition(start)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise SystemExit(f"{path} has no section {name}")
    path.write_text(f"{before}{start}\n{text.strip()}\n{end}{after}")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first column to the left, numbers to the right."""
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])
