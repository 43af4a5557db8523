"""Whole evaluations of two small pictures: resumed, with broken pictures and codecs, with processes that die."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import skosh
from skosh import SkoshError
from skosh.evaluate import UsageError, codecs, pool, run, trial
from skosh.evaluate import pictures as disk
from skosh.evaluate.codecs import skosh as ours
from skosh.evaluate.pool import DIED, Pool
from skosh.evaluate.results import Result, Store
from skosh.evaluate.run import Evaluation, Request, evaluate
from skosh.evaluate.trial import Trial


def quiet(results: Iterator[Result], total: int) -> Iterator[Result]:
    return results


@pytest.fixture(scope="module")
def finished(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Request, Evaluation]:
    """Two pictures, JPEG and WebP at two qualities, measured in two processes."""
    request = Request(
        pictures,
        tmp_path_factory.mktemp("report"),
        ("jpeg", "webp"),
        {"": (20.0, 60.0)},
        metrics=("psnr", "ms_ssim"),
        workers=2,
    )
    return request, evaluate(request, print, quiet)


def test_every_picture_codec_and_quality_is_measured(finished: tuple[Request, Evaluation]) -> None:
    _, found = finished
    assert found.computed == 8
    assert {(r.image, r.codec, r.quality) for r in found.results} == {
        (image, codec, quality) for image in ("left", "right") for codec in ("jpeg", "webp") for quality in (20, 60)
    }
    assert not found.failures
    for result in found.results:
        assert result.bytes > 500
        assert (result.width, result.height) == (176, 168)
        assert result.metrics.keys() == {"psnr", "ms_ssim", "ms_ssim_db"}
        assert result.encode_seconds > 0


def test_the_bytes_are_those_of_the_codec(finished: tuple[Request, Evaluation], pictures: Path) -> None:
    result = next(r for r in finished[1].results if (r.image, r.codec, r.quality) == ("left", "jpeg", 60.0))
    with Image.open(pictures / "left.png") as image:
        assert result.bytes == len(codecs.make("jpeg").encode(image.convert("RGB"), 60))


def test_nothing_is_measured_twice(finished: tuple[Request, Evaluation], monkeypatch: pytest.MonkeyPatch) -> None:
    request, first = finished
    monkeypatch.setattr(run, "Pool", None)  # a second run that measures anything fails
    again = evaluate(request, print, quiet)
    assert again.computed == 0
    assert again.results == first.results


def test_only_what_is_new_is_measured(
    finished: tuple[Request, Evaluation], tmp_path: Path, pictures: Path, here: list[Trial]
) -> None:
    request, _ = finished
    shutil.copytree(request.out, tmp_path / "out")
    shutil.copytree(pictures, tmp_path / "in")
    (tmp_path / "in" / "left.png").rename(tmp_path / "in" / "renamed.png")
    with Image.open(tmp_path / "in" / "right.png") as image:
        image.transpose(Image.Transpose.FLIP_TOP_BOTTOM).save(tmp_path / "in" / "right.png")
    more = replace(
        request, folder=tmp_path / "in", out=tmp_path / "out", qualities={"": (20.0, 60.0), "webp": (60.0, 70.0)}
    )
    found = evaluate(more, print, quiet)
    assert {(t.picture.name, t.codec, t.quality) for t in here} == {
        ("right", "jpeg", 20.0),
        ("right", "jpeg", 60.0),
        ("right", "webp", 60.0),
        ("right", "webp", 70.0),
        ("renamed", "webp", 70.0),
    }
    assert {r.image for r in found.results} == {"renamed", "right"}


def test_a_new_version_of_a_codec_is_measured_anew(
    finished: tuple[Request, Evaluation], tmp_path: Path, here: list[Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    request, _ = finished
    shutil.copytree(request.out, tmp_path / "out")
    jpeg = type(codecs.make("jpeg"))
    monkeypatch.setattr(jpeg, "version", lambda self: "Pillow 99")
    evaluate(replace(request, out=tmp_path / "out"), print, quiet)
    assert {t.codec for t in here} == {"jpeg"}
    assert len(here) == 4


def test_what_was_measured_before_an_interruption_is_kept(pictures: Path, tmp_path: Path, here: list[Trial]) -> None:
    def stop(results: Iterator[Result], total: int) -> Iterator[Result]:
        yield next(results)
        yield next(results)
        raise KeyboardInterrupt

    request = Request(pictures, tmp_path, ("jpeg",), {"": (10.0, 20.0)}, metrics=("psnr",))
    with pytest.raises(KeyboardInterrupt):
        evaluate(request, print, stop)
    assert len(Store(tmp_path / "results.json")._found) == 2
    here.clear()
    assert evaluate(request, print, quiet).computed == 2
    assert len(here) == 2


def test_a_broken_picture_is_told_once_and_the_rest_goes_on(
    pictures: Path, tmp_path: Path, here: list[Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "in"
    shutil.copytree(pictures, folder)
    (folder / "cut.png").write_bytes((folder / "left.png").read_bytes()[:3000])
    (folder / "text.jpg").write_text("no picture")
    (folder / "wide.ppm").write_bytes(b"P6 200000 300 255\n")
    digest = disk.digest
    monkeypatch.setattr(disk, "digest", lambda path: digest(path.parent / "gone" if path.stem == "text" else path))
    found = evaluate(Request(folder, tmp_path, ("jpeg",), {"": (10.0, 20.0)}, metrics=("psnr",)), print, quiet)
    assert [(r.image, r.codec) for r in found.failures] == [("cut", ""), ("text", ""), ("wide", "")]
    *unreadable, wide = found.failures
    assert all("can't read the picture" in (r.error or "") for r in unreadable)
    assert "over the limit" in (wide.error or "")
    assert len(found.results) == 4 + 3


def test_a_codec_that_fails_on_one_picture_is_recorded_and_the_rest_goes_on(
    pictures: Path, tmp_path: Path, here: list[Trial], pretended_bpg: Callable[[str], None]
) -> None:
    with Image.open(pictures / "left.png") as image:
        corner = image.convert("RGB").getpixel((0, 0))
    pretended_bpg(f"import os\nif image.getpixel((0, 0)) == {corner}: os.abort()")
    request = Request(pictures, tmp_path, ("bpg", "jpeg"), {"bpg": (30.0, 40.0), "jpeg": (50.0,)}, metrics=("psnr",))
    found = evaluate(request, print, quiet)
    assert [(r.image, r.quality) for r in found.failures] == [("left", 30.0), ("left", 40.0)]
    assert "SIGABRT" in (found.failures[0].error or "")
    assert sum(not r.error for r in found.results) == 4
    here.clear()
    evaluate(request, print, quiet)
    assert len(here) == 2  # failures are tried again, nothing else


class Deadly(type(codecs.make("jpeg"))):  # type: ignore[misc]
    def encode(self, image: Image.Image, quality: float) -> bytes:
        if quality == 13:
            os._exit(3)
        return bytes(super().encode(image, quality))


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_codec_that_takes_its_process_down_costs_that_trial_alone(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fork = multiprocessing.get_context("fork")
    monkeypatch.setattr(pool.multiprocessing, "get_context", lambda _: fork)
    monkeypatch.setattr(trial.codecs, "make", lambda spec: Deadly())
    found = disk.find(pictures)
    qualities = (10.0, 13.0, 20.0, 30.0, 40.0, 50.0)
    trials = [Trial(p, "jpeg", "jpeg", "1", "", quality) for p in found for quality in qualities]
    results = list(Pool(2, ("psnr",)).run(trials))
    assert sorted((r.image, r.quality) for r in results) == sorted((t.picture.name, t.quality) for t in trials)
    assert [(r.quality, r.error) for r in results if r.error] == [(13.0, DIED)] * 2


def test_a_missing_codec_is_skipped_with_a_line(
    pictures: Path, tmp_path: Path, here: list[Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    said: list[str] = []
    request = Request(pictures, tmp_path, ("bpg", "jpeg"), {"": (10.0,)}, metrics=("psnr",))
    found = evaluate(request, said.append, quiet)
    assert [codec.name for codec in found.codecs] == ["jpeg"]
    assert any("BPG" in line and "build libbpg" in line for line in said)
    with pytest.raises(SkoshError, match="none of these codecs"):
        evaluate(replace(request, codecs=("bpg",)), said.append, quiet)


def test_a_missing_codecs_measured_curve_stands_in_and_is_marked(
    pictures: Path, tmp_path: Path, here: list[Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    pixels = 176 * 168
    rows = [
        f"{name},{q},{size},{8 * size / pixels:.5f},30,0.9,0.2"
        for name in ("left", "right", "other")
        for q, size in ((40, 900), (30, 2000))
    ]
    table = tmp_path / "bpg.csv"
    table.write_text("\n".join(["image,q,bytes,bpp,psnr,ms_ssim,lpips", *rows]))
    request = Request(pictures, tmp_path, ("bpg", "jpeg"), {"jpeg": (10.0,)}, metrics=("psnr",), measured=(table,))
    found = evaluate(request, print, quiet)
    assert [codec.name for codec in found.codecs] == ["bpg", "jpeg"]
    stand_ins = [r for r in found.results if r.codec == "bpg"]
    assert {(r.image, r.measured) for r in stand_ins} == {("left", "bpg.csv"), ("right", "bpg.csv")}
    assert all(r.metrics.keys() == {"psnr"} for r in stand_ins)  # what the others have too


def test_a_measured_curve_that_is_not_used_is_named_with_the_reason(
    pictures: Path, tmp_path: Path, here: list[Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    head = "codec,image,q,bytes,bpp,psnr"
    table = tmp_path / "before.csv"
    table.write_text(f"{head}\nbpg,kodak/left,40,900,0.24,30\nwebp,left,40,900,0.24,30\n")
    said: list[str] = []
    request = Request(pictures, tmp_path, ("bpg", "jpeg"), {"jpeg": (10.0,)}, metrics=("psnr",), measured=(table,))
    evaluate(request, said.append, quiet)
    assert [line for line in said if "not used" in line] == [
        "not used: the curve of bpg that was measured before: none of its pictures is among these",
        "not used: the curve of webp that was measured before: it is installed or was not asked for",
    ]


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"codecs": ("gif",)}, UsageError, "no codec 'gif'"),
        ({"codecs": ("jpeg", "jpeg")}, UsageError, "named twice"),
        ({"qualities": {"": (200.0,)}}, UsageError, "jpeg takes qualities 1 to 95 in steps of 1, not 200"),
        ({"qualities": {"jpg": (20.0,)}}, UsageError, "jpg, which is none of these codecs: jpeg"),
        ({"metrics": ("psnr", "beauty")}, UsageError, "no metric beauty"),
        ({"folder": Path("nowhere")}, SkoshError, "is no folder"),
        ({"measured": (Path("nowhere.csv"),)}, OSError, "nowhere"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_measured(
    pictures: Path, tmp_path: Path, change: dict[str, object], error: type[Exception], words: str
) -> None:
    request = Request(pictures, tmp_path, ("jpeg",), metrics=("psnr",))
    with pytest.raises(error, match=words):
        evaluate(replace(request, **change), print, quiet)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_bundles_in_folders_of_one_name_are_told_apart_and_each_takes_its_own_qualities(
    tiny_bundle: Path, pictures: Path, tmp_path: Path, here: list[Trial]
) -> None:
    specs = []
    for place, quality in (("a", 20.0), ("b", 70.0)):
        shutil.copytree(tiny_bundle, tmp_path / place / "bundle")
        specs.append((f"skosh={tmp_path / place / 'bundle'}", quality))
    asked = {spec: (quality,) for spec, quality in specs} | {"skosh": (50.0,)}
    request = Request(pictures, tmp_path / "out", tuple(asked), asked, metrics=("psnr",))
    found = evaluate(request, print, quiet)
    assert {(r.codec, r.quality) for r in found.results} == {
        ("skosh=a/bundle", 20.0),
        ("skosh=b/bundle", 70.0),
        ("skosh", 50.0),
    }
    assert not found.failures
    alone = replace(request, codecs=(specs[0][0],), qualities={specs[0][0]: (20.0,)})
    assert evaluate(alone, print, quiet).computed == 0  # another one beside it does not change what it is called


def test_unknown_names_are_told_before_pictures_are_read(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "read", lambda path: pytest.fail("read"))
    with pytest.raises(UsageError, match="none of these codecs"):
        evaluate(Request(pictures, tmp_path, ("jpeg",), {"jpg": (20.0,)}, metrics=("psnr",)), print, quiet)


def test_a_folder_without_pictures_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing here")
    with pytest.raises(SkoshError, match="has no pictures"):
        evaluate(Request(tmp_path, tmp_path / "out", ("jpeg",)), print, quiet)


def test_pictures_of_one_name_keep_their_suffixes(tmp_path: Path, photo: Image.Image) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("a.png", "a.jpg", "b.png", "deep/b.png", ".hidden.png"):
        photo.save(tmp_path / name)
    assert [picture.name for picture in disk.find(tmp_path)] == ["a.jpg", "a.png", "b", "deep/b"]


def test_pictures_are_read_upright_and_in_rgb(tmp_path: Path, photo: Image.Image) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    photo.convert("L").save(tmp_path / "a.jpg", exif=exif)
    image = disk.read(tmp_path / "a.jpg")
    assert image.size == (photo.height, photo.width)
    assert image.mode == "RGB"
    assert image.info == {}


def test_a_picture_of_16_bits_is_measured_as_it_is_coded(tmp_path: Path) -> None:
    ramp = np.tile(np.linspace(0, 65535, 256).astype(np.uint16), (8, 1))
    Image.fromarray(ramp).save(tmp_path / "ramp.png")
    read = np.asarray(disk.read(tmp_path / "ramp.png"))
    assert np.abs(read - ramp[:, :, None] / 257.0).max() <= 1.0


def test_a_report_beside_the_pictures_is_not_measured(tmp_path: Path, photo: Image.Image) -> None:
    report = tmp_path / "report"
    report.mkdir()
    for path in (tmp_path / "a.png", report / "psnr.png"):
        photo.save(path)
    assert [picture.name for picture in disk.find(tmp_path, report)] == ["a"]
    with pytest.raises(SkoshError, match="another folder for the report"):
        disk.find(tmp_path, tmp_path / "report" / "..")


def test_results_of_other_code_are_not_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = ours.code()
    copy = tmp_path / "skosh"
    shutil.copytree(Path(skosh.__file__).parent, copy, ignore=shutil.ignore_patterns("models", "__pycache__"))
    monkeypatch.setattr(skosh, "__file__", str(copy / "__init__.py"))
    assert ours.code() == before
    with (copy / "codec" / "rdo.py").open("a") as file:
        file.write("# changed\n")
    assert ours.code() != before
    assert f"code {ours.code()}, model" in ours.Skosh().version()


def test_whoever_stops_a_run_does_not_wait_for_the_trials_under_way(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = multiprocessing.get_context("fork")
    monkeypatch.setattr(pool.multiprocessing, "get_context", lambda _: context)
    monkeypatch.setattr(trial.Bench, "run", lambda *_: time.sleep(30))
    picture = disk.find(pictures)[0]
    trials = [Trial(picture, "jpeg", "jpeg", "1", "", quality) for quality in (10.0, 20.0)]

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pool, "wait", interrupt)
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        list(Pool(2, ("psnr",)).run(trials))
    assert time.monotonic() - start < 10
