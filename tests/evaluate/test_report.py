"""The page stands alone, says what failed, and shows every curve; plots are readable."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image

from skosh.evaluate import codecs, tables
from skosh.evaluate.compare import Panel
from skosh.evaluate.curves import curve
from skosh.evaluate.gallery import Exhibit
from skosh.evaluate.pictures import Picture
from skosh.evaluate.plots import COLOURS, png, rd_figure, spread, svg, with_variables
from skosh.evaluate.report import page, write_report
from skosh.evaluate.results import Result
from skosh.evaluate.run import Evaluation

Made = Callable[..., list[Result]]


class Balance(HTMLParser):
    """Tags that open and close, and what they refer to."""

    VOID = frozenset({"meta", "br", "path", "use", "link", "img"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.references: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.references += [value or "" for key, value in attributes if key in ("src", "href", "xlink:href", "data")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.references += [value or "" for key, value in attributes if key in ("src", "href", "xlink:href", "data")]

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


@pytest.fixture
def evaluation(made_up: Made) -> Evaluation:
    results = [
        *made_up("skosh", factor=0.8),
        *(replace(row, measured="bpg.csv") for row in made_up("bpg", factor=0.7)),
        *made_up("jpeg"),
    ]
    pictures = [Picture(Path(f"{name}.png"), name, name) for name in ("a", "b")]
    made = [codecs.make(name) for name in ("skosh", "bpg", "jpeg")]
    return Evaluation(pictures, made, {"skosh": "skosh 1", "jpeg": "Pillow 1"}, ("psnr", "ms_ssim", "lpips"), results)


def test_the_page_stands_alone_and_is_well_formed(evaluation: Evaluation, tmp_path: Path) -> None:
    panel = Panel("original", "", Image.new("RGB", (20, 10)), 100, {})
    crops = (("where the codecs differ most", (0, 0, 8, 8)), ("where the original is flattest", (8, 2, 16, 10)))
    exhibits = [Exhibit("a", (panel, panel), crops)]
    files = write_report(evaluation, tmp_path, "two <pictures>", exhibits, 0.25)
    names = {path.name for path in files}
    assert {"index.html", "results.csv", "psnr.svg", "psnr.png", "ms_ssim_db.svg", "lpips.png"} <= names
    text = (tmp_path / "index.html").read_text()
    parser = Balance()
    parser.feed(text)
    assert parser.open == []
    inside = [reference.startswith("data:image/webp;base64,") for reference in parser.references if reference[0] != "#"]
    assert inside == [True] * 5
    assert "<script" not in text
    assert not re.search(r"@import|url\(\s*[\"']?(?!#)", text)
    assert "two &lt;pictures&gt;" in text
    assert "prefers-color-scheme: dark" in text
    assert 'name="viewport"' in text


def test_the_page_has_the_figures(evaluation: Evaluation) -> None:
    text = page(evaluation, tables.curves_of(evaluation), [], "t")
    assert "-20.0 %" in text or "-20." in text
    assert "BPG*" in text
    assert "measured before, from bpg.csv" in text
    assert text.count("<tr class=ours>") == 1


def test_the_page_names_what_failed(evaluation: Evaluation) -> None:
    evaluation.results[0] = replace(evaluation.results[0], error="out of <luck>", bytes=0)
    text = page(evaluation, tables.curves_of(evaluation), [], "t")
    assert "out of &lt;luck&gt;" in text
    assert "1 of 2" in text  # pictures left in the curve


def test_a_page_without_a_single_curve_is_still_a_page(evaluation: Evaluation, tmp_path: Path) -> None:
    evaluation.results[:] = [replace(row, error="no") for row in evaluation.results]
    write_report(evaluation, tmp_path, "t")
    assert "nothing to compare" in (tmp_path / "index.html").read_text()


def test_a_plot_names_its_curves_and_takes_the_pages_colours(evaluation: Evaluation) -> None:
    drawing = svg(rd_figure(tables.curves_of(evaluation), ["psnr"]))
    for name in ("skosh", "BPG*", "JPEG", "bits a pixel", "PSNR (dB, RGB)"):
        assert f">{name}</text>" in drawing
    shown = with_variables(drawing)
    assert "var(--vermilion)" in shown
    assert "var(--ink)" in shown
    assert not any(light in shown for light, _ in COLOURS.values())


def test_a_long_name_has_room(made_up: Made) -> None:
    codec = codecs.make("skosh=somebody-elses-bundle")
    (axis,) = rd_figure([curve(made_up(codec.name), codec)], ["psnr"]).axes
    (name,) = axis.texts
    name.figure.canvas.draw()  # type: ignore[union-attr]
    assert name.get_window_extent().x1 <= axis.figure.bbox.x1


def test_a_plot_is_the_same_each_time(evaluation: Evaluation) -> None:
    one, two = (svg(rd_figure(tables.curves_of(evaluation), ["lpips"]), text_as_paths=True) for _ in range(2))
    assert one == two


def test_a_plot_of_rates_far_from_the_usual_ones_has_something_on_it(made_up: Made) -> None:
    far = curve(made_up("jpeg", factor=100), codecs.make("jpeg"))
    assert len(png(rd_figure([far], ["psnr"]), dpi=40)) > 1000


@pytest.mark.parametrize("heights", [[0.5] * 6, [0.0, 0.0, 0.01], [0.95, 0.97, 1.0], [0.1, 0.5, 0.9], []])
def test_names_stand_apart_within_the_plot(heights: list[float]) -> None:
    found = spread(heights, 0.06)
    assert all(b - a > 0.055 for a, b in pairwise(found))
    assert all(-0.02 <= height <= 1.02 for height in found)
    if heights == [0.1, 0.5, 0.9]:
        assert found == heights


def test_colours_can_be_told_from_the_paper() -> None:
    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for name, (light, dark) in COLOURS.items():
        assert 1.05 / (luminance(light) + 0.05) > 2.9, name
        assert (luminance(dark) + 0.05) / (luminance("#141416") + 0.05) > 4.5, name
