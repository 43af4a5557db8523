"""The OCR reads what is there, in the same place of both pictures, and less where letters are spoiled."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from PIL import Image, ImageFilter

from skosh import DependencyError
from skosh.evaluate.guards import share_kept
from skosh.evaluate.lettering import SIZES, Line, Reader, drawn_on, straightened


@pytest.fixture(scope="module")
def reader() -> Reader:
    pytest.importorskip("rapidocr_onnxruntime", exc_type=ImportError)
    return Reader()


@pytest.fixture(scope="module")
def sign() -> np.ndarray:
    return np.asarray(drawn_on(Image.new("RGB", (240, 120), (190, 200, 60))))


@pytest.mark.slow
def test_lettering_is_read_where_it_is(reader: Reader, sign: np.ndarray) -> None:
    lines = reader.lines(sign)
    assert any("Platform7" in line.text for line in lines)
    for line in lines:
        xs, ys = zip(*line.corners, strict=True)
        assert 0 <= min(xs) < max(xs) <= 240
        assert 0 <= min(ys) < max(ys) <= 120


@pytest.mark.slow
def test_letters_that_are_blurred_or_gone_read_otherwise(reader: Reader, sign: np.ndarray) -> None:
    picture = Image.fromarray(sign)
    blurred = np.asarray(picture.filter(ImageFilter.GaussianBlur(2.5)))
    shares = [share_kept(reader.compared(sign, seen)) or 0.0 for seen in (sign, blurred, np.full_like(sign, 128))]
    assert shares[0] == 1.0
    assert shares[1] < 0.8
    assert shares[2] < 0.1


@pytest.mark.slow
def test_lines_of_another_original_are_looked_for_anew(reader: Reader, sign: np.ndarray) -> None:
    assert reader.compared(sign, sign)
    plain = np.full_like(sign, 128)
    assert reader.compared(plain, plain) == []


def test_a_line_is_cut_out_upright_and_enlarged_twice() -> None:
    picture = Image.new("RGB", (40, 40))
    picture.paste((255, 0, 0), (10, 20, 20, 24))
    picture.paste((0, 255, 0), (20, 20, 30, 24))
    flat = straightened(picture, Line(((10, 20), (30, 20), (30, 24), (10, 24)), "").corners)
    assert flat.size == (40, 8)
    assert [flat.getpixel(place) for place in ((10, 4), (30, 4))] == [(255, 0, 0), (0, 255, 0)]
    standing = straightened(picture.transpose(Image.Transpose.ROTATE_270), ((16, 10), (20, 10), (20, 30), (16, 30)))
    assert standing.size == (40, 8)
    assert [standing.getpixel(place) for place in ((10, 4), (30, 4))] == [(255, 0, 0), (0, 255, 0)]


def test_drawn_lettering_stands_out_at_every_size(photo: Image.Image) -> None:
    for level, ink in ((20, 255), (230, 0)):
        sheet = np.asarray(drawn_on(Image.new("RGB", (300, 300), (level,) * 3)))
        changed = np.abs(sheet.astype(int) - level).max(2) > 0
        assert int(sheet[changed].max() if ink else sheet[changed].min()) == ink
        rows = np.flatnonzero(np.diff(changed.any(1).astype(int)))
        assert len(rows) // 2 >= len(SIZES)


def test_a_missing_ocr_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DependencyError, match="pip install rapidocr-onnxruntime"):
        Reader()
