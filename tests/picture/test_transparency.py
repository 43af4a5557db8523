"""Alpha goes through files exactly, whatever kind of picture it came with, in tiles and regions too."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms
from typer.testing import CliRunner

import skosh
from skosh.cli import app
from skosh.container import alpha
from skosh.picture.picture import from_image


@pytest.fixture(scope="module")
def plane() -> np.ndarray:
    """Alpha of every kind: steps, a gradient and noise."""
    rng = np.random.default_rng(0)
    alpha = np.tile(np.arange(160, dtype=np.uint8), (96, 1))
    alpha[:30, :30], alpha[60:, 100:] = 0, rng.integers(0, 256, (36, 60))
    return alpha


@pytest.fixture(scope="module")
def picture(photo: Image.Image, plane: np.ndarray) -> Image.Image:
    image = photo.crop((100, 60, 260, 156))
    image.putalpha(Image.fromarray(plane))
    return image


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize("quality", [0, 100])
def test_alpha_comes_back_exactly_at_every_quality(
    picture: Image.Image, plane: np.ndarray, mode: str, quality: int
) -> None:
    back = skosh.decode(skosh.encode(picture.convert(mode), quality))
    assert back.mode == mode
    assert np.array_equal(np.asarray(back.getchannel("A")), plane)


def test_pillows_limit_does_not_hold_for_alpha_whose_size_is_known(
    picture: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = skosh.encode(picture, 10)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert skosh.decode(data).mode == "RGBA"


def test_alpha_of_tiles_and_regions_is_that_of_the_whole(picture: Image.Image, plane: np.ndarray) -> None:
    data = skosh.encode(picture, 30, tile=64)
    assert np.array_equal(np.asarray(skosh.decode(data).getchannel("A")), plane)
    part = skosh.decode(data, region=(90, 50, 33, 21))
    assert (part.mode, part.size) == ("RGBA", (33, 21))
    assert np.array_equal(np.asarray(part.getchannel("A")), plane[50:71, 90:123])
    assert np.array_equal(np.asarray(part), np.asarray(skosh.decode(data).crop((90, 50, 123, 71))))


@pytest.mark.parametrize("mode", ["RGBa", "La"])
def test_premultiplied_colours_are_divided_again(picture: Image.Image, plane: np.ndarray, mode: str) -> None:
    straight = picture if mode == "RGBa" else picture.convert("LA")
    taken = from_image(straight.convert(mode))
    assert taken.alpha is not None
    assert np.array_equal(taken.alpha, plane)
    solid = plane > 100  # where little alpha is left, little of the colour is
    due = np.asarray(straight.convert("RGB"), int)
    assert np.abs(taken.pixels.astype(int) - due)[solid].max() <= 3


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_stays_when_the_profile_goes(picture: Image.Image, plane: np.ndarray, mode: str) -> None:
    image = picture.convert(mode)
    image.info["icc_profile"] = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    taken = from_image(image, strip=True)
    assert taken.alpha is not None
    assert np.array_equal(taken.alpha, plane)
    assert np.abs(taken.pixels.astype(int) - np.asarray(image.convert("RGB"))).max() <= 1


def test_colours_under_full_transparency_are_kept_as_they_are(picture: Image.Image) -> None:
    assert np.array_equal(from_image(picture).pixels, np.asarray(picture)[..., :3])


@pytest.mark.parametrize("value", [255, 254])
def test_only_alpha_that_hides_nothing_is_dropped(picture: Image.Image, value: int) -> None:
    image = picture.copy()
    image.putalpha(value)
    back = skosh.decode(skosh.encode(image, 10))
    assert back.mode == ("RGB" if value == 255 else "RGBA")


def test_a_gif_with_a_transparent_colour_keeps_it(picture: Image.Image) -> None:
    buffer = io.BytesIO()
    picture.convert("RGB").quantize(200).save(buffer, "GIF", transparency=7)
    with Image.open(buffer) as gif:
        due = np.asarray(gif.convert("RGBA").getchannel("A"))
        assert (due == 0).any()
        taken = from_image(gif)
    assert taken.alpha is not None
    assert np.array_equal(taken.alpha, due)


@pytest.mark.parametrize(
    ("suffix", "mode"), [(".png", "RGBA"), (".webp", "RGBA"), (".tiff", "RGBA"), (".avif", "RGBA")]
)
def test_outputs_that_hold_alpha_get_it(
    tmp_path: Path, picture: Image.Image, plane: np.ndarray, suffix: str, mode: str
) -> None:
    if suffix not in Image.registered_extensions():
        pytest.skip("this Pillow does not write it")
    (tmp_path / "a.skosh").write_bytes(skosh.encode(picture, 80))
    done = CliRunner().invoke(app, ["decompress", str(tmp_path / "a.skosh"), "-o", str(tmp_path / f"b{suffix}")])
    assert done.exit_code == 0, done.stderr
    with Image.open(tmp_path / f"b{suffix}") as back:
        assert back.mode == mode
        assert np.abs(np.asarray(back.getchannel("A"), int) - plane).max() <= (6 if suffix == ".avif" else 0)


def test_an_output_without_alpha_is_refused_in_a_sentence(tmp_path: Path, picture: Image.Image) -> None:
    (tmp_path / "a.skosh").write_bytes(skosh.encode(picture, 80))
    done = CliRunner().invoke(app, ["decompress", str(tmp_path / "a.skosh"), "-o", str(tmp_path / "b.jpg")])
    assert done.exit_code == 1
    assert "can't write this picture as .jpg (cannot write mode RGBA as JPEG): use .png" in done.stderr
    assert not (tmp_path / "b.jpg").exists()


@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from(["noise", "mask", "ramp across", "ramp down"]),
    st.integers(0, 99),
)
def test_every_plane_comes_back_and_is_no_longer_than_pillow_makes_it(h: int, w: int, kind: str, seed: int) -> None:
    y, x = np.mgrid[:h, :w]
    noise = np.random.default_rng(seed).integers(0, 256, (h, w))
    made = {"noise": noise, "mask": 255 * (noise > 128), "ramp across": 9 * x, "ramp down": 7 * y + seed}
    plane = (made[kind] % 256).astype(np.uint8)
    packed = alpha.pack(plane)
    assert np.array_equal(alpha.unpack(packed, h, w), plane)
    buffer = io.BytesIO()
    Image.fromarray(plane).save(buffer, "PNG", optimize=True)
    assert len(packed) <= buffer.tell()


def test_a_round_mask_costs_less_than_pillow_makes_of_it() -> None:
    y, x = np.mgrid[-128:128, -128:128]
    plane = np.where(x * x + y * y < 10_000, 255, 0).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(plane).save(buffer, "PNG", optimize=True)
    assert len(alpha.pack(plane)) < 0.85 * buffer.tell()
