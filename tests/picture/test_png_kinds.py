"""Every kind of PNG: colour type, bits, interlacing, transparent colours.

None comes out wrong, and none loses anything silently.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from making import CHANNELS, GREY, GREY_ALPHA, PALETTE, RGB, RGB_ALPHA, png, png_chunk
from skosh.picture.picture import Picture, from_image

BITS = {GREY: (1, 2, 4, 8, 16), RGB: (8, 16), PALETTE: (1, 2, 4, 8), GREY_ALPHA: (8, 16), RGB_ALPHA: (8, 16)}
KINDS = [(kind, bits) for kind, depths in BITS.items() for bits in depths]
SIZES = [(1, 1), (5, 3), (33, 18)]


def opened(content: bytes) -> Picture:
    return from_image(Image.open(io.BytesIO(content)))


def to_eight(samples: npt.NDArray[np.integer], bits: int) -> npt.NDArray[np.uint8]:
    """Samples of so many bits in the range of 8, as the PNG specification scales them."""
    return np.rint(samples * (255 / (2**bits - 1))).astype(np.uint8)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(("kind", "bits"), KINDS)
def test_every_kind_comes_out_right(kind: int, bits: int, interlaced: bool, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(bits)
    samples = rng.integers(0, 2**bits, (*size, CHANNELS[kind]))
    samples[0, 0] = 0  # alpha that hides something, where there is alpha
    colours = rng.integers(0, 256, (2**bits, 3), dtype=np.uint8)
    extra = png_chunk(b"PLTE", colours.tobytes()) if kind == PALETTE else b""
    picture = opened(png(samples, kind, bits, interlaced, extra))
    if kind == PALETTE:
        due = colours[samples[..., 0]]
    else:
        due = to_eight(samples[..., : 3 if kind in (RGB, RGB_ALPHA) else 1], bits).repeat(
            3 if kind in (GREY, GREY_ALPHA) else 1, 2
        )
    assert picture.pixels.shape == (*size, 3)
    assert np.abs(picture.pixels.astype(int) - due).max() <= (bits == 16)  # Pillow keeps the higher byte
    if kind in (GREY_ALPHA, RGB_ALPHA):
        assert picture.alpha is not None
        assert np.abs(picture.alpha.astype(int) - to_eight(samples[..., -1], bits)).max() <= (bits == 16)
    else:
        assert picture.alpha is None
    assert picture.grey == (kind in (GREY, GREY_ALPHA))
    assert bool(picture.notes) == (bits == 16 or (kind, bits) == (GREY, 1))


@pytest.mark.parametrize("bits", BITS[GREY])
def test_one_transparent_grey_is_transparent_at_every_depth(bits: int) -> None:
    top = 2**bits - 1
    samples = np.array([[0, 1, top], [1, 1, 0]])[..., None]
    picture = opened(png(samples, GREY, bits, extra=png_chunk(b"tRNS", (1).to_bytes(2, "big"))))
    assert picture.alpha is not None
    assert np.array_equal(picture.alpha == 0, samples[..., 0] == 1)
    assert np.array_equal(picture.alpha == 255, samples[..., 0] != 1)
    assert np.abs(picture.pixels[..., 0].astype(int) - to_eight(samples[..., 0], bits)).max() <= 1


@pytest.mark.parametrize("bits", BITS[RGB])
def test_one_transparent_colour_is_transparent_at_every_depth(bits: int) -> None:
    top = 2**bits - 1
    colour = [top // 5, top // 3, top]
    samples = np.array([[[0, 0, 0], colour], [colour, [top // 5, top // 3, 0]]])
    picture = opened(png(samples, RGB, bits, extra=png_chunk(b"tRNS", np.array(colour, ">u2").tobytes())))
    assert picture.alpha is not None
    assert picture.alpha.tolist() == [[255, 0], [0, 255]]


@pytest.mark.parametrize("bits", BITS[PALETTE])
def test_a_palette_with_graded_transparency_keeps_it(bits: int) -> None:
    count = 2**bits
    samples = np.arange(count).reshape(1, -1, 1)
    colours, alpha = np.arange(3 * count, dtype=np.uint8), np.arange(count // 2, dtype=np.uint8) * 3
    extra = png_chunk(b"PLTE", colours.tobytes()) + png_chunk(
        b"tRNS", alpha.tobytes()
    )  # the rest of the palette is opaque
    picture = opened(png(samples, PALETTE, bits, extra=extra))
    assert picture.alpha is not None
    assert picture.alpha[0].tolist() == [*alpha.tolist(), *[255] * (count - len(alpha))]
    assert np.array_equal(picture.pixels[0], colours.reshape(-1, 3))


def test_a_palette_with_holes_is_black_there() -> None:
    samples = np.array([[[0], [1], [200]]])
    picture = opened(png(samples, PALETTE, 8, extra=png_chunk(b"PLTE", bytes([9, 8, 7, 6, 5, 4]))))
    assert picture.pixels[0].tolist() == [[9, 8, 7], [6, 5, 4], [0, 0, 0]]


def test_transparency_that_hides_nothing_is_left_out_at_16_bits() -> None:
    samples = np.full((4, 4, 4), 65535)
    assert opened(png(samples, RGB_ALPHA, 16)).alpha is None


def test_metadata_behind_the_data_are_found() -> None:
    from making import exif

    content = png(np.full((4, 4, 3), 100), RGB, 8)
    picture = opened(content[:-12] + png_chunk(b"eXIf", exif(1)) + content[-12:])
    assert picture.metadata.exif == exif(1)


@pytest.mark.parametrize(("kind", "bits"), [(kind, bits) for kind, bits in KINDS if kind in (GREY, RGB, GREY_ALPHA)])
def test_a_picture_that_was_loaded_before_comes_out_as_a_fresh_one(kind: int, bits: int, tmp_path: Path) -> None:
    samples = np.random.default_rng(bits).integers(0, 2**bits, (9, 7, CHANNELS[kind]))
    samples[0, 0] = 1
    extra = b"" if kind == GREY_ALPHA else png_chunk(b"tRNS", samples[0, 0].astype(">u2").tobytes())
    file = tmp_path / "a.png"
    file.write_bytes(png(samples, kind, bits, extra=extra))
    fresh, image = from_image(Image.open(file)), Image.open(file)
    image.load()
    loaded = from_image(image)
    assert fresh.alpha is not None
    assert np.array_equal(loaded.alpha, fresh.alpha)
    assert np.array_equal(loaded.pixels, fresh.pixels)
    assert (loaded.grey, loaded.notes) == (fresh.grey, fresh.notes)


def test_a_transparent_grey_that_can_not_be_told_any_more_is_said() -> None:
    image = Image.open(io.BytesIO(png(np.arange(16).reshape(4, 4, 1), GREY, 4, extra=png_chunk(b"tRNS", b"\0\3"))))
    image.load()
    assert "transparent grey" in from_image(image).notes[0]
    image = Image.open(io.BytesIO(png(np.arange(16).reshape(4, 4, 1), GREY, 8, extra=png_chunk(b"tRNS", b"\0\3"))))
    image.load()
    picture = from_image(image)
    assert picture.alpha is not None
    assert not picture.notes
