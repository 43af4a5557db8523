"""What ``encode``, ``decode``, ``info`` and ``open`` take: paths, files, bytes, arrays; and how they refuse others."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import skosh


@pytest.fixture
def png(tmp_path: Path, photo: Image.Image) -> Path:
    path = tmp_path / "photo.png"
    photo.crop((0, 0, 96, 64)).save(path)
    return path


@pytest.fixture
def file(tmp_path: Path, photo: Image.Image, tiny_bundle: Path) -> Path:
    path = tmp_path / "photo.skosh"
    path.write_bytes(skosh.encode(photo.crop((0, 0, 96, 64)), 50, tiny_bundle))
    return path


def ways(path: Path) -> list[Any]:
    """All that stands for a file. Opened files are closed by garbage collection; they hold no file of the system."""
    data = path.read_bytes()
    return [str(path), path, io.BytesIO(data), data, bytearray(data), memoryview(data)]


def test_a_picture_is_encoded_from_its_file_as_from_pillow(png: Path, tiny_bundle: Path) -> None:
    with Image.open(png) as image:
        due = skosh.encode(image, 50, tiny_bundle)
    assert [skosh.encode(way, 50, tiny_bundle) == due for way in ways(png)] == [True] * 6
    with open(png, "rb") as opened:
        assert skosh.encode(opened, 50, tiny_bundle) == due


def test_a_file_is_decoded_from_its_path_and_from_itself(file: Path, tiny_bundle: Path) -> None:
    due = np.asarray(skosh.decode(file.read_bytes(), tiny_bundle))
    for way in ways(file):
        assert np.array_equal(np.asarray(skosh.decode(way, tiny_bundle)), due)
    with open(file, "rb") as opened:
        assert np.array_equal(np.asarray(skosh.decode(opened, tiny_bundle)), due)


def test_info_takes_the_same(file: Path) -> None:
    found = [skosh.info(way) for way in ways(file)]
    assert all(one == found[0] for one in found)
    assert found[0]["width"] == 96


@pytest.mark.parametrize(
    ("shape", "mode"),
    [((20, 30), "L"), ((20, 30, 1), "L"), ((20, 30, 2), "LA"), ((20, 30, 3), "RGB"), ((20, 30, 4), "RGBA")],
)
def test_arrays_are_pictures_by_their_channels(shape: tuple[int, ...], mode: str, tiny_bundle: Path) -> None:
    array = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
    image = skosh.decode(skosh.encode(array, 90, tiny_bundle), tiny_bundle)
    assert (image.mode, image.size) == (mode, (30, 20))
    if mode in ("LA", "RGBA"):
        assert np.array_equal(np.asarray(image)[..., -1], array[..., -1])


@pytest.mark.parametrize(
    "array", [np.zeros((9, 9, 5), np.uint8), np.zeros(9, np.uint8), np.zeros((9, 9)), np.zeros((1, 9, 9, 3), np.uint8)]
)
def test_arrays_that_are_no_picture_are_told_what_is_one(array: np.ndarray, tiny_bundle: Path) -> None:
    with pytest.raises(ValueError, match=r"uint8 and of the shape \(H, W\)"):
        skosh.encode(array, 50, tiny_bundle)


@pytest.mark.parametrize("function", [skosh.encode, skosh.decode, skosh.info, skosh.open])
def test_what_is_no_file_is_said_to_be_none(function: Any, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"taken for a path.*missing"):
        function("missing")
    for text in ("", "\x93SK\0"):
        with pytest.raises(ValueError, match="content of a file has to be bytes"):
            function(text)
    for nothing in (None, 3, [1]):
        with pytest.raises(TypeError, match="file"):
            function(nothing)
    with pytest.raises(TypeError, match="binary mode"):
        function(io.StringIO("text"))
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(skosh.SkoshError, match="empty"):
        function(tmp_path / "empty")


def test_open_decodes_nothing_before_pixels_are_asked_for(file: Path) -> None:
    for way in ways(file):
        with skosh.open(way) as image:  # of a bundle that is not installed, so that decoding it fails
            assert (image.size, image.mode, image.format, image.info["quality"]) == ((96, 64), "RGB", "SKOSH", 50)
            with pytest.raises(OSError, match="not installed"):
                image.load()


def test_open_gives_the_pixels_that_decode_gives(tmp_path: Path, photo: Image.Image) -> None:
    part = photo.crop((0, 0, 96, 64))
    part.putalpha(77)
    data = skosh.encode(part, 30, threads=1)
    with skosh.open(data) as image:
        assert np.array_equal(np.asarray(image), np.asarray(skosh.decode(data, threads=1)))


def test_open_teaches_pillow_nothing(file: Path) -> None:
    code = f"""
import skosh
from PIL import Image
skosh.open({str(file)!r}).close()
try:
    Image.open({str(file)!r})
except Image.UnidentifiedImageError:
    print("unknown")
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "unknown\n"


def test_open_refuses_what_is_damaged_or_too_large_with_errors_of_ours_and_closes_it(file: Path) -> None:
    with pytest.raises(skosh.FormatError, match=r"not a \.skosh file"):
        skosh.open(b"anything else")
    with pytest.raises(skosh.LimitError, match="max_pixels"):
        skosh.open(file, max_pixels=100)
    file.write_bytes(file.read_bytes()[:20])
    with pytest.raises(skosh.FormatError):
        skosh.open(file)


def test_open_takes_a_file_that_can_not_be_wound_back(file: Path) -> None:
    read, write = os.pipe()
    with open(write, "wb") as into:
        into.write(file.read_bytes())
    with open(read, "rb") as out, skosh.open(out) as image:
        assert image.size == (96, 64)


def test_a_file_opened_as_text_and_a_quality_that_is_no_number_are_called_so(png: Path, file: Path) -> None:
    with open(png) as text, pytest.raises(TypeError, match="binary mode"):
        skosh.encode(text)  # type: ignore[arg-type]
    with open(file, encoding="latin-1") as text, pytest.raises(TypeError, match="binary mode"):
        skosh.decode(text)  # type: ignore[arg-type]
    for quality in ("50", None, True):
        with pytest.raises(TypeError, match="quality is a number"):
            skosh.encode(png, quality)  # type: ignore[arg-type]
