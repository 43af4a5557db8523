"""More than 8 bits, and floats: brightness stays, and what is lost is said."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from skosh.picture.picture import from_image

TYPES = {"uint16": ["16-bit grey is reduced to 8 bits"], "int32": ["16-bit grey is reduced to 8 bits"]}
TYPES |= {"float32": ["floats are taken as 0 to 1 and reduced to 8 bits"], "uint8": []}


@pytest.mark.parametrize("kind", TYPES)
def test_tiffs_of_every_type_keep_their_brightness(photo: Image.Image, kind: str) -> None:
    tifffile = pytest.importorskip("tifffile")
    grey = np.asarray(photo.convert("L").crop((0, 0, 64, 48)))
    factor = {"uint16": 257, "int32": 257, "float32": np.float32(1 / 255), "uint8": 1}[kind]
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, grey.astype(kind) * np.asarray(factor, kind))
    picture = from_image(Image.open(buffer))
    assert np.array_equal(picture.pixels[..., 0], grey)
    assert picture.notes == TYPES[kind]


def test_sixteen_bits_a_channel_of_a_tiff_are_said_to_be_reduced(photo: Image.Image) -> None:
    tifffile = pytest.importorskip("tifffile")
    pixels = np.asarray(photo.crop((0, 0, 64, 48)))
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels.astype(np.uint16) * 257, photometric="rgb")
    picture = from_image(Image.open(buffer))
    assert np.array_equal(picture.pixels, pixels)
    assert picture.notes == ["16 bits a channel are reduced to 8"]


@pytest.mark.parametrize(
    ("values", "due", "notes"),
    [
        ([0.0, 0.5, 1.2], [0, 128, 255], ["0 to 1 ", "clipped"]),  # a little over white, as filters leave it
        ([0.0, 128.0, 255.0], [0, 128, 255], ["0 to 255 "]),
        ([0.0, 32768.0, 65535.0], [0, 128, 255], ["0 to 65535 "]),
        ([-0.2, 0.5, np.inf], [0, 128, 255], ["0 to 1 ", "clipped"]),
        ([np.nan, 1e30, -np.inf], [0, 255, 0], ["0 to 65535 ", "clipped"]),
    ],
)
def test_floats_become_what_they_look_like(values: list[float], due: list[int], notes: list[str]) -> None:
    picture = from_image(Image.fromarray(np.array([values], np.float32)))
    assert picture.pixels[0, :, 0].tolist() == due
    assert len(picture.notes) == len(notes)
    assert all(words in note for words, note in zip(notes, picture.notes, strict=True))


def test_values_past_16_bits_are_said_to_be_clipped() -> None:
    picture = from_image(Image.fromarray(np.array([[-3, 0, 65535, 1 << 20]], np.int32)))
    assert picture.pixels[0, :, 0].tolist() == [0, 0, 255, 255]
    assert picture.notes[1] == "values outside of 0 to 65535 are clipped"
