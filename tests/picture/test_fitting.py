"""A profile fits its pixels and its file, whatever is read and whatever is written."""

from __future__ import annotations

import io
import random
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin, features
from typer.testing import CliRunner, Result

import skosh
from making import display_profile, gamma_curve, grey_profile, icc, table_curve
from skosh.cli import app
from skosh.container.chunks import Header, write
from skosh.container.extras import pack
from skosh.picture.fitting import MOST, fit_decoded, fitting, in_rgb
from skosh.picture.metadata import Metadata
from skosh.picture.picture import from_image
from skosh.picture.profiles import parse, recognise
from skosh.picture.saving import image_bytes
from skosh.picture.spaces import BT709, DISPLAY_P3, GREY, LINEAR, POWER, SRGB, SRGB_GREY, Space
from skosh.picture.standard import profile

MAX_TEXT_CHUNK = 1 << 20  # Pillow's
OUTPUTS = [".png", ".jpg", ".tiff", ".webp", *([".avif"] if "avif" in features.get_supported() else [])]
DOT_GAIN = grey_profile(table_curve(np.linspace(0, 1, 256) ** 1.9 * 0.7 + np.linspace(0, 1, 256) ** 3 * 0.3))
GREYS = {
    "gamma 2.2": grey_profile(gamma_curve(2.2)),
    "gamma 1": grey_profile(gamma_curve(1.0)),
    "sRGB": profile(SRGB_GREY),
    "no name": DOT_GAIN,
    "tables": grey_profile(gamma_curve(2.2), ((b"A2B0", bytes(32)),)),
}
P3 = profile(Space(DISPLAY_P3, 13))
LOOKUP = icc(b"RGB ", ((b"A2B0", b"mft1" + bytes(2000)),))
CMYK = icc(b"CMYK", ((b"A2B0", b"mft1" + bytes(2000)),))


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


def large(size: int) -> bytes:
    """A profile of a display of so many bytes."""
    made = bytearray(display_profile() + random.Random(1).randbytes(size - len(display_profile())))
    struct.pack_into(">I", made, 0, len(made))
    return bytes(made)


def shown(image: Image.Image) -> np.ndarray:
    """What a viewer that knows profiles shows."""
    carried = image.info.get("icc_profile")
    if not carried:
        return np.asarray(image.convert("RGB"), float)
    source = ImageCms.ImageCmsProfile(io.BytesIO(carried))
    made = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    assert made is not None
    return np.asarray(made, float)


@pytest.fixture(scope="module")
def ramp() -> Image.Image:
    return Image.linear_gradient("L").resize((64, 64))


@pytest.mark.parametrize("suffix", OUTPUTS)
@pytest.mark.parametrize("name", GREYS)
@pytest.mark.parametrize("alpha", [False, True])
def test_a_grey_picture_is_written_with_a_profile_of_its_pixels(
    tmp_path: Path, ramp: Image.Image, name: str, suffix: str, alpha: bool
) -> None:
    if alpha and suffix == ".jpg":
        pytest.skip("JPEG has no transparency")
    source = ramp.copy()
    if alpha:
        source.putalpha(ramp)
    source.save(tmp_path / "a.png", icc_profile=GREYS[name])
    assert call("compress", tmp_path / "a.png", "-q", 100).exit_code == 0
    done = call("decompress", tmp_path / "a.skosh", "-o", tmp_path / f"b{suffix}")
    assert done.exit_code == 0, done.stderr
    with Image.open(tmp_path / f"b{suffix}") as image:
        carried = image.info.get("icc_profile")
        channels = "GRAY" if image.mode in ("L", "LA") else "RGB"
        if carried:
            assert ImageCms.ImageCmsProfile(io.BytesIO(carried)).profile.xcolor_space.strip() == channels
            if name != "tables":
                assert np.abs(shown(image.convert(channels.replace("GRAY", "L"))) - due(ramp, name)).mean() < 3
        else:
            assert name == "sRGB" or "left out" in done.stderr
    done = call("compress", tmp_path / f"b{suffix}", "--strip", "-o", tmp_path / "c.skosh")
    assert "profile" not in done.stderr or name == "tables"


def due(ramp: Image.Image, name: str) -> np.ndarray:
    image = ramp.copy()
    image.info["icc_profile"] = GREYS[name]
    return shown(image)


@pytest.mark.parametrize("carried", [*GREYS.values(), CMYK, icc(b"Lab ", ())])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_an_rgb_picture_under_a_profile_of_other_channels_loses_it_and_says_so(carried: bytes, mode: str) -> None:
    image = Image.new("RGB", (8, 8), (200, 100, 50)).convert(mode)
    image.info["icc_profile"] = carried
    picture = from_image(image)
    assert picture.metadata.icc is None
    assert np.array_equal(picture.pixels, np.asarray(image.convert("RGB")))  # viewers leave such a profile out, too
    assert [note for note in picture.notes if "its pixels are RGB: it is left out" in note]
    assert from_image(image, strip=True).notes == picture.notes


@pytest.mark.parametrize(
    ("carried", "space"),
    [
        (profile(SRGB), SRGB_GREY),
        (P3, SRGB_GREY),
        (profile(Space(BT709, LINEAR)), Space(GREY, LINEAR)),
        (profile(Space(BT709, POWER, 461)), Space(GREY, POWER, 461)),
    ],
)
def test_a_grey_picture_under_a_profile_of_colours_has_one_of_the_same_curve(
    ramp: Image.Image, carried: bytes, space: Space
) -> None:
    image = ramp.copy()
    image.info["icc_profile"] = carried
    picture = from_image(image)
    assert picture.notes == []
    assert recognise(picture.metadata.icc or b"") == space
    found = Image.fromarray(picture.pixels[..., 0])
    found.info["icc_profile"] = picture.metadata.icc
    colour = ramp.convert("RGB")
    colour.info["icc_profile"] = carried
    seen = np.asarray(ramp) >= 16  # below, lcms is coarse under linear profiles of colours
    assert np.abs(shown(found) - shown(colour))[seen].max() <= 1


def test_a_curve_without_a_name_is_carried_over(ramp: Image.Image) -> None:
    for there, back in ((fitting(in_rgb(DOT_GAIN), True), DOT_GAIN), (in_rgb(DOT_GAIN), DOT_GAIN)):
        assert there is not None
        assert parse(there) is not None
        image = ramp.convert("RGB" if parse(there).space == b"RGB" else "L")  # type: ignore[union-attr]
        image.info["icc_profile"] = there
        assert np.abs(shown(image) - shown_with(ramp, back)).max() <= 1


def shown_with(image: Image.Image, carried: bytes) -> np.ndarray:
    copy = image.copy()
    copy.info["icc_profile"] = carried
    return shown(copy)


def test_greys_under_a_profile_that_looks_colours_up_become_srgb_and_that_is_said(ramp: Image.Image) -> None:
    image = ramp.copy()
    image.info["icc_profile"] = LOOKUP
    picture = from_image(image)
    assert picture.metadata.icc is None
    assert "its pixels are grey: they are converted to sRGB" in picture.notes[0]


@pytest.mark.parametrize(("mode", "carried"), [("RGB", DOT_GAIN), ("L", LOOKUP), ("L", CMYK)])
def test_a_file_of_another_writer_with_a_profile_of_other_channels(mode: str, carried: bytes) -> None:
    notes: list[str] = []
    assert fit_decoded(Metadata(carried), mode == "L", notes).icc is None
    assert "left out" in notes[0]
    file = write(Header(16, 16, 50, b"unknown!", mode), pack(Metadata(carried)), [b"1234"])
    skosh.register_opener()
    with Image.open(io.BytesIO(file)) as image:
        assert "icc_profile" not in image.info


@pytest.mark.parametrize("suffix", OUTPUTS)
@pytest.mark.parametrize(
    "size", [MAX_TEXT_CHUNK - 1, MAX_TEXT_CHUNK, MAX_TEXT_CHUNK + 1, MOST["JPEG"], MOST["JPEG"] + 1]
)
def test_a_picture_with_a_large_profile_can_be_opened_and_looks_the_same(suffix: str, size: int) -> None:
    image = Image.new("RGB", (16, 16), (90, 140, 60))
    image.info["icc_profile"] = large(size)
    content, notes = image_bytes(image, suffix)
    with Image.open(io.BytesIO(content)) as again:
        again.load()
        kept = again.info.get("icc_profile")
        assert np.abs(shown(again) - shown(image)).max() <= 6
    assert kept == large(size) or (kept is None and "is left out, and colours are converted to sRGB" in notes[0])
    assert (kept is None) == (size > MOST.get({".jpg": "JPEG", ".png": "PNG"}.get(suffix, ""), size))


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tiff", *OUTPUTS[4:]])
@pytest.mark.parametrize("kind", ["exif", "xmp"])
def test_other_metadata_of_many_megabytes_can_be_opened(suffix: str, kind: str) -> None:
    value = b"<x>" + bytes(9_000_000).replace(b"\0", b" ")
    if kind == "exif":
        tags = Image.Exif()
        tags[0x010E] = "x" * 9_000_000
        value = tags.tobytes()
    image = Image.new("RGB", (16, 16))
    image.info[kind] = value
    content, _ = image_bytes(image, suffix)
    with Image.open(io.BytesIO(content)) as again:
        again.load()
        found = from_image(again).metadata
    assert len(getattr(found, kind)) >= 9_000_000


def test_a_png_with_a_large_profile_is_read(tmp_path: Path) -> None:
    carried = large(MAX_TEXT_CHUNK + 5)
    Image.new("RGB", (16, 16)).save(tmp_path / "a.png", icc_profile=carried)
    assert call("compress", tmp_path / "a.png").exit_code == 0
    assert skosh.decode((tmp_path / "a.skosh").read_bytes()).info["icc_profile"] == carried
    assert PngImagePlugin.MAX_TEXT_CHUNK == MAX_TEXT_CHUNK  # nothing outside of the command sees another
    done = call("decompress", tmp_path / "a.skosh", "-o", tmp_path / "b.png")
    assert "left out" in done.stderr
    with Image.open(tmp_path / "b.png") as image:
        image.load()
