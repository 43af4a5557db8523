"""The rules for pictures of every kind, as the README's table has them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

import skosh
from skosh.codec.planes import from_network, to_network
from skosh.picture.metadata import Metadata
from skosh.picture.picture import Picture, from_image, luma, to_image

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def reopened(image: Image.Image, kind: str = "PNG", **options: object) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return Image.open(buffer)


@pytest.mark.parametrize("mode", ["P", "RGB", "YCbCr", "HSV"])
def test_colour_pictures_become_rgb_without_a_word(photo: Image.Image, mode: str) -> None:
    image = photo.convert(mode)
    picture = from_image(image)
    assert np.array_equal(picture.pixels, np.asarray(image.convert("RGB")))
    assert (picture.grey, picture.alpha, picture.notes) == (False, None, [])


@pytest.mark.parametrize("mode", ["1", "L"])
def test_grey_stays_grey(photo: Image.Image, mode: str) -> None:
    image = photo.convert(mode)
    picture = from_image(image)
    assert picture.grey
    assert picture.notes == (["black and white become grey levels"] if mode == "1" else [])
    back = to_image(picture)
    assert back.mode == "L"
    assert np.array_equal(np.asarray(back), np.asarray(image.convert("L")))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_kept_exactly(photo: Image.Image, mode: str) -> None:
    image = photo.convert(mode)
    image.putalpha(photo.getchannel("G"))
    picture = from_image(image)
    assert picture.alpha is not None
    assert np.array_equal(picture.alpha, np.asarray(photo.getchannel("G")))
    assert to_image(picture).mode == mode


def test_a_palette_with_a_transparent_colour_keeps_it(photo: Image.Image) -> None:
    image = photo.convert("P")
    image.info["transparency"] = int(np.asarray(image)[0, 0])
    picture = from_image(reopened(image))
    assert picture.alpha is not None
    assert np.array_equal(picture.alpha == 0, np.asarray(image) == image.info["transparency"])


def test_transparency_that_hides_nothing_is_left_out(photo: Image.Image) -> None:
    picture = from_image(photo.convert("RGBA"))
    assert picture.alpha is None
    assert picture.notes == []


def test_sixteen_bit_grey_keeps_its_brightness() -> None:
    picture = from_image(Image.fromarray(np.array([[0, 128, 32768, 65535]], dtype=np.uint16)))
    assert picture.pixels[0, :, 0].tolist() == [0, 0, 128, 255]
    assert picture.grey
    assert picture.notes == ["16-bit grey is reduced to 8 bits"]


def test_sixteen_bits_a_channel_are_said_to_be_reduced(photo: Image.Image) -> None:
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes(range(6)) * 4 for _ in range(3))
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 3, 16, 2, 0, 0, 0))
    png += chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    picture = from_image(Image.open(io.BytesIO(png)))
    assert picture.pixels.shape == (3, 4, 3)
    assert picture.notes == ["16 bits a channel are reduced to 8"]


@pytest.mark.parametrize(
    ("values", "due", "words"),
    [([0.0, 0.5, 1.0, np.nan], [0, 128, 255, 0], "0 to 1"), ([-5.0, 1.4, 200.0, 300.0], [0, 1, 200, 255], "0 to 255")],
)
def test_floats_follow_the_stated_rule(values: list[float], due: list[int], words: str) -> None:
    picture = from_image(Image.fromarray(np.array([values], dtype=np.float32)))
    assert picture.pixels[0, :, 0].tolist() == due
    assert words + " and" in picture.notes[0]
    assert picture.notes[1:] == [f"values outside of {words} are clipped"]


def test_integers_of_32_bits_are_taken_as_16() -> None:
    picture = from_image(Image.fromarray(np.array([[-3, 0, 65535, 1 << 20]], dtype=np.int32)))
    assert picture.pixels[0, :, 0].tolist() == [0, 0, 255, 255]


def test_cmyk_becomes_rgb_and_says_so(photo: Image.Image) -> None:
    image = photo.convert("CMYK")
    picture = from_image(image)
    assert np.array_equal(picture.pixels, np.asarray(image.convert("RGB")))
    assert picture.notes == ["CMYK is converted to RGB"]


def test_a_profile_that_can_not_be_used_is_dropped_with_the_channels_that_it_described_and_said(
    photo: Image.Image,
) -> None:
    image = photo.convert("CMYK")
    image.info["icc_profile"] = b"of four channels"
    picture = from_image(image)
    assert np.array_equal(picture.pixels, np.asarray(image.convert("RGB")))
    assert picture.metadata.icc is None
    assert any("profile can't be used" in note for note in picture.notes)


def test_lab_is_converted_by_its_meaning(photo: Image.Image) -> None:
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    lab = ImageCms.applyTransform(photo, to_lab)
    picture = from_image(lab)
    assert np.abs(picture.pixels.astype(int) - np.asarray(photo)).mean() < 3


def test_only_the_first_frame_of_an_animation_is_kept(photo: Image.Image) -> None:
    small = photo.resize((40, 30)).convert("L")
    other = small.point(lambda v: 255 - v)
    picture = from_image(reopened(small, "GIF", save_all=True, append_images=[other]))
    assert picture.notes == ["only the first of its 2 frames is kept"]
    assert np.array_equal(picture.pixels[:, :, 0], np.asarray(small))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_once_and_never_again(photo: Image.Image, orientation: int) -> None:
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "a maker"
    turned = reopened(photo.resize((60, 40)), exif=exif)
    picture = from_image(turned)
    due = ImageOps.exif_transpose(turned)
    assert np.array_equal(picture.pixels, np.asarray(due))
    back = to_image(picture)
    assert back.getexif()[0x0112] == 1
    assert back.getexif()[0x010F] == "a maker"
    assert np.array_equal(np.asarray(ImageOps.exif_transpose(back)), np.asarray(due))


def test_metadata_are_kept_and_strip_drops_them(photo: Image.Image) -> None:
    exif = Image.Exif()
    exif[0x010F] = "a maker"
    image = reopened(photo, "JPEG", exif=exif, icc_profile=SRGB, xmp=b"<x/>", quality=95)
    metadata = from_image(image).metadata
    assert metadata.icc == SRGB
    assert metadata.xmp == b"<x/>"
    assert metadata.exif is not None
    assert b"a maker" in metadata.exif
    assert not metadata.exif.startswith(b"Exif")
    assert from_image(image, strip=True).metadata == Metadata()


def test_stripping_a_wide_gamut_profile_keeps_the_look(photo: Image.Image) -> None:
    wide = wide_gamut()
    in_wide = ImageCms.profileToProfile(
        photo, ImageCms.createProfile("sRGB"), ImageCms.ImageCmsProfile(io.BytesIO(wide))
    )
    assert in_wide is not None
    assert np.abs(np.asarray(in_wide).astype(int) - np.asarray(photo)).mean() > 5  # or the test shows nothing
    in_wide.info["icc_profile"] = wide
    kept, stripped = from_image(in_wide), from_image(in_wide, strip=True)
    assert np.array_equal(kept.pixels, np.asarray(in_wide))
    assert kept.metadata.icc == wide
    assert np.abs(stripped.pixels.astype(int) - np.asarray(photo)).mean() < 2


def test_grey_with_a_profile_of_colours_keeps_its_look_when_it_is_dropped(photo: Image.Image) -> None:
    grey = photo.convert("L")
    grey.info["icc_profile"] = SRGB  # as many programs write it
    picture = from_image(grey, strip=True)
    assert picture.notes == []
    assert np.abs(picture.pixels[..., 0].astype(int) - np.asarray(grey)).max() <= 1


def wide_gamut() -> bytes:
    """sRGB's profile with its red and green columns exchanged: no colour space that anybody uses, but a valid one."""
    red, green = SRGB.index(b"rXYZ"), SRGB.index(b"gXYZ")
    profile = bytearray(SRGB)
    profile[red + 4 : red + 12], profile[green + 4 : green + 12] = (
        SRGB[green + 4 : green + 12],
        SRGB[red + 4 : red + 12],
    )
    return bytes(profile)


def test_a_broken_profile_is_kept_and_hurts_nothing(photo: Image.Image) -> None:
    image = photo.copy()
    image.info["icc_profile"] = b"no profile at all"
    assert from_image(image).metadata.icc == b"no profile at all"
    assert np.array_equal(from_image(image, strip=True).pixels, np.asarray(photo))


def test_a_picture_over_the_limit_is_refused_before_it_is_loaded() -> None:
    class Huge(Image.Image):
        size = (60_000, 60_000)
        width, height = size

        def load(self) -> None:
            raise AssertionError("loaded")

    with pytest.raises(skosh.LimitError, match="60000x60000"):
        from_image(Huge())


def test_damaged_data_are_an_image_error(photo: Image.Image) -> None:
    buffer = io.BytesIO()
    photo.save(buffer, "PNG")
    with pytest.raises(skosh.ImageError, match="can't read"):
        from_image(Image.open(io.BytesIO(buffer.getvalue()[:5000])))


def test_pixels_survive_the_way_to_the_network_and_back(photo: Image.Image) -> None:
    pixels = np.asarray(photo)
    x = to_network(pixels, 320, 512)
    assert x.shape == (1, 3, 320, 512)
    assert np.array_equal(from_network(x)[:300, :451], pixels)


def test_the_luma_of_a_grey_picture_is_as_the_format_says() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    red, green, blue = pixels.astype(int).transpose(2, 0, 1)
    due = (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16
    assert np.array_equal(luma(pixels), due)
    assert np.array_equal(np.asarray(to_image(Picture(pixels, grey=True))), due)


def test_values_out_of_range_are_clipped_and_halves_rounded() -> None:
    x = np.array([-3.0, 0.4999 / 255, 1.5001 / 255, 9.0], dtype=np.float32).reshape(1, 1, 1, 4).repeat(3, 1)
    assert from_network(x)[0, :, 0].tolist() == [0, 0, 2, 255]


def test_what_is_no_number_becomes_black_without_a_warning() -> None:
    x = np.full((1, 3, 2, 2), np.nan, np.float32)
    x[0, 0] = np.inf
    assert from_network(x).reshape(-1, 3).tolist() == [[255, 0, 0]] * 4
