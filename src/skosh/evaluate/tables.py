"""The tables of a report, as rows of text: for the page, and for documents in Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from .bdrate import BDRate, bd_rate
from .curves import PLOTTED, TABLED, Curve, curve, measure, reported
from .results import Result
from .run import Evaluation


@dataclass
class Table:
    """A head and rows of text; ``words`` are the columns that hold words and not numbers, beside the first."""

    head: list[str]
    rows: list[list[str]] = field(default_factory=list)
    words: tuple[int, ...] = ()

    def markdown(self) -> str:
        """The table in Markdown."""
        rules = ["---" if i == 0 or i in self.words else "---:" for i in range(len(self.head))]
        lines = [self.head, rules, *([cell.replace("|", "\\|") for cell in row] for row in self.rows)]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def curves_of(evaluation: Evaluation) -> list[Curve]:
    """The curves that have points, in the order of the codecs."""
    found = [curve(evaluation.results, codec) for codec in evaluation.codecs]
    return [one for one in found if one.points]


def metric_keys(curves: Sequence[Curve], keys: Sequence[str] = TABLED) -> list[str]:
    """The metrics that some curve has, without an LPIPS that another stands for."""
    return reported(keys, [[key for key in keys if one.has(key)] for one in curves])


def at_rate(curves: Sequence[Curve], bpp: float) -> Table:
    """Return every metric of every codec that reaches a rate, interpolated; the best by the first metric on top."""
    keys = metric_keys(curves)
    found = [(one, [one.at(bpp, key) for key in keys]) for one in curves]
    rows = [(one, values) for one, values in found if any(value is not None for value in values)]
    rows.sort(key=lambda row: math.inf if row[1][0] is None else -measure(keys[0]).better * row[1][0])
    head = [f"at {bpp:g} bpp", *(title(key) for key in keys)]
    return Table(head, [[one.label, *map(shown, keys, values)] for one, values in rows])


def title(key: str) -> str:
    """A metric as the head of a column."""
    found = measure(key)
    return f"{found.label} (dB)" if found.unit.startswith("dB") else found.label


def shown(key: str, value: float | None) -> str:
    """A value of a metric as text."""
    return measure(key).show(value)


def compared(results: Sequence[Result], test: Curve, anchor: Curve, key: str) -> BDRate:
    """BD-rate over the pictures that both codecs coded."""
    common = test.images & anchor.images
    sides = [one if one.images == common else curve(results, one.codec, common) for one in (test, anchor)]
    return bd_rate(sides[0], sides[1], key)


def bd_table(results: Sequence[Result], test: Curve, others: Sequence[Curve]) -> Table:
    """Bytes of one codec against each other one, for every metric, and the rates between which that was measured."""
    keys = metric_keys([test, *others], PLOTTED)
    table = Table(
        [f"{test.label} against", *(measure(key).label for key in keys), "rates (bpp)", "not compared"], words=()
    )
    for anchor in others:
        found = [compared(results, test, anchor, key) for key in keys]
        ranges = [one.rates for one in found if one.percent is not None]
        span = f"{min(low for low, _ in ranges):.2f} to {max(high for _, high in ranges):.2f}" if ranges else "-"
        reasons = "; ".join(
            f"{measure(k).label}: {one.refusal}" for k, one in zip(keys, found, strict=True) if one.refusal
        )
        table.rows.append([anchor.label, *(one.show() for one in found), span, reasons])
    table.words = (len(table.head) - 1,)
    return without_empty_column(table)


def without_empty_column(table: Table) -> Table:
    """Return the table without its last column if that is empty."""
    if any(row[-1] for row in table.rows):
        return table
    return Table(table.head[:-1], [row[:-1] for row in table.rows])


def bd_matrix(results: Sequence[Result], curves: Sequence[Curve], key: str) -> Table:
    """Every codec (rows) against every other (columns), for one metric."""
    table = Table([f"{measure(key).label}: row against column", *(one.label for one in curves)])
    for test in curves:
        cells = ["" if test is anchor else compared(results, test, anchor, key).show() for anchor in curves]
        table.rows.append([test.label, *cells])
    return table


def points_table(one: Curve) -> Table:
    """The points of a curve."""
    keys = metric_keys([one])
    rows = [[f"{p.quality:g}", f"{p.bpp:.3f}", *(shown(key, p.metrics.get(key)) for key in keys)] for p in one.points]
    return Table(["quality", "bpp", *(title(key) for key in keys)], rows)


def times_table(curves: Sequence[Curve]) -> Table:
    """Milliseconds of encoding and decoding at the codecs' lowest and highest rates: medians over the pictures."""
    table = Table(["codec", "encode (ms)", "at bpp", "decode (ms)"])
    for one in curves:
        if one.measured:
            continue
        ends = (one.points[0], one.points[-1])
        table.rows.append(
            [
                one.label,
                " to ".join(f"{1000 * p.encode_seconds:.0f}" for p in ends),
                " to ".join(f"{p.bpp:.2f}" for p in ends),
                " to ".join(f"{1000 * p.decode_seconds:.0f}" for p in ends),
            ]
        )
    return table


def codecs_table(evaluation: Evaluation, curves: Sequence[Curve]) -> Table:
    """What each curve was made with and of how many pictures."""
    table = Table(["codec", "settings", "made with", "pictures"], words=(1, 2))
    for one in curves:
        name = one.codec.name
        made = f"measured before, from {one.measured}" if one.measured else evaluation.versions.get(name, "")
        table.rows.append([one.label, one.codec.settings, made, f"{len(one.images)} of {len(evaluation.pictures)}"])
    return table
