from __future__ import annotations

import warnings

import numpy as np
import pytest
from PIL import Image

from skosh import ImageError
from skosh.pixels import from_image, from_network, to_network


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "YCbCr", "HSV"])
def test_common_modes_become_rgb_without_a_word(photo: Image.Image, mode: str) -> None:
    image = photo.convert(mode)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(from_image(image), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_dropped_transparency_is_warned_of(photo: Image.Image, mode: str) -> None:
    with pytest.warns(UserWarning, match="transparency"):
        assert from_image(photo.convert(mode)).shape == (300, 451, 3)


def test_sixteen_bit_grey_keeps_its_brightness() -> None:
    with pytest.warns(UserWarning, match="16-bit"):
        pixels = from_image(Image.fromarray(np.array([[0, 128, 32768, 65535]], dtype=np.uint16)))
    assert pixels[0, :, 0].tolist() == [0, 0, 128, 255]


@pytest.mark.parametrize("mode", ["I", "F"])
def test_modes_without_a_rule_are_refused_by_name(mode: str) -> None:
    with pytest.raises(ImageError, match=f"mode {mode}"):
        from_image(Image.new(mode, (4, 4)))


def test_orientation_is_applied() -> None:
    image = Image.fromarray(np.arange(24, dtype=np.uint8).reshape(2, 4, 3))
    image.getexif()[0x0112] = 6  # shown after a quarter turn clockwise
    assert np.array_equal(from_image(image), np.rot90(np.asarray(image), -1))


def test_pixels_survive_the_way_to_the_network_and_back(photo: Image.Image) -> None:
    pixels = np.asarray(photo)
    x = to_network(pixels, 64)
    assert x.shape == (1, 3, 320, 512)
    assert np.array_equal(from_network(x, 300, 451), pixels)


def test_values_out_of_range_are_clipped_and_halves_rounded() -> None:
    x = np.array([-3.0, 0.4999 / 255, 1.5001 / 255, 9.0], dtype=np.float32).reshape(1, 1, 1, 4).repeat(3, 1)
    assert from_network(x, 1, 4)[0, :, 0].tolist() == [0, 0, 2, 255]


def test_a_dropped_colour_profile_is_warned_of_unless_it_is_srgb(photo: Image.Image) -> None:
    from PIL import ImageCms

    image = photo.copy()
    image.info["icc_profile"] = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        from_image(image)
    image.info["icc_profile"] = b"Display P3, or so"
    with pytest.warns(UserWarning, match="profile"):
        from_image(image)
