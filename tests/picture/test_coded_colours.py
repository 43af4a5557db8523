"""Colours that a file names without a profile: numbers of H.273 in PNG and AVIF, and PNG's gamma and chromaticities."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, features
from PIL.PngImagePlugin import PngInfo

import skosh
from making import GREY as GREY_PNG
from making import RGB, display_profile, png, png_chunk
from skosh.picture.coded_colours import numbers_of
from skosh.picture.metadata import of_image
from skosh.picture.picture import Picture, from_image
from skosh.picture.profiles import recognise
from skosh.picture.spaces import ADOBE_RGB, BT709, DISPLAY_P3, GREY, LINEAR, POWER, PRIMARIES, SRGB_GREY, Space

SAMPLES = np.full((4, 4, 3), 100)
P3 = Space(DISPLAY_P3, 13)


def cicp(*numbers: int) -> bytes:
    return png_chunk(b"cICP", bytes(numbers))


def gama(gamma: int) -> bytes:
    return png_chunk(b"gAMA", gamma.to_bytes(4, "big"))


def chrm(*chromaticities: tuple[float, float]) -> bytes:
    """Red, green, blue and white; PNG has white first."""
    *primaries, white = chromaticities
    values = [round(100_000 * value) for one in (white, *primaries) for value in one]
    return png_chunk(b"cHRM", struct.pack(">8I", *values))


def profiled(icc: bytes) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (1, 1)).save(buffer, "PNG", icc_profile=icc)
    content = buffer.getvalue()
    at = content.index(b"iCCP") - 4
    return content[at : at + 12 + int.from_bytes(content[at : at + 4], "big")]


def taken(extra: bytes, kind: int = RGB) -> Picture:
    samples = SAMPLES if kind == RGB else SAMPLES[..., :1]
    return from_image(Image.open(io.BytesIO(png(samples, kind, 8, extra=extra))))


def space_of(picture: Picture) -> Space | None:
    assert picture.notes == []
    return recognise(picture.metadata.icc) if picture.metadata.icc else None


@pytest.mark.parametrize(
    ("numbers", "space"),
    [
        ((1, 13, 0, 1), None),
        ((12, 13, 0, 1), P3),
        ((9, 14, 0, 1), Space(9, 1)),
        ((9, 16, 0, 1), Space(9, 16)),
        ((9, 18, 0, 1), Space(9, 18)),
        ((1, 8, 0, 1), Space(BT709, LINEAR)),
        ((1, 4, 0, 1), Space(BT709, POWER, 563)),
        ((7, 1, 0, 1), Space(6, 1)),
    ],
)
def test_numbers_in_a_png_are_its_colours(numbers: tuple[int, ...], space: Space | None) -> None:
    assert space_of(taken(cicp(*numbers))) == space


def test_numbers_count_before_a_profile_and_that_before_gamma() -> None:
    assert space_of(taken(cicp(12, 13, 0, 1) + profiled(display_profile()))) == P3
    assert space_of(taken(cicp(1, 13, 0, 1) + profiled(display_profile()))) is None
    assert taken(gama(100_000) + profiled(display_profile())).metadata.icc == display_profile()
    assert space_of(taken(gama(100_000) + png_chunk(b"sRGB", b"\0"))) is None


@pytest.mark.parametrize("numbers", [(77, 13, 0, 1), (1, 77, 0, 1), (2, 2, 0, 1), (12, 13, 1, 1), (12, 13, 0, 0)])
def test_numbers_that_mean_nothing_here_are_said_to_be_lost(numbers: tuple[int, ...]) -> None:
    (note,) = taken(cicp(*numbers)).notes
    assert f"numbers {numbers[0]} and {numbers[1]} of H.273" in note


def test_numbers_are_found_again_when_the_picture_has_been_loaded(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(SAMPLES, RGB, 8, extra=cicp(12, 13, 0, 1)))
    with Image.open(tmp_path / "a.png") as image:
        image.load()
        assert recognise(of_image(image, []).icc or b"") == P3
        assert space_of(from_image(image)) == P3
    with Image.open(tmp_path / "a.png") as image:
        assert numbers_of(image) == bytes([12, 13, 0, 1])
        assert np.array_equal(np.asarray(image), SAMPLES)  # the file stands where Pillow has left it


def test_a_png_of_display_p3_by_numbers_costs_eight_bytes() -> None:
    plain, named = (Image.open(io.BytesIO(png(SAMPLES, RGB, 8, extra=extra))) for extra in (b"", cicp(12, 13, 0, 1)))
    coded = skosh.encode(named)
    assert len(coded) == len(skosh.encode(plain)) + 8
    assert recognise(skosh.decode(coded).info["icc_profile"]) == P3


@pytest.mark.parametrize("damage", ["checksum", "length", "cut"])
def test_damaged_numbers_are_none(damage: str) -> None:
    good = png(SAMPLES, RGB, 8, extra=cicp(12, 13, 0, 1))
    at = good.index(b"cICP")
    spoilt = {
        "checksum": good[: at + 8] + b"????" + good[at + 12 :],
        "length": good[: at - 4] + png_chunk(b"cICP", bytes(5)) + good[at + 12 :],
        "cut": good[: at + 6],
    }[damage]
    image = Image.new("RGB", (4, 4))
    image.format, image.fp = "PNG", io.BytesIO(spoilt)  # type: ignore[attr-defined]
    assert numbers_of(image) is None


@pytest.mark.parametrize(
    ("extra", "space"),
    [
        (gama(45_455), None),
        (gama(45_455) + chrm(*PRIMARIES[BT709]), None),
        (chrm(*PRIMARIES[BT709]), None),
        (gama(100_000), Space(BT709, LINEAR)),
        (gama(55_556), Space(BT709, POWER, 461)),
        (gama(45_470) + chrm(*PRIMARIES[ADOBE_RGB]), Space(ADOBE_RGB, POWER, 563)),
        (gama(0), None),
    ],
)
def test_gamma_and_primaries_are_a_profile(extra: bytes, space: Space | None) -> None:
    assert space_of(taken(extra)) == space


def test_gamma_of_a_grey_png_is_a_profile_for_grey() -> None:
    assert space_of(taken(gama(100_000), GREY_PNG)) == Space(GREY, LINEAR)
    assert space_of(taken(gama(45_455), GREY_PNG)) in (None, SRGB_GREY)


def test_primaries_of_no_name_are_a_profile_of_their_own() -> None:
    display = ((0.62, 0.34), (0.31, 0.57), (0.15, 0.08), (0.32, 0.33))
    picture = taken(gama(45_455) + chrm(*display))
    assert picture.notes == []
    assert picture.metadata.icc
    assert recognise(picture.metadata.icc) is None
    with_it = skosh.decode(skosh.encode(Image.fromarray(picture.pixels), metadata=picture.metadata))
    assert with_it.info["icc_profile"] == picture.metadata.icc


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (gama(1), "gamma of 1e-05 is not kept"),
        (gama(4_000_000_000), "gamma of 4e+04 is not kept"),
        (chrm(*PRIMARIES[ADOBE_RGB]), "primaries"),
        (gama(45_455) + chrm((0, 0), (0, 0), (0, 0), (0, 0)), "primaries"),
        (gama(45_455) + chrm((0.3, 0.3), (0.3, 0.3), (0.3, 0.3), (0.3, 0.3)), "primaries"),
    ],
)
def test_what_can_not_be_kept_is_said(extra: bytes, words: str) -> None:
    picture = taken(extra)
    assert [words in note for note in picture.notes] == [True]
    assert picture.metadata.icc is None


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 2**32 - 1), min_size=8, max_size=8))
def test_any_gamma_and_any_primaries_are_a_profile_or_a_note(gamma: int, values: list[int]) -> None:
    for shrunk in (1, 1 << 15):
        extra = gama(gamma // shrunk) + png_chunk(b"cHRM", struct.pack(">8I", *(v // shrunk for v in values)))
        picture = taken(extra)
        assert len(picture.notes) <= 1


@pytest.mark.skipif("avif" not in features.get_supported(), reason="this Pillow writes no AVIF")
@pytest.mark.parametrize(
    ("numbers", "space"), [((12, 13, 6), P3), ((1, 13, 6), None), ((2, 2, 6), None), ((1, 1, 1), None)]
)
def test_numbers_in_an_avif_are_its_colours(numbers: tuple[int, ...], space: Space | None) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), (200, 100, 50)).save(buffer, "AVIF")
    head, found, rest = buffer.getvalue().partition(b"colrnclx")
    assert found
    named = head + found + struct.pack(">3H", *numbers) + rest[6:]
    assert space_of(from_image(Image.open(io.BytesIO(named)))) == space


def test_text_of_a_png_is_not_taken_for_numbers() -> None:
    text = PngInfo()
    text.add_text("Comment", "cICP")
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, "PNG", pnginfo=text)
    assert numbers_of(Image.open(buffer)) is None
