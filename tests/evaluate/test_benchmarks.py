"""The scripts behind docs/results.md: tables from figures that are known, and one small run."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from skosh.evaluate import codecs
from skosh.evaluate.curves import curve
from skosh.evaluate.results import Result

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import quality  # noqa: E402
import speed  # noqa: E402


def timing(*warm: float, megabytes: float = 100.0) -> speed.Timing:
    return speed.Timing(1.0, warm, megabytes)


def test_a_ratio_has_the_spread_of_both_sides() -> None:
    assert speed.ratio(timing(1.0, 2.0, 4.0), timing(0.5, 1.0, 1.0)) == "2 (1 to 8)"
    assert speed.ratio(timing(1.0), speed.Timing()) == ""


def test_growth_is_the_power_of_the_pixels_and_the_bytes_of_each() -> None:
    found = {
        ("jpeg", 1.0, 1): (timing(1.0, megabytes=50), timing(2.0, megabytes=40)),
        ("jpeg", 4.0, 1): (timing(8.0, megabytes=80), timing(8.0, megabytes=70)),
        ("jpeg", 50.0, 1): (speed.Timing(trouble="not tried"),) * 2,
    }
    row = speed.growth_table(found).splitlines()[-1]
    assert row == "| jpeg | 1 | 1 to 4 | 1.50 | 10 | 1.00 | 10 |"


def test_what_was_not_possible_is_in_the_table() -> None:
    found = {("skosh", 50.0, 1): (speed.Timing(trouble="not possible: too large"),) * 2}
    assert "not possible: too large" in speed.speed_table(found)


def test_a_process_on_one_core_is_timed_and_its_memory_read(tmp_path: Path, photo: Image.Image) -> None:
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system can't hold a process to a core")
    photo.save(tmp_path / "a.ppm")
    encoded, decoded = speed.both_ways("jpeg", 50, tmp_path / "a.ppm", tmp_path / "coded", 1)
    for found in (encoded, decoded):
        assert found.trouble == ""
        assert 0 < found.median < found.cold < 60
        assert 10 < found.megabytes < 2000
    assert (tmp_path / "coded").stat().st_size > 1000


def test_a_codec_that_cannot_is_recorded_and_not_a_crash(tmp_path: Path) -> None:
    (tmp_path / "a.ppm").write_text("no picture")
    encoded, decoded = speed.both_ways("jpeg", 50, tmp_path / "a.ppm", tmp_path / "coded", 1)
    assert encoded.trouble.startswith("not possible: ")
    assert decoded.trouble == encoded.trouble
    assert math.isnan(encoded.cold)


def test_large_pictures_are_not_tried_where_they_would_take_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def both_ways(
        name: str, quality: float, picture: Path, coded: Path, cores: int
    ) -> tuple[speed.Timing, speed.Timing]:
        tried.append((picture.stem, cores))
        return timing(10.0), timing(1.0)

    monkeypatch.setattr(speed, "both_ways", both_ways)
    monkeypatch.setattr(speed, "setting", lambda name, picture: 50.0)
    monkeypatch.setattr(speed, "large_photograph", lambda size: Image.new("RGB", (8, 8)))
    found = speed.timings(["jpeg"], [1.0, 2.0, 20.0], limit=60.0)
    assert tried == [("1", 1), ("2", 1), ("1", 2), ("2", 2)]
    assert "about 100 s expected" in found["jpeg", 20.0, 1][0].trouble


def test_agreement_tells_the_largest_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made_up: Callable[..., list[Result]]
) -> None:
    table = tmp_path / "jpeg.csv"
    rows = made_up("jpeg")
    lines = [
        f"{r.image},{r.quality:g},{r.bytes},{r.bpp},{r.metrics['psnr']},{r.metrics['ms_ssim']},{r.metrics['lpips']}"
        for r in rows
    ]
    table.write_text("\n".join(["image,q,bytes,bpp,psnr,ms_ssim,lpips", *lines]))
    monkeypatch.setattr(quality, "reference_files", lambda: {"jpeg": table})
    rows[0] = replace(rows[0], bytes=rows[0].bytes + 1, metrics=rows[0].metrics | {"psnr": 28.25})
    text = quality.agreement(rows)[-1]
    assert "| jpeg | 14 | 1 | 0.2500 | 0.0000 | 0.0000 |" in text
    assert quality.agreement([replace(row, measured="x") for row in rows]) == []


def test_the_readme_says_what_a_quality_gives(made_up: Callable[..., list[Result]]) -> None:
    found = curve(made_up("jpeg"), codecs.make("jpeg"))
    lines = quality.looks(found).splitlines()
    assert lines[0] == "| `-q` | bits a pixel | PSNR (dB) | look |"
    assert len(lines) == 2 + len(found.points)
    first = found.points[0]
    assert lines[2].startswith(f"| {first.quality:g} | {first.bpp:.3f} | {first.metrics['psnr']:.2f} |")


def test_the_page_of_results_has_the_sections_that_the_scripts_write() -> None:
    root = BENCHMARKS.parent
    pages = (
        ("docs/results.md", ("kodak", "judges", "renditions", "speed", "exactness")),
        ("README.md", ("kodak", "qualities")),
    )
    for document, names in pages:
        text = (root / document).read_text()
        for name in names:
            assert f"<!-- {name} -->" in text
            assert f"<!-- end {name} -->" in text


def test_the_scripts_say_what_they_do() -> None:
    for script in ("benchmarks/quality.py", "benchmarks/speed.py", "scripts/triplets.py", "scripts/patterns.py"):
        call = [sys.executable, str(BENCHMARKS.parent / script), "--help"]
        assert "usage" in subprocess.run(call, capture_output=True, text=True, check=True).stdout
