"""Damage by chance: a real file cut at every byte, and thousands of flipped bits, with right and wrong checksums."""

from __future__ import annotations

import contextlib
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import skosh
from skosh.container.chunks import Header, read, write
from skosh.container.extras import pack, unpack
from skosh.container.salvage import read_damaged
from skosh.picture.metadata import Metadata
from skosh.picture.orientation import orientation, upright
from skosh.picture.spaces import DISPLAY_P3, SRGB_CURVE, Space
from skosh.picture.standard import profile

SIDE = 64  # of the tiles


@pytest.fixture(scope="module")
def picture(photo: Image.Image) -> Image.Image:
    """Two tiles, transparency and metadata."""
    crop = photo.crop((100, 60, 228, 124))
    crop.putalpha(Image.linear_gradient("L").resize(crop.size))
    crop.info |= {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0", "icc_profile": b"profile" * 5, "xmp": b"<x:xmpmeta/>"}
    return crop


@pytest.fixture(scope="module")
def file(picture: Image.Image) -> bytes:
    return skosh.encode(picture, 20, tile=SIDE)


def places(data: bytes) -> list[tuple[int, int, int]]:
    """Of every chunk: where it begins, where its payload does, and where that ends."""
    at, found = 4, []
    while at < len(data):
        start, length, shift = at + 1, 0, 0
        while True:
            byte = data[start]
            length |= (byte & 127) << shift
            start, shift = start + 1, shift + 7
            if byte < 128:
                break
        found.append((at, start, start + length))
        at = start + length + 4
    return found


def flipped(data: bytes, bit: int) -> bytearray:
    damaged = bytearray(data)
    damaged[bit // 8] ^= 1 << bit % 8
    return damaged


def test_a_file_cut_at_any_byte_is_refused_and_salvage_shows_what_is_left(file: bytes) -> None:
    whole_picture = np.asarray(skosh.decode(file))
    header_end = places(file)[0][2] + 4
    first_tile_end = next(end + 4 for at, _, end in places(file) if file[at] == ord("T"))
    for cut in range(len(file)):
        with pytest.raises(skosh.FormatError):
            skosh.decode(file[:cut])
    for cut in [*range(header_end), *range(header_end, len(file), 37), len(file) - 1]:
        if cut < first_tile_end:
            with pytest.raises(skosh.FormatError, match=None if cut < header_end else "nothing is left of the picture"):
                skosh.decode(file[:cut], salvage=True)
            continue
        with pytest.warns(UserWarning, match="lost"):
            left = np.asarray(skosh.decode(file[:cut], salvage=True))
        assert left.shape[:2] == whole_picture.shape[:2]


def test_ten_thousand_flipped_bits_are_all_noticed(file: bytes) -> None:
    for bit in np.random.default_rng(0).integers(0, 8 * len(file), 10_000):
        with pytest.raises(skosh.SkoshError):
            skosh.decode(bytes(flipped(file, int(bit))), threads=1)


@pytest.mark.parametrize(
    ("kind", "named", "key"),
    [
        ("A", "the transparency", ""),
        ("i", "the ICC profile", "icc_profile"),
        ("e", "EXIF", "exif"),
        ("x", "XMP", "xmp"),
    ],
)
def test_salvage_names_the_extra_that_is_lost_and_keeps_the_others(
    picture: Image.Image, file: bytes, kind: str, named: str, key: str
) -> None:
    (place,) = [place for place in places(file) if file[place[0]] == ord(kind)]
    damaged = bytes(flipped(file, 8 * place[1]))
    with pytest.warns(UserWarning, match="lost") as warned:
        image = skosh.decode(damaged, salvage=True)
    assert [str(warning.message) for warning in warned] == [f"lost: {named}"]
    assert image.mode == ("RGB" if kind == "A" else "RGBA")
    for other in ("icc_profile", "exif", "xmp"):
        assert image.info.get(other) == (picture.info[other] if other != key else None)


def test_salvage_names_a_colour_space_that_is_lost(picture: Image.Image) -> None:
    file = skosh.encode(
        np.asarray(picture.convert("RGB")), 20, metadata=Metadata(profile(Space(DISPLAY_P3, SRGB_CURVE)))
    )
    (place,) = [place for place in places(file) if file[place[0]] == ord("c")]
    with pytest.warns(UserWarning, match="lost: the colour space"):
        image = skosh.decode(bytes(flipped(file, 8 * place[1])), salvage=True)
    assert "icc_profile" not in image.info
    with pytest.warns(
        UserWarning, match="lost: the colour space"
    ):  # a number that nobody knows behind a checksum that fits
        skosh.decode(repaired(bytearray(flipped(file, 8 * place[1])), place), salvage=True)


def test_salvage_gives_up_extras_that_make_no_sense_behind_checksums_that_fit(picture: Image.Image) -> None:
    extras = {b"A": b"no PNG", b"i": b"not deflated", b"x": zlib.compress(picture.info["xmp"])}
    contents = read(skosh.encode(np.asarray(picture.convert("RGB")), 20, tile=SIDE))
    data = write(contents.header, extras, [tile or b"" for tile in contents.tiles])
    with pytest.raises(skosh.FormatError):
        skosh.decode(data)
    with pytest.warns(UserWarning, match="lost") as warned:
        image = skosh.decode(data, salvage=True)
    assert [str(warning.message) for warning in warned] == ["lost: the transparency", "lost: the ICC profile"]
    assert (image.mode, image.info["xmp"]) == ("RGB", picture.info["xmp"])


def repaired(data: bytearray, place: tuple[int, int, int]) -> bytes:
    """With a checksum that fits the chunk."""
    at, start, end = place
    data[end : end + 4] = struct.pack("<I", zlib.crc32(data[at : at + 1] + data[start:end]))
    return bytes(data)


@pytest.mark.filterwarnings("ignore:lost")
@pytest.mark.slow
def test_two_thousand_flipped_bits_behind_checksums_that_fit_end_in_a_picture_or_a_skosh_error(file: bytes) -> None:
    rng = np.random.default_rng(0)
    chunks = places(file)
    shown = 0
    for n in range(2000):
        place = chunks[rng.integers(len(chunks))]
        if place[1] == place[2]:
            continue
        damaged = repaired(flipped(file, int(rng.integers(8 * place[1], 8 * place[2]))), place)
        region = None if n % 20 == 0 else (50, 30, 20, 20)
        with contextlib.suppress(skosh.SkoshError):
            shown += skosh.decode(damaged, threads=1, region=region, salvage=n % 3 == 0).width > 0
        with contextlib.suppress(skosh.SkoshError):
            skosh.info(damaged)
    assert shown > 500  # else nothing but the first checks was tried


@given(st.binary(max_size=300), st.binary(max_size=300), st.binary(max_size=300))
def test_metadata_come_back_byte_by_byte(icc: bytes, exif: bytes, xmp: bytes) -> None:
    given_ones = Metadata(icc or None, exif or None, xmp or None)
    assert unpack(pack(given_ones)) == given_ones


@given(st.sampled_from([b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b"II*\0", b""]), st.binary(max_size=80))
def test_bytes_that_may_be_exif_are_upright_afterwards_and_stay_as_they_are_if_they_say_nothing(
    start: bytes, rest: bytes
) -> None:
    before = Metadata(exif=start + rest)
    after = upright(before)
    assert orientation(after) == 1
    if orientation(before) == 1:
        assert after == before


@given(st.lists(st.binary(max_size=40), min_size=6, max_size=6), st.data())
def test_salvage_finds_the_whole_chunks_of_any_file_in_which_one_stretch_is_spoilt(
    streams: list[bytes], data: st.DataObject
) -> None:
    header = Header(150, 100, 50, b"01234567", tile=SIDE)
    extras = data.draw(st.dictionaries(st.sampled_from([b"A", b"i", b"x"]), st.binary(max_size=40)))
    file = write(header, extras, streams)
    chunks = places(file)[1:]
    start = data.draw(st.integers(chunks[0][0], len(file) - 1))
    spoilt = data.draw(st.binary(min_size=1, max_size=12))
    damaged = file[:start] + spoilt[: len(file) - start] + file[start + len(spoilt) :]
    found = read_damaged(damaged).tiles
    for (at, _, end), stream, tile in zip(chunks[len(extras) :], streams, found, strict=True):
        if end + 4 <= start or at >= start + len(spoilt):
            assert tile == stream
