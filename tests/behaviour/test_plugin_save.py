"""Saving ``.skosh`` files through Pillow."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import skosh
from making import display_profile

DISPLAY = display_profile()
XMP = b'<x:xmpmeta tiff:Orientation="1"/>'

skosh.register_opener()


@pytest.fixture(scope="module")
def picture(photo: Image.Image) -> Image.Image:
    return photo.crop((100, 60, 196, 124))


@pytest.fixture
def carrying(picture: Image.Image) -> Image.Image:
    """A picture with all metadata that there are."""
    image = picture.copy()
    image.info.update(icc_profile=DISPLAY, exif=exif().tobytes(), xmp=XMP)
    return image


def exif(orientation: int = 1) -> Image.Exif:
    made = Image.Exif()
    made[0x010F], made[0x0112] = "a maker", orientation
    return made


def saved(image: Image.Image, **options: object) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "SKOSH", **options)
    return Image.open(buffer)


def psnr(a: Image.Image, b: Image.Image) -> float:
    return 10 * float(np.log10(255**2 / np.mean((np.asarray(a, float) - np.asarray(b, float)) ** 2)))


def test_a_name_is_enough(tmp_path: Path, picture: Image.Image) -> None:
    for name in (tmp_path / "a.skosh", str(tmp_path / "B.SKOSH")):
        picture.save(name)
        with Image.open(name) as image:
            assert (image.format, image.size) == ("SKOSH", picture.size)
            assert psnr(image, picture) > 20


def test_a_file_object_and_a_buffer_get_the_same_bytes(tmp_path: Path, picture: Image.Image) -> None:
    buffer = io.BytesIO()
    picture.save(buffer, format="skosh", quality=33)
    with (tmp_path / "a.skosh").open("wb") as file:
        picture.save(file, quality=33)
    assert buffer.getvalue() == (tmp_path / "a.skosh").read_bytes() == skosh.encode(picture, 33)


def test_registering_twice_changes_nothing() -> None:
    before = list(Image.ID), dict(Image.EXTENSION), dict(Image.MIME)
    skosh.register_opener()
    assert before == (list(Image.ID), dict(Image.EXTENSION), dict(Image.MIME))
    assert Image.ID.count("SKOSH") == 1


def test_quality_and_targets_are_taken(picture: Image.Image) -> None:
    low, high = (saved(picture, quality=quality) for quality in (5, 95))
    assert (low.info["quality"], high.info["quality"]) == (5, 95)
    assert psnr(low, picture) < psnr(high, picture)
    buffer = io.BytesIO()
    picture.save(buffer, "SKOSH", target_bytes=900)
    assert 800 < buffer.tell() <= 900
    assert saved(picture, quality=40, tile=64).size == picture.size


def test_purposes_are_taken(picture: Image.Image, tiny_bundle: Path) -> None:
    for options in ({"denoise": True}, {"tune": "psnr"}, {"realism": 0.5}):
        buffer = io.BytesIO()
        picture.save(buffer, "SKOSH", model=tiny_bundle, **options)
        assert buffer.getvalue() == skosh.encode(picture, model=tiny_bundle, **options)


def test_a_wrong_quality_is_a_value_error_and_leaves_no_file(tmp_path: Path, picture: Image.Image) -> None:
    for quality in (-1, 101):
        with pytest.raises(ValueError, match="0 to 100"):
            picture.save(tmp_path / "a.skosh", quality=quality)
    assert not list(tmp_path.iterdir())


def test_what_can_not_be_encoded_is_an_os_error_and_leaves_no_file(tmp_path: Path, picture: Image.Image) -> None:
    for image, options in (
        (Image.new("RGB", (0, 0)), {}),
        (picture, {"target_bytes": 10}),
        (picture, {"model": "none"}),
    ):
        with pytest.raises(OSError, match="can't encode"):
            image.save(tmp_path / "a.skosh", **options)
    assert not list(tmp_path.iterdir())


def test_saving_without_arguments_keeps_what_the_picture_carries(carrying: Image.Image) -> None:
    image = saved(carrying)
    assert image.info["icc_profile"] == DISPLAY
    assert image.info["xmp"] == XMP
    assert image.getexif()[0x010F] == "a maker"
    again = saved(image)  # and so does a file that was opened
    assert {key: again.info[key] for key in ("icc_profile", "xmp", "exif")} == {
        key: image.info[key] for key in ("icc_profile", "xmp", "exif")
    }


@pytest.mark.parametrize("nothing", [None, b""])
@pytest.mark.parametrize("key", ["icc_profile", "exif", "xmp"])
def test_none_drops_one_and_keeps_the_others(carrying: Image.Image, key: str, nothing: bytes | None) -> None:
    info = saved(carrying, **{key: nothing}).info
    assert {"icc_profile", "exif", "xmp"} - info.keys() == {key}
    assert key in carrying.info


def test_strip_drops_all(carrying: Image.Image) -> None:
    assert saved(carrying, strip=True).info.keys() == {"quality"}


@pytest.mark.parametrize("prefix", [b"", b"Exif\0\0", b"Exif\0\0Exif\0\0"])
def test_given_exif_counts_as_bytes_and_as_an_object(carrying: Image.Image, prefix: bytes) -> None:
    other = exif()
    other[0x010F] = "another"
    plain = other.tobytes().removeprefix(b"Exif\0\0")
    for given in (other, prefix + plain):
        image = saved(carrying, exif=given)
        assert image.info["exif"] == b"Exif\0\0" + plain
        assert image.getexif()[0x010F] == "another"
    assert saved(carrying, exif=Image.Exif()).info.keys() == {"icc_profile", "xmp", "quality"}


def test_given_icc_and_xmp_count(carrying: Image.Image) -> None:
    image = saved(carrying, icc_profile=b"another", xmp="<été/>")
    assert (image.info["icc_profile"], image.info["xmp"]) == (b"another", "<été/>".encode())


def test_a_path_in_place_of_bytes_is_refused(picture: Image.Image) -> None:
    with pytest.raises(TypeError, match="exif is bytes"):
        saved(picture, exif=Path("photo.jpg"))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_given_orientation_is_applied_once(picture: Image.Image, orientation: int) -> None:
    from PIL import ImageOps

    picture = picture.copy()
    image = saved(picture, exif=exif(orientation), quality=100)
    picture.info["exif"] = exif(orientation).tobytes()
    due = ImageOps.exif_transpose(picture)
    assert image.size == due.size
    assert image.getexif()[0x0112] == 1
    assert psnr(image, due) > 25
    assert saved(image).size == due.size  # not again


def test_dropping_exif_leaves_the_pixels_as_they_are(picture: Image.Image) -> None:
    picture = picture.copy()
    picture.info["exif"] = exif(6).tobytes()
    assert saved(picture, exif=None).size == picture.size
    assert saved(picture).size == picture.size[::-1]


MODES = {"1": "L", "L": "L", "LA": "LA", "P": "RGB", "RGB": "RGB", "RGBA": "RGBA", "CMYK": "RGB", "YCbCr": "RGB"}
MODES |= {"HSV": "RGB", "RGBX": "RGB", "I": "L", "F": "L", "LAB": "RGB", "I;16": "L", "RGBa": "RGBA", "PA": "RGBA"}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.filterwarnings("ignore")
def test_every_mode_can_be_saved(picture: Image.Image, mode: str) -> None:
    grey = picture.convert("L")
    if mode == "I;16":
        image = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    elif mode == "I":
        image = Image.fromarray(np.asarray(grey).astype(np.int32) * 257)
    elif mode == "LAB":
        image = Image.new("LAB", picture.size, (90, 0, 0))  # Pillow converts nothing to it
    elif mode in ("LA", "RGBA", "RGBa", "PA"):
        half = picture.convert({"RGBa": "RGBA", "PA": "P"}.get(mode, mode))
        half.putalpha(grey)
        image = half.convert("RGBa") if mode == "RGBa" else half
    else:
        image = picture.convert(mode)
    assert image.mode == mode
    back = saved(image, quality=100)
    assert back.mode == MODES[mode]
    if mode not in ("1", "LAB"):
        assert psnr(back.convert("L"), image.convert("RGB").convert("L") if mode not in ("I", "I;16") else grey) > 20


def test_the_frame_that_an_animation_stands_at_is_saved_and_it_stays_there(picture: Image.Image) -> None:
    grey = picture.convert("L")
    buffer = io.BytesIO()
    grey.save(buffer, "GIF", save_all=True, append_images=[grey.point(lambda v: 255 - v)])
    with Image.open(buffer) as gif:
        gif.seek(1)
        with pytest.warns(UserWarning, match="only one of its 2 frames is kept"):
            image = saved(gif, quality=100)
        assert gif.tell() == 1
        assert psnr(image.convert("L"), grey.point(lambda v: 255 - v)) > 20
        gif.seek(0)
        with pytest.warns(UserWarning, match="only the first of its 2 frames is kept"):
            saved(gif)


@pytest.mark.parametrize("options", [{"save_all": True}, {"save_all": False}, {}])
def test_frames_that_a_file_can_not_hold_are_refused(
    tmp_path: Path, picture: Image.Image, options: dict[str, bool]
) -> None:
    others = [picture.rotate(90), picture.rotate(180)]
    with pytest.raises(OSError, match="holds one picture, not 3"):
        picture.save(tmp_path / "a.skosh", append_images=others, **options)
    assert not list(tmp_path.iterdir())


def test_an_animation_is_refused_only_when_all_of_it_is_to_be_saved(picture: Image.Image) -> None:
    buffer = io.BytesIO()
    picture.save(buffer, "GIF", save_all=True, append_images=[picture.rotate(180)])
    with Image.open(buffer) as gif:
        with pytest.raises(OSError, match="holds one picture, not 2"):
            saved(gif, save_all=True)
        with pytest.raises(OSError, match="holds one picture, not 3"):
            saved(picture, save_all=True, append_images=[gif])
    buffer = io.BytesIO()
    picture.save(buffer, "SKOSH", save_all=True, append_images=[])
    assert buffer.getvalue() == skosh.encode(picture)
