"""Files of equal bytes, the figure, and where its crop is."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from skosh import DependencyError
from skosh.evaluate import UsageError, codecs
from skosh.evaluate.codec import Codec, Scale
from skosh.evaluate.compare import Contest, Panel, opponent
from skosh.evaluate.crops import box_means, most_different
from skosh.evaluate.figure import GAP, captions, figure
from skosh.evaluate.figure import font as figure_font
from skosh.evaluate.metrics import Metrics
from skosh.evaluate.search import EQUAL, Sizes, equal_bytes


class Ruled(type(codecs.make("jpeg"))):  # type: ignore[misc]
    """A codec whose files have the sizes that a rule says."""

    def __init__(self, smallest: int, growth: float, scale: Scale):
        self.smallest, self.growth, self.scale = smallest, growth, scale
        self.asked: list[float] = []

    def encode(self, image: Image.Image, quality: float) -> bytes:
        self.asked.append(quality)
        place = abs(quality - self.scale.worst) / self.scale.step
        return bytes(round(self.smallest * self.growth**place))


PICTURE = Image.new("RGB", (8, 8))
FINE = Scale(0, 100, 0.125)


@pytest.mark.parametrize("coarse", [Scale(51, 0), Scale(1, 95)])
@pytest.mark.parametrize("swapped", [False, True])
def test_the_finer_codec_follows_the_coarser_one(coarse: Scale, swapped: bool) -> None:
    random.seed(1)
    for _ in range(20):
        pair = [Ruled(500, 1.006, FINE), Ruled(random.randint(100, 900), random.uniform(1.1, 1.15), coarse)]
        match = equal_bytes(*(reversed(pair) if swapped else pair), PICTURE, 9000)
        assert match.difference < EQUAL
        assert len(match.ours) == pytest.approx(9000, rel=0.1)


@pytest.mark.parametrize("target", [50, 1000, 1049, 1051, 5000, 10**9])
def test_the_nearest_file_is_found_on_either_side_of_a_target(target: int) -> None:
    scale = Scale(51, 0)
    codec = Ruled(1000, 1.1, scale)
    sizes = Sizes(codec, PICTURE)
    found = sizes.size(sizes.nearest(target))
    assert abs(found - target) == min(abs(round(1000 * 1.1**place) - target) for place in range(scale.last + 1))


def test_a_search_takes_few_files() -> None:
    fine, coarse = Ruled(500, 1.006, FINE), Ruled(400, 1.1, Scale(51, 0))
    equal_bytes(fine, coarse, PICTURE, 9000)
    assert len(coarse.asked) < 12
    assert len(fine.asked) < 25


def test_where_one_codec_cannot_be_so_small_the_other_comes_to_it() -> None:
    ours, other = Ruled(14000, 1.006, FINE), Ruled(400, 1.08, Scale(0, 100))
    match = equal_bytes(ours, other, PICTURE, 9000)
    assert len(match.ours) >= 14000
    assert match.difference < 0.05


def test_a_bundle_of_a_single_rate_is_followed() -> None:
    match = equal_bytes(Ruled(7000, 1.0, Scale(0, 0, 0.125)), Ruled(400, 1.02, Scale(0, 200)), PICTURE, 9000)
    assert len(match.ours) == 7000
    assert match.difference < EQUAL


@pytest.fixture
def contest() -> Contest:
    return Contest(codecs.make("webp"), codecs.make("jpeg"), Metrics(("psnr", "ms_ssim")), 0.6)


def test_a_comparison_shows_the_original_and_two_files_of_the_same_size(contest: Contest, pictures: Path) -> None:
    found = contest.compare(pictures / "left.png")
    original, ours, other = found.panels
    assert (original.label, ours.label, other.label) == ("original", "WebP", "JPEG")
    assert original.bytes == (pictures / "left.png").stat().st_size
    assert ours.bpp == pytest.approx(0.6, rel=0.1)
    assert abs(ours.bytes / other.bytes - 1) <= EQUAL or "sizes differ" in found.note
    assert set(ours.metrics) == {"psnr", "ms_ssim", "ms_ssim_db"}


@pytest.mark.slow
def test_a_figure_has_three_columns_and_a_row_of_crops(contest: Contest, pictures: Path) -> None:
    found = contest.compare(pictures / "left.png")
    sheet = figure(found, 176)
    assert sheet.width == 3 * 176 + 4 * GAP
    left, top, right, bottom = found.crop
    row = found.panels[0].picture.crop(found.crop).resize((176, round((bottom - top) * 176 / (right - left))), 0)
    pixels = np.asarray(sheet)
    below = pixels[GAP + 168 :, GAP : GAP + 176]
    places = [
        y for y in range(below.shape[0] - row.height) if np.array_equal(below[y : y + row.height], np.asarray(row))
    ]
    assert len(places) == 1


def test_a_rate_that_no_file_has_is_told(contest: Contest, pictures: Path) -> None:
    found = replace(contest, bpp=0.01).compare(pictures / "left.png")
    assert "were asked for" in found.note


def test_a_crop_outside_of_the_picture_is_refused(contest: Contest, pictures: Path) -> None:
    with pytest.raises(UsageError, match="which is 176x168"):
        replace(contest, crop=(100, 100, 200, 150)).compare(pictures / "left.png")


def test_the_crop_is_where_the_two_differ_most(photo: Image.Image) -> None:
    spoiled = photo.copy()
    ImageDraw.Draw(spoiled).rectangle((300, 200, 340, 230), fill=(90, 90, 90))
    left, top, right, bottom = most_different([photo, spoiled], photo)
    assert left <= 310
    assert right >= 330
    assert top <= 205
    assert bottom >= 225
    assert (right - left, bottom - top) == (photo.width // 4, photo.height // 4)


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (64, 64), (65, 63)])
def test_small_pictures_have_a_crop_too(size: tuple[int, int]) -> None:
    picture = Image.new("RGB", size)
    left, top, right, bottom = most_different([picture, picture], picture)
    assert 0 <= left < right <= size[0]
    assert 0 <= top < bottom <= size[1]


def test_means_over_boxes() -> None:
    values = np.arange(12.0).reshape(3, 4)
    assert box_means(values, 2, 3).tolist() == [[3.0, 4.0], [7.0, 8.0]]


def test_scores_that_do_not_fit_below_a_column_take_another_line() -> None:
    panel = Panel("JPEG", "quality 5", Image.new("RGB", (176, 168)), 1000, {})
    metrics = {"psnr": 30.0, "ms_ssim": 0.9, "ms_ssim_db": 10.0, "lpips": 0.3, "lpips_off": 0.2, "ssimulacra2": None}
    scored = replace(panel, metrics={**metrics, "butteraugli": 9.0, "butteraugli_3": 3.0, "flip": 0.1})
    wide, narrow = captions(scored, (768, 512), 768), captions(scored, (176, 168), 176)
    assert wide[2].startswith("PSNR 30.00 dB, MS-SSIM 0.9000, LPIPS 0.200, Butteraugli, max 9.00")
    assert ", ".join(narrow) == ", ".join(wide)
    assert len(narrow) > len(wide)
    assert max(figure_font(12).getlength(line) for line in narrow[2:]) <= 176


def test_heic_stands_in_for_bpg_and_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("pillow_heif")
    monkeypatch.setenv("PATH", str(tmp_path))
    said: list[str] = []
    codec, note = opponent("bpg", said.append)
    assert codec.name == "heic"
    assert "HEIC stands in for BPG" in note
    assert "HEIC stands in for BPG" in said[0]
    with pytest.raises(DependencyError, match="vvencapp"):
        opponent("vvc", said.append)


def test_an_installed_opponent_stands_for_itself() -> None:
    codec, note = opponent("jpeg", print)
    assert isinstance(codec, Codec)
    assert (codec.name, note) == ("jpeg", "")
