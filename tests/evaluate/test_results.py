"""The results file: kept, found again, refused where it is another's."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from skosh import SkoshError, files
from skosh.evaluate import measured, results
from skosh.evaluate.pictures import Picture
from skosh.evaluate.results import Result, Store

ONE = Result("a", "d1", "jpeg", "1.0", "s", 50.0, 200, 100, 5000, {"psnr": 30.0, "lpips": None}, 0.1, 0.2)


def kept(tmp_path: Path, *found: Result) -> Path:
    store = Store(tmp_path / "results.json")
    for result in found:
        store.put(result)
    store.save()
    return store.path


def test_a_result_is_found_again_after_a_restart(tmp_path: Path) -> None:
    path = kept(tmp_path, ONE)
    assert Store(path).get(ONE.key, ["psnr", "lpips"]) == ONE
    assert ONE.bpp == 2.0


@pytest.mark.parametrize(
    "change",
    [{"digest": "d2"}, {"version": "1.1"}, {"settings": "t"}, {"quality": 51.0}, {"codec": "webp"}],
    ids=["picture", "version", "settings", "quality", "codec"],
)
def test_a_result_is_not_taken_for_another(tmp_path: Path, change: dict[str, object]) -> None:
    other = replace(ONE, **change)  # type: ignore[arg-type]
    assert Store(kept(tmp_path, ONE)).get(other.key, ["psnr"]) is None


def test_a_failed_result_and_one_that_lacks_a_metric_are_measured_again(tmp_path: Path) -> None:
    failed = replace(ONE, quality=60.0, error="out of luck")
    store = Store(kept(tmp_path, ONE, failed))
    assert store.get(failed.key, ["psnr"]) is None
    assert store.get(ONE.key, ["psnr", "ms_ssim"]) is None


def test_a_result_does_not_give_way_to_a_worse_one(tmp_path: Path) -> None:
    failed, fewer = replace(ONE, error="out of luck", metrics={}), replace(ONE, metrics={"ssimulacra2": 70.0})
    store = Store(kept(tmp_path, ONE, failed))
    assert store.get(ONE.key, ["psnr"]) == ONE
    store.put(fewer)
    assert store.get(ONE.key, ["psnr", "lpips", "ssimulacra2"]) == replace(ONE, metrics=ONE.metrics | fewer.metrics)
    other = replace(fewer, bytes=4999)  # of another file: their figures don't go together
    store.put(other)
    assert store.get(ONE.key, ["ssimulacra2"]) == other
    assert store.get(ONE.key, ["psnr"]) is None


def test_a_result_takes_the_place_of_one_that_failed(tmp_path: Path) -> None:
    assert Store(kept(tmp_path, replace(ONE, error="out of luck"), ONE)).get(ONE.key, ["psnr"]) == ONE


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"results_version": 0, "results": []}', "version 0, this skosh writes version 1"),
        ('{"results_version": 2, "results": []}', "version 2"),
        ('{"results": []}', "version None"),
        ("[]", "version None"),
        ("not json", "no results file"),
        ('{"results_version": 1}', "damaged"),
        ('{"results_version": 1, "results": [{"image": "a"}]}', "damaged"),
    ],
)
def test_another_file_is_refused_and_left_as_it_is(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "results.json"
    path.write_text(content)
    with pytest.raises(SkoshError, match=words):
        Store(path)
    assert path.read_text() == content


def test_a_value_of_the_wrong_kind_is_damage(tmp_path: Path) -> None:
    path = kept(tmp_path, ONE)
    content = json.loads(path.read_text())
    content["results"][0]["bytes"] = "many"
    path.write_text(json.dumps(content))
    with pytest.raises(SkoshError, match="bytes is 'many'"):
        Store(path)


def test_the_table_has_a_row_for_each_result_and_empty_cells_for_what_is_not_known() -> None:
    rows = list(csv.DictReader(io.StringIO(results.to_csv([ONE, replace(ONE, error="broken, badly")]))))
    assert rows[0]["bpp"] == "2"
    assert rows[0]["psnr"] == "30"
    assert rows[0]["lpips"] == ""
    assert rows[0]["encode_ms"] == "100.0"
    assert rows[1]["bytes"] == ""
    assert rows[1]["error"] == "broken, badly"


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = kept(tmp_path, ONE)
    old = path.read_text()

    def fail(*_: object) -> None:
        raise OSError(28, "disk full")

    monkeypatch.setattr(files.os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        kept(tmp_path, replace(ONE, quality=60.0))
    assert path.read_text() == old
    assert list(tmp_path.iterdir()) == [path]


def test_a_measured_curve_is_read_from_a_table_and_marked(tmp_path: Path) -> None:
    path = tmp_path / "bpg.csv"
    path.write_text("image,q,bytes,bpp,psnr,ms_ssim,lpips\na,22,5000,2.0,30.5,0.99,0.1\n")
    (row,) = measured.load(path)
    assert (row.codec, row.quality, row.bytes, row.bpp, row.measured) == ("bpg", 22.0, 5000, 2.0, "bpg.csv")
    assert row.metrics == {"psnr": 30.5, "ms_ssim": 0.99, "ms_ssim_db": pytest.approx(20.0), "lpips": 0.1}


def test_a_measured_curve_is_read_from_a_results_file(tmp_path: Path) -> None:
    path = kept(tmp_path, ONE, replace(ONE, quality=9.0, error="no"))
    assert measured.load(path) == [replace(ONE, measured="results.json")]


@pytest.mark.parametrize(
    "text", ["", "image,q\na,1\n", "image,q,bytes,bpp\na,x,1,1\n"], ids=["empty", "columns", "numbers"]
)
def test_a_table_of_something_else_is_refused_or_empty(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bpg.csv"
    path.write_text(text)
    if not text:
        assert measured.load(path) == []
        return
    with pytest.raises(SkoshError, match="no table of results"):
        measured.load(path)


def test_a_measured_picture_of_another_size_is_not_the_same_picture(made_up: Callable[..., list[Result]]) -> None:
    rows = [replace(row, digest="", measured="bpg.csv") for row in made_up("bpg")]
    pictures = [Picture(Path("a.png"), "a", "d1")]
    assert {row.image for row in measured.of_pictures(rows, pictures, {"a": 1_000_000})} == {"a"}
    with pytest.raises(SkoshError, match="not the same picture"):
        measured.of_pictures(rows, pictures, {"a": 999_000_0})
