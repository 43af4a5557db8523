"""Rate-distortion plots: a metric over bits a pixel on a logarithmic axis, with the codecs' names at their curves.

Colours are Okabe and Ito's, which colour-blind people tell apart; markers and dashes tell curves apart without any.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .curves import Curve, Measure, measure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {  # on white, on black
    "vermilion": ("#d55e00", "#ff8a3d"),
    "black": ("#000001", "#fffffe"),
    "blue": ("#0072b2", "#4fb0ee"),
    "sky": ("#3f9bd0", "#8fd3ff"),
    "green": ("#009e73", "#2fd3a5"),
    "orange": ("#c98700", "#f3b73c"),
    "purple": ("#a8528a", "#e39cc8"),
    "grey": ("#707070", "#a8a8a8"),
    "pink": ("#b5496b", "#f090ac"),
}
INK, FAINT = "#1a1a1b", "#c9c9cb"  # text and grid, which a page may replace as it does the colours
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
RATES = (0.08, 1.6)  # bpp shown
TICKS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5)
FEW_TICKS, WIDE = (0.1, 0.2, 0.5, 1.0), 3.0  # on plots of less than so many inches
FINE_TICKS = tuple(
    step * 10.0**power for power in (-3, -2, -1, 0, 1) for step in (1, 1.5, 2, 3, 4, 5, 7)
)  # of distances
SIZE = (5.4, 4.1)  # inches of one plot
MARGINS = (0.55, 0.55, 0.4)  # inches: left, bottom, top
LETTER = 0.088  # inches of a letter of a name
LINE = 13.0  # points from one name to the next


def rd_figure(curves: Sequence[Curve], keys: Sequence[str], size: tuple[float, float] = SIZE) -> Figure:
    """Draw a row of plots, one a metric. Curves without a metric are left out of its plot."""
    from matplotlib.figure import Figure

    width, height = size
    figure = Figure((width * len(keys), height))
    left, bottom, top = MARGINS
    right = 0.3 + LETTER * max((len(curve.label) for curve in curves), default=0)  # for the names
    inner = (width - left - right) / (width * len(keys)), (height - bottom - top) / height
    for place, key in enumerate(keys):
        axis = figure.add_axes(((left + place * width) / (width * len(keys)), bottom / height, *inner))
        draw(axis, curves, measure(key))
        place_names(axis)
    return figure


def draw(axis: Axes, curves: Sequence[Curve], shown: Measure) -> None:
    """Draw one plot. A distance is upside down and logarithmic, so that up is better in all of them."""
    axis.set_xscale("log")
    low, high = limits([curve for curve in curves if curve.has(shown.key)])
    axis.set_xlim(low, high)
    wide = axis.get_position().width * axis.get_figure(root=True).get_size_inches()[0] > WIDE  # type: ignore[union-attr]
    ticks = [tick for tick in (TICKS if wide else FEW_TICKS) if low <= tick <= high]
    axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.set_xticks([], minor=True)
    axis.set_xlabel("bits a pixel", color=INK)
    unit = f" ({shown.unit})" if shown.unit else ""
    axis.set_title(f"{shown.label}{unit}", loc="left", color=INK, fontsize=11)
    axis.grid(color=FAINT, linewidth=0.6)
    axis.tick_params(colors=INK, length=0)
    for side in axis.spines.values():
        side.set_visible(False)
    for place, curve in enumerate(curves):
        if curve.has(shown.key):
            line(axis, curve, shown.key, DASHES[place % len(DASHES)], (low, high))
    if shown.better < 0:
        fine_ticks(axis)


def fine_ticks(axis: Axes) -> None:
    """A logarithmic vertical axis, upside down."""
    axis.set_yscale("log")
    bottom, top = axis.get_ylim()
    ticks = [tick for tick in FINE_TICKS if bottom <= tick <= top]
    axis.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.set_yticks([], minor=True)
    axis.set_ylim(top, bottom)


def limits(curves: Sequence[Curve]) -> tuple[float, float]:
    """Return the rates to show: the part of ``RATES`` that the curves have, or all rates if they have no part of it."""
    rates = [point.bpp for curve in curves for point in curve.points]
    inside = [rate for rate in rates if RATES[0] <= rate <= RATES[1]] or rates or list(RATES)
    return min(inside) / 1.08, max(inside) * 1.08


def line(axis: Axes, curve: Curve, key: str, dash: Any, rates: tuple[float, float]) -> None:
    """Draw a curve and its name in the right margin; ``place_names`` moves the name to the right height."""
    ours = curve.codec.name.startswith("skosh")
    colour = COLOURS.get(curve.codec.colour, COLOURS["grey"])[0]
    points = [point for point in curve.points if rates[0] <= point.bpp <= rates[1]]
    if not points:
        return
    axis.plot(
        [point.bpp for point in points],
        [point.metrics[key] for point in points],
        color=colour,
        linestyle="-" if curve.codec.name == "skosh" else dash,
        linewidth=2.6 if ours else 1.3,
        marker=curve.codec.marker,
        markersize=5 if ours else 4,
        zorder=3 if ours else 2,
    )
    axis.annotate(
        curve.label,
        (points[-1].bpp, points[-1].metrics[key]),
        xytext=(1.03, 0.5),
        textcoords="axes fraction",
        color=colour,
        va="center",
        fontsize=10,
        fontweight="bold" if ours else "normal",
        arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.6, "alpha": 0.6, "shrinkA": 1, "shrinkB": 4},
    )


def place_names(axis: Axes) -> None:
    """Give every name the height of its curve's end, moved up or down until none lies on another."""
    from matplotlib.text import Annotation

    names = [text for text in axis.texts if isinstance(text, Annotation)]
    to_axes = axis.transAxes.inverted()
    ends = {id(name): float(to_axes.transform(axis.transData.transform(name.xy))[1]) for name in names}
    names.sort(key=lambda name: ends[id(name)])
    points = axis.get_window_extent().height * 72.0 / axis.get_figure(root=True).dpi  # type: ignore[union-attr]
    for name, height in zip(names, spread([ends[id(name)] for name in names], LINE / points), strict=True):
        name.set_position((1.03, height))


def spread(heights: Sequence[float], gap: float) -> list[float]:
    """Move rising heights in 0..1 as little as possible so that they stand ``gap`` apart."""
    found = list(heights)
    for _ in range(300):
        for i in range(len(found) - 1):
            lack = gap - (found[i + 1] - found[i])
            if lack > 0:
                found[i] -= lack / 2
                found[i + 1] += lack / 2
        if found:
            found[0], found[-1] = max(found[0], 0.0), min(found[-1], 1.0)
    return found


def svg(figure: Figure, text_as_paths: bool = False) -> str:
    """A figure as SVG; with text as text it takes the fonts of the page around it."""
    import matplotlib as mpl

    with mpl.rc_context({"svg.fonttype": "path" if text_as_paths else "none", "svg.hashsalt": "skosh"}):
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=not text_as_paths, metadata={"Date": None})
    return file.getvalue()


def with_variables(drawing: str) -> str:
    """Prepare an SVG for a page: colours become variables of the page's style; the page decides on the size."""
    start = drawing.index("<svg")
    text = drawing[start:]
    for name, (light, _) in COLOURS.items():
        text = text.replace(light, f"var(--{name})")
    return text.replace(INK, "var(--ink)").replace(FAINT, "var(--faint)")


def png(figure: Figure, dpi: int = 200) -> bytes:
    """A figure as PNG on white."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=dpi, facecolor="white")
    return file.getvalue()
