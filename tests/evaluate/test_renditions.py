"""The guards' scripts: files of one rate, one file for the renditions of one stream, and their tables."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skosh.evaluate import codecs, renditions
from skosh.evaluate.renditions import Asked, specs

SCRIPTS = Path(__file__).parents[2] / "scripts"
Jpeg = type(codecs.make("jpeg"))


class Rendition(Jpeg):  # type: ignore[misc, valid-type]
    """JPEG, brightened on decoding."""

    made = 0
    encoder = "one"

    def __init__(self, brighter: int):
        self.name = self.label = f"jpeg+{brighter}"
        self.brighter = brighter

    def encode(self, image: Image.Image, quality: float) -> bytes:
        type(self).made += 1
        return bytes(super().encode(image, quality))

    def decode(self, data: bytes) -> Image.Image:
        return super().decode(data).point(lambda value: min(255, value + self.brighter))


def test_renditions_of_one_stream_come_from_one_file_near_the_rate(photo: Image.Image) -> None:
    Rendition.made = 0
    found = list(renditions.renditions(photo, [Rendition(0), Rendition(9), codecs.make("webp")], 0.8))
    made = Rendition.made
    (_, bpp, plain), (_, same, brighter), (_, other, _) = found
    assert bpp == same == pytest.approx(0.8, rel=0.05)
    assert other == pytest.approx(0.8, rel=0.05)
    assert np.median(np.asarray(brighter, int) - np.asarray(plain, int)) == 9
    list(renditions.renditions(photo, [Rendition(0)], 0.8))
    assert Rendition.made == 2 * made  # the second rendition needed no file of its own


def test_every_picture_is_measured_against_what_was_coded(pictures: Path) -> None:
    asked = Asked(pictures, (Rendition(0), Rendition(9)), 1.0, argparse.Namespace())
    found = renditions.measured(
        asked,
        lambda original, decoded: (id(original), int(original.max()), float(np.mean(decoded) - np.mean(original))),
        prepare=lambda image: image.point(lambda value: value // 2),
    )
    assert [len(rows) for rows in found.values()] == [2, 2]
    for (_, plain), (_, brighter) in zip(*found.values(), strict=True):
        assert plain[0] == brighter[0]  # one array, so that a reader can keep what it found there
        assert plain[1] <= 127
        assert abs(plain[2]) < 1.0
        assert brighter[2] == pytest.approx(9, abs=1.0)


def test_the_faithful_and_the_default_rendition_stand_side_by_side_unless_others_are_asked_for() -> None:
    assert specs(None, None) == ["skosh@realism=0", "skosh"]
    assert specs("a/b", ["0", "0.5"]) == ["skosh=a/b@realism=0", "skosh=a/b@realism=0.5"]


@pytest.mark.parametrize("script", ["patterns", "specks", pytest.param("legible", marks=pytest.mark.slow)])
def test_a_guard_prints_a_table(
    script: str, pictures: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if script == "legible":
        pytest.importorskip("rapidocr_onnxruntime", exc_type=ImportError)
    monkeypatch.syspath_prepend(str(SCRIPTS))
    extra = ["--draw", "--list"] if script == "legible" else []
    monkeypatch.setattr(sys, "argv", [script, str(pictures), "--codecs", "jpeg", "webp", "--bpp", "0.5", *extra])
    module = __import__(script)
    module.main()
    table = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert table[0].startswith("| rendition | bpp |")
    assert [line.split(" | ")[0] for line in table[2:]] == ["| JPEG", "| WebP"]
    assert 0.4 < float(table[2].split(" | ")[1]) < 0.6


def test_a_wrong_option_of_a_rendition_is_told(
    pictures: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["patterns", str(pictures), "--codecs", "skosh@realizm=1"])
    with pytest.raises(SystemExit, match="2"):
        renditions.asked("")
    assert "did you mean realism?" in capsys.readouterr().err
