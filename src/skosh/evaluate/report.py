"""The report: one page that needs no other file, in light or dark as the system is; a table; the plots as files."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

import skosh

from ..files import write_whole
from . import tables
from .curves import PLOTTED, TABLED, Curve, measure, reported
from .gallery import Exhibit
from .plots import COLOURS, png, rd_figure, svg, with_variables
from .results import Result, machine, to_csv
from .run import Evaluation
from .showcase import showcase
from .tables import Table

STYLE = Path(__file__).with_name("report.css")
RATE = 0.23  # bits a pixel of the table of codecs


def write_report(
    evaluation: Evaluation, out: Path, title: str, exhibits: Sequence[Exhibit] = (), bpp: float = 0.0
) -> list[Path]:
    """Write ``index.html``, ``results.csv`` and a PNG and an SVG for each metric; returns their paths.

    ``exhibits``: pictures to show, in files of about ``bpp`` bits a pixel.
    """
    curves = tables.curves_of(evaluation)
    files: dict[str, str | bytes] = {"results.csv": to_csv(evaluation.results)}
    drawings = []
    for key in tables.metric_keys(curves, PLOTTED):
        figure = rd_figure(curves, [key])
        drawings.append((measure(key).label, with_variables(svg(figure))))
        files |= {f"{key}.svg": svg(figure, text_as_paths=True), f"{key}.png": png(figure)}
    files["index.html"] = page(evaluation, curves, drawings, title, showcase(exhibits, bpp))
    for name, content in files.items():
        write_whole(out / name, content.encode() if isinstance(content, str) else content)
    return [out / name for name in files]


def page(
    evaluation: Evaluation,
    curves: Sequence[Curve],
    drawings: Sequence[tuple[str, str]],
    title: str,
    shown: Sequence[str] = (),
) -> str:
    """The page. ``shown``: its part with pictures."""
    parts = [
        f"<h1>{html.escape(title)}</h1>",
        f'<p class="soft">{summary(evaluation)}</p>',
        *([failures(evaluation.failures)] if evaluation.failures else []),
        '<div class="plots">',
        *(
            f'<figure role="img" aria-label="{html.escape(name)} over bits a pixel">{drawing}</figure>'
            for name, drawing in drawings
        ),
        "</div>",
        *shown,
        *comparison(evaluation, curves),
        *appendix(evaluation, curves),
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>\n{style()}</style>\n<body>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


def style() -> str:
    """The page's style with the plots' colours."""
    text = STYLE.read_text(encoding="utf-8")
    for place, mark in enumerate(("LIGHT", "DARK")):
        text = text.replace(mark, " ".join(f"--{name}: {pair[place]};" for name, pair in COLOURS.items()))
    return text


def summary(evaluation: Evaluation) -> str:
    """What was measured, with what and where."""
    count = len(evaluation.pictures)
    text = (
        f"{count} picture{'s' * (count != 1)}, {len(evaluation.results)} results, "
        f"skosh {skosh.__version__}, {machine()}. "
        "Sizes are of files on disk, pictures are what decodes from them; "
        "a curve is the mean over the pictures at each setting. "
    )
    if any(result.measured for result in evaluation.results):
        text += "* measured before, not by this run."
    return html.escape(text)


def comparison(evaluation: Evaluation, curves: Sequence[Curve]) -> list[str]:
    """The tables of rates and BD-rates."""
    if not curves:
        return ["<p>No codec has coded a picture at every setting: there is nothing to compare.</p>"]
    ours = next((one for one in curves if one.codec.name.startswith("skosh")), curves[0])
    others = [one for one in curves if one is not ours]
    parts = ["<h2>At one rate</h2>", as_html(tables.at_rate(curves, RATE), ours.label)]
    if others:
        parts += [
            "<h2>BD-rate</h2>",
            "<p>Bytes more (+) or fewer (-) at equal quality, and the rates between which that was measured.</p>",
            as_html(tables.bd_table(evaluation.results, ours, others)),
        ]
        matrices = [tables.bd_matrix(evaluation.results, curves, key) for key in tables.metric_keys(curves, PLOTTED)]
        parts += folded("Every codec against every other", [as_html(matrix) for matrix in matrices])
    return parts


def appendix(evaluation: Evaluation, curves: Sequence[Curve]) -> list[str]:
    """Codecs, times, points, and the results of every picture."""
    times = tables.times_table(curves)
    parts = ["<h2>Codecs</h2>", as_html(tables.codecs_table(evaluation, curves))]
    if times.rows:
        parts += [
            "<h2>Times</h2>",
            "<p>Medians over the pictures at the lowest and the highest rate, "
            "while other pictures were being measured: for orientation.</p>",
            as_html(times),
        ]
    points = [f"<h3>{html.escape(one.label)}</h3>{as_html(tables.points_table(one))}" for one in curves]
    parts += ["<h2>Figures</h2>", *folded("The points of the curves", points)]
    return parts + folded("Every picture", [as_html(every(evaluation))])


def every(evaluation: Evaluation) -> Table:
    """Return a row for each result."""
    keys = reported(TABLED, [result.metrics for result in evaluation.results])
    table = Table(["picture", "codec", "quality", "bytes", "bpp", *(tables.title(key) for key in keys)], words=(1,))
    for r in sorted(evaluation.results, key=lambda r: (r.image, r.codec, r.quality)):
        if not r.error:
            values = [tables.shown(key, r.metrics.get(key)) for key in keys]
            table.rows.append([r.image, r.codec, f"{r.quality:g}", f"{r.bytes:,}", f"{r.bpp:.3f}", *values])
    return table


def failures(failed: Sequence[Result]) -> str:
    """What failed, by picture and codec."""
    rows = [[r.image, f"{r.codec} {r.quality:g}" if r.codec else "any", r.error or ""] for r in failed]
    note = "Pictures that a codec failed on are left out of its means."
    return f'<h2 class="failed">Failed</h2><p>{note}</p>' + as_html(
        Table(["picture", "codec", "why"], rows, words=(1, 2))
    )


def as_html(table: Table, ours: str = "") -> str:
    """Return a table that scrolls sideways if it is too wide. ``ours``: the row to show in bold."""

    def cell(tag: str, place: int, text: str) -> str:
        kind = ' class="text"' if place in table.words else ""
        return f"<{tag}{kind}>{html.escape(text)}</{tag}>"

    head = "".join(cell("th", i, text) for i, text in enumerate(table.head))
    rows = [
        f"<tr{' class=ours' if row[0] == ours else ''}>"
        f"{''.join(cell('td', i, text) for i, text in enumerate(row))}</tr>"
        for row in table.rows
    ]
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def folded(name: str, parts: Sequence[str]) -> list[str]:
    """Return an element that unfolds."""
    return [f"<details><summary>{html.escape(name)}</summary>", *parts, "</details>"]
