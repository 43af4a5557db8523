"""Curves, BD-rates and tables from made-up results whose answers are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from skosh.evaluate import codecs, measured, tables
from skosh.evaluate.bdrate import bd_rate
from skosh.evaluate.curves import Curve, curve
from skosh.evaluate.results import Result

Made = Callable[..., list[Result]]


def made_curve(made_up: Made, codec: str, **how: object) -> Curve:
    return curve(made_up(codec, **how), codecs.make(codec))


def test_a_curve_is_the_mean_of_the_pictures_values(made_up: Made) -> None:
    rows = [row for row in made_up("jpeg") if row.quality == 0.0]
    rows[1] = replace(rows[1], bytes=3 * rows[0].bytes, metrics=rows[1].metrics | {"psnr": 32.0})
    (point,) = curve(rows, codecs.make("jpeg")).points
    assert point.bpp == pytest.approx(2 * rows[0].bpp)
    assert point.metrics["psnr"] == 30.0


def test_a_picture_that_failed_once_is_left_out_of_every_point(made_up: Made) -> None:
    rows = made_up("jpeg")
    rows[3] = replace(rows[3], error="crashed", metrics={}, bytes=0)
    found = curve(rows, codecs.make("jpeg"))
    assert found.images == {"b"}
    assert len(found.points) == 7


def test_pictures_of_which_each_lacks_another_setting_are_no_curve(made_up: Made) -> None:
    rows = [row for row in made_up("jpeg") if (row.image, row.quality) not in {("a", 6.0), ("b", 0.0)}]
    assert curve(rows, codecs.make("jpeg")).points == ()


def test_two_points_of_one_rate_are_one(made_up: Made) -> None:
    rows = [replace(row, bytes=12500) if row.quality < 2 else row for row in made_up("webp")]
    found = bd_rate(curve(rows, codecs.make("webp")), made_curve(made_up, "jpeg"), "psnr")
    assert found.percent is not None


def test_a_metric_that_one_picture_lacks_is_no_mean(made_up: Made) -> None:
    rows = made_up("jpeg")
    rows[0] = replace(rows[0], metrics=rows[0].metrics | {"ms_ssim": None})
    found = curve(rows, codecs.make("jpeg"))
    assert not found.has("ms_ssim")
    assert found.has("psnr")


def test_values_between_points_are_interpolated_over_the_logarithm_of_the_rate(made_up: Made) -> None:
    found = made_curve(made_up, "jpeg")
    assert found.at(0.1 * 1.5**2.5, "psnr") == pytest.approx(30.5, abs=0.01)
    assert found.at(0.05, "psnr") is None
    assert found.at(5.0, "psnr") is None


@pytest.mark.parametrize("key", ["psnr", "ms_ssim_db", "lpips", "butteraugli_3", "flip"])
def test_a_fifth_fewer_bytes_are_minus_20_per_cent(made_up: Made, key: str) -> None:
    found = bd_rate(made_curve(made_up, "webp", factor=0.8), made_curve(made_up, "jpeg"), key)
    assert found.percent == pytest.approx(-20.0, abs=0.3)
    assert found.rates == (pytest.approx(0.1, rel=0.02), pytest.approx(1.1, rel=0.25))


def test_curves_that_hardly_meet_are_not_compared(made_up: Made) -> None:
    far = bd_rate(made_curve(made_up, "webp", factor=0.1), made_curve(made_up, "jpeg"), "psnr")
    assert far.percent is None
    assert "too little in common" in far.refusal
    assert far.show() == "-"


def test_rates_that_hardly_differ_are_not_compared_and_the_reason_is_right(made_up: Made) -> None:
    steep = made_curve(made_up, "jpeg")
    steep = replace(steep, points=tuple(replace(point, bpp=0.3 * point.bpp**0.1) for point in steep.points))
    found = bd_rate(made_curve(made_up, "webp"), steep, "psnr")
    assert found.percent is None
    assert "by a factor of" in found.refusal


def test_a_curve_of_three_points_is_not_compared(made_up: Made) -> None:
    found = bd_rate(made_curve(made_up, "webp", points=3), made_curve(made_up, "jpeg"), "psnr")
    assert "fewer than 4 points" in found.refusal


@pytest.mark.parametrize(("kept", "compared"), [((0, 1, 2, 10, 11, 12), True), ((0, 1, 10, 11, 12), False)])
def test_a_curve_with_hardly_a_point_between_the_rates_is_not_compared(
    made_up: Made, kept: tuple[int, ...], compared: bool
) -> None:
    rows = [
        row for row in made_up("webp", factor=0.5, points=13) if row.quality in kept
    ]  # 0.05, 0.075, 0.11; 2.9 bpp and more
    extra = [row for row in made_up("webp", factor=0.5, points=13) if row.quality == 3 and compared]
    found = bd_rate(curve(rows + extra, codecs.make("webp")), made_curve(made_up, "jpeg"), "psnr")
    assert (found.percent is not None) == compared
    assert compared or "fewer than 2 points between the qualities" in found.refusal


def test_points_count_where_both_curves_are(made_up: Made) -> None:
    """The first has points between the rates, but none of them is of a quality that the second reaches."""
    low = [row for row in made_up("webp", points=13) if row.quality in (0, 1, 2, 9, 10)]
    high = [row for row in made_up("jpeg", points=13) if 3 <= row.quality <= 8]
    found = bd_rate(curve(low, codecs.make("webp")), curve(high, codecs.make("jpeg")), "psnr")
    assert "fewer than 2 points between the qualities" in found.refusal


def test_a_metric_that_was_not_measured_is_not_compared(made_up: Made) -> None:
    assert bd_rate(made_curve(made_up, "webp"), made_curve(made_up, "jpeg"), "ssimulacra2").refusal == "not measured"


def test_rates_outside_of_the_window_do_not_count(made_up: Made) -> None:
    rows = made_up("webp", points=12)
    worse_above = [replace(r, bytes=r.bytes * 3) if r.bpp > 1.1 else r for r in rows]
    anchor = made_curve(made_up, "jpeg")
    found = bd_rate(curve(worse_above, codecs.make("webp")), anchor, "psnr")
    assert found.percent == pytest.approx(0.0, abs=4.0)


def test_a_point_no_better_than_a_cheaper_one_is_left_out(made_up: Made) -> None:
    rows = [replace(r, metrics=r.metrics | {"psnr": 20.0}) if r.quality == 3 else r for r in made_up("webp")]
    found = bd_rate(curve(rows, codecs.make("webp")), made_curve(made_up, "jpeg"), "psnr")
    assert found.percent == pytest.approx(0.0, abs=1.0)


def test_two_codecs_are_compared_on_the_pictures_that_both_coded(made_up: Made) -> None:
    ours = made_up("webp", images=("a", "b"))
    theirs = made_up("jpeg", images=("a",)) + made_up("jpeg", images=("b",), factor=50)[:-1]
    results = [*ours, *theirs, replace(theirs[-1], quality=6.0, error="crashed")]
    test, anchor = (curve(results, codecs.make(name)) for name in ("webp", "jpeg"))
    assert tables.compared(results, test, anchor, "psnr").percent == pytest.approx(0.0, abs=0.1)


def test_a_refusal_is_told_in_the_table(made_up: Made) -> None:
    results = made_up("webp") + made_up("jpeg", factor=9)
    test, anchor = (curve(results, codecs.make(name)) for name in ("webp", "jpeg"))
    table = tables.bd_table(results, test, [anchor])
    assert table.head[-1] == "not compared"
    assert "too little in common" in table.rows[0][-1]
    assert "| JPEG | - | - | - |" in table.markdown()


def test_the_table_at_a_rate_has_the_best_first_and_leaves_out_who_does_not_reach_it(made_up: Made) -> None:
    curves = [
        made_curve(made_up, "jpeg"),
        made_curve(made_up, "webp", factor=0.7),
        made_curve(made_up, "avif", factor=9),
    ]
    rows = tables.at_rate(curves, 0.23).rows
    assert [row[0] for row in rows] == ["WebP", "JPEG"]
    lpips = [
        Curve(one.codec, tuple(replace(p, metrics={"lpips": p.metrics["lpips"]}) for p in one.points), one.images, None)
        for one in curves
    ]
    assert [row[0] for row in tables.at_rate(lpips, 0.23).rows] == ["WebP", "JPEG"]


def test_tables_show_the_lpips_whose_grid_is_moved_and_the_other_only_where_a_curve_has_no_more(made_up: Made) -> None:
    moved = [replace(row, metrics=row.metrics | {"lpips_off": 0.5}) for row in made_up("webp")]
    ours, elsewhere = curve(moved, codecs.make("webp")), made_curve(made_up, "jpeg")
    assert tables.at_rate([ours], 0.23).head[:4] == ["at 0.23 bpp", "PSNR (dB)", "MS-SSIM", "LPIPS"]
    assert tables.at_rate([ours], 0.23).rows[0][3] == "0.500"
    table = tables.at_rate([ours, elsewhere], 0.23)
    assert table.head[3:5] == ["LPIPS", "LPIPS, grid at 0"]
    assert [row[3] for row in table.rows] == ["0.500", "-"]


def test_a_table_at_a_rate_by_a_distance_alone_has_the_lowest_on_top(made_up: Made) -> None:
    rows = {name: [replace(r, metrics={"flip": r.metrics["flip"]}) for r in made_up(name)] for name in ("webp", "jpeg")}
    worse = [replace(row, metrics={"flip": 2 * (row.metrics["flip"] or 0.0)}) for row in rows["webp"]]
    curves = [curve(worse, codecs.make("webp")), curve(rows["jpeg"], codecs.make("jpeg"))]
    assert [row[0] for row in tables.at_rate(curves, 0.23).rows] == ["JPEG", "WebP"]


def test_the_published_figures_of_the_reference_curves(shared: Path) -> None:
    """BD-rates against BPG on Kodak, which were computed elsewhere from the same files: PSNR, MS-SSIM, LPIPS."""
    due = {"avif": (10, -19, -17), "heic": (17, 3, -8)}
    rows = {name: measured.load(shared / "reference" / "kodak" / f"{name}.csv") for name in ("bpg", *due)}
    curves = {name: curve(found, codecs.make(name)) for name, found in rows.items()}
    for name, figures in due.items():
        table = tables.bd_table([], curves[name], [curves["bpg"]])
        assert table.head[1:4] == ["PSNR", "MS-SSIM", "LPIPS, grid at 0"]
        found = [float(cell.split()[0]) for cell in table.rows[0][1:4]]
        assert found == [pytest.approx(figure, abs=0.75) for figure in figures]
