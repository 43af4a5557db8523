"""The pictures of a report: which, at which settings, which crops, and their pixels in the page."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skosh.evaluate import UsageError, codecs, run
from skosh.evaluate.compare import Panel
from skosh.evaluate.crops import flattest, most_different
from skosh.evaluate.gallery import Exhibit, alike, chosen, exhibits
from skosh.evaluate.results import Result
from skosh.evaluate.run import Evaluation, Request, Show, evaluate
from skosh.evaluate.showcase import showcase
from skosh.evaluate.trial import Trial


def quiet(results: Iterator[Result], total: int) -> Iterator[Result]:
    return results


@pytest.fixture
def measured(pictures: Path, tmp_path: Path, here: list[Trial]) -> tuple[Request, Evaluation]:
    """Two pictures, JPEG and WebP at three qualities."""
    request = Request(pictures, tmp_path / "report", ("jpeg", "webp"), {"": (10.0, 30.0, 60.0)}, metrics=("psnr",))
    found = evaluate(request, print, quiet)
    here.clear()
    return request, found


def row(codec: str, quality: float, bpp: float, image: str = "a") -> Result:
    return Result(image, image, codec, "1", "", quality, 1000, 1000, round(bpp * 1e6 / 8))


def test_the_files_are_near_the_rate_and_near_each_other() -> None:
    rows = [row("ours", q, bpp) for q, bpp in ((1, 0.10), (2, 0.24), (3, 0.30), (4, 0.6))]
    rows += [row("other", q, bpp) for q, bpp in ((1, 0.15), (2, 0.31), (3, 0.5))]
    found = alike(rows, 0.25)
    assert [(one.codec, one.bpp) for one in found] == [("ours", 0.30), ("other", 0.31)]
    assert [one.bpp for one in alike(rows[:4], 0.25)] == [0.24]
    assert alike([], 0.25) == []


def test_pictures_are_shown_from_easy_to_hard_unless_they_are_named() -> None:
    rates = {"hard": 3.0, "easy": 0.1, "middle": 1.0, "harder": 4.0, "easier": 0.05}
    rows = [row("ours", 1, bpp, name) for name, bpp in rates.items()]
    assert chosen(rows, list(rates), Show(5)) == ["easier", "easy", "middle", "hard", "harder"]
    assert chosen(rows, list(rates), Show(1)) == ["middle"]
    assert chosen(rows, list(rates), Show(3)) == ["easier", "middle", "harder"]
    assert chosen(rows, [*rates, "failed"], Show(9))[-1] == "harder"
    assert chosen(rows, list(rates), Show(names=("hard", "easy"))) == ["hard", "easy"]
    assert chosen(rows, list(rates), Show(0)) == []


def test_what_is_shown_is_what_the_codecs_decode_from_files_of_those_sizes(
    measured: tuple[Request, Evaluation], here: list[Trial]
) -> None:
    request, evaluation = measured
    found = exhibits(evaluation, replace(request, show=Show(bpp=0.6)), quiet)
    assert sorted(one.name for one in found) == ["left", "right"]
    assert len(here) == 4
    for one in found:
        original, *coded = one.panels
        assert [panel.label for panel in coded] == ["JPEG", "WebP"]
        for panel, name in zip(coded, ("jpeg", "webp"), strict=True):
            data = codecs.make(name).encode(original.picture, float(panel.setting.split()[1]))
            assert panel.bytes == len(data)
            assert panel.picture.tobytes() == codecs.make(name).decode(data).tobytes()
            assert panel.metrics.keys() == {"psnr"}


def test_nothing_is_decoded_twice(
    measured: tuple[Request, Evaluation], here: list[Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    request, evaluation = measured
    first = exhibits(evaluation, request, quiet)
    monkeypatch.setattr(run, "Pool", None)  # a second run that decodes anything fails
    again = exhibits(evaluate(request, print, quiet), request, quiet)
    assert [one.crops for one in again] == [one.crops for one in first]


def test_a_codec_that_fails_now_or_was_measured_elsewhere_is_left_out(
    measured: tuple[Request, Evaluation], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: object, data: bytes) -> Image.Image:
        raise OSError("out of luck")

    request, evaluation = measured
    evaluation.results.append(replace(evaluation.results[0], codec="bpg", digest="", measured="bpg.csv"))
    monkeypatch.setattr(type(codecs.make("jpeg")), "decode", fail)
    monkeypatch.setattr(type(codecs.make("webp")), "decode", lambda self, data: Image.open(io.BytesIO(data)))
    for one in exhibits(evaluation, replace(request, show=Show(1)), quiet):
        assert [panel.label for panel in one.panels] == ["original", "WebP"]
        assert one.crops[0][0] == "where it differs most from the original"


def test_the_first_crop_is_where_any_two_of_many_differ(photo: Image.Image) -> None:
    spoiled = photo.copy()
    spoiled.paste((90, 90, 90), (300, 200, 330, 220))
    left, top, right, bottom = most_different([photo, photo, spoiled, photo], photo, (50, 40))
    assert (right - left, bottom - top) == (50, 40)
    assert left <= 300 < 330 <= right
    assert top <= 200 < 220 <= bottom


def test_the_second_crop_is_flat_and_neither_black_nor_white() -> None:
    pixels = np.random.default_rng(0).integers(60, 190, (96, 300), dtype=np.uint8)
    pixels[:, :64] = 0
    pixels[:, 100:170] = 120
    pixels[:, 236:] = 255
    picture = Image.fromarray(pixels).convert("RGB")
    left, _, right, _ = flattest(picture, (48, 48))
    assert 100 <= left < right <= 170
    assert flattest(Image.new("RGB", (20, 10)), (16, 10)) == (0, 0, 16, 10)


def test_the_page_holds_the_crops_pixel_by_pixel(
    measured: tuple[Request, Evaluation],
) -> None:
    request, evaluation = measured
    (one,) = exhibits(evaluation, replace(request, show=Show(1)), quiet)
    text = "".join(showcase([one], 0.25))
    assert not re.findall(r'src="(?!data:)', text)
    inside = [Image.open(io.BytesIO(base64.b64decode(found))) for found in re.findall(r'base64,([^"]+)"', text)]
    due = [panel.picture.crop(box) for _, box in one.crops for panel in one.panels]
    assert [image.convert("RGB").tobytes() for image in inside[1:]] == [image.tobytes() for image in due]
    assert text.count('width="320" height="320"') == len(due)  # 160 pixels, twice
    for panel in one.panels[1:]:
        assert f"{panel.bytes:,} bytes" in text
        assert f"PSNR {panel.metrics['psnr']:.2f} dB" in text


def test_a_name_from_a_folder_of_pictures_is_escaped(photo: Image.Image) -> None:
    panel = Panel("a<b", "quality 1", photo, 1, {})
    text = "".join(showcase([Exhibit("<i>", (panel, panel), (("here", (0, 0, 8, 8)),))], 0.25))
    assert "<i>" not in text
    assert "a<b" not in text


def test_a_picture_that_is_not_there_is_told_before_anything_is_measured(pictures: Path, tmp_path: Path) -> None:
    request = Request(pictures, tmp_path / "out", ("jpeg",), metrics=("psnr",), show=Show(names=("left", "rigth")))
    with pytest.raises(UsageError, match=r"no picture 'rigth' to show; did you mean right\?"):
        evaluate(request, print, quiet)
    assert not (tmp_path / "out").exists()


def test_no_pictures_are_no_section() -> None:
    assert showcase([], 0.25) == []
