"""Colour profiles: which are recognised, what those are that come back instead, and what they cost in a file."""

from __future__ import annotations

import contextlib
import io
import struct
import time

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

import skosh
from making import SRGB as LCMS_SRGB
from making import display_profile, gamma_curve, grey_profile, icc, package_folder, table_curve
from skosh.container.chunks import EXTRAS, ICC, SPACE
from skosh.container.extras import pack, unpack
from skosh.errors import FormatError
from skosh.picture.metadata import Metadata
from skosh.picture.profiles import parse, recognise
from skosh.picture.spaces import (
    ADOBE_RGB,
    BT709,
    BT2020,
    DISPLAY_P3,
    GREY,
    LINEAR,
    POWER,
    PRIMARIES,
    PROPHOTO,
    SRGB,
    SRGB_GREY,
    TRANSFER_NAMES,
    Space,
    colorants,
    linear,
)
from skosh.picture.standard import fixed, profile, xyz_tag

P3 = Space(DISPLAY_P3, 13)
NAMED = {
    "Display P3": P3,
    "Adobe RGB": Space(ADOBE_RGB, POWER, 563),
    "ProPhoto": Space(PROPHOTO, POWER, 461),
    "Rec. 2020": Space(BT2020, 1),
    "linear": Space(BT709, LINEAR),
    "grey 2.2": Space(GREY, POWER, 563),
    "grey 1.8": Space(GREY, POWER, 461),
}
SPACES = [
    *(Space(colours, transfer) for colours in (GREY, *PRIMARIES) for transfer in TRANSFER_NAMES),
    *(Space(colours, POWER, gamma) for colours in (GREY, *PRIMARIES) for gamma in (128, 461, 563, 666)),
]
STEPS = np.linspace(0, 255, 12).astype(np.uint8)
GRID = np.stack(np.meshgrid(STEPS, STEPS, STEPS), axis=-1).reshape(48, 36, 3)


def shown(icc: bytes, mode: str = "RGB") -> npt.NDArray[np.int32]:
    """How lcms shows a grid of colours, in sRGB."""
    image = Image.fromarray(GRID) if mode == "RGB" else Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))
    source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    made = ImageCms.profileToProfile(image, source, ImageCms.ImageCmsProfile(io.BytesIO(LCMS_SRGB)), outputMode="RGB")
    assert made is not None
    return np.asarray(made).astype(np.int32)


def tagged(columns: npt.NDArray[np.floating], curve: bytes, more: tuple[tuple[bytes, bytes], ...] = ()) -> bytes:
    """A profile of matrix and curves."""
    pairs = zip((b"r", b"g", b"b"), columns.T, strict=True)
    tags = [part for name, xyz in pairs for part in ((name + b"XYZ", xyz_tag(xyz)), (name + b"TRC", curve))]
    return icc(b"RGB ", (*tags, *more))


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_a_profile_that_is_built_is_recognised_as_what_it_was_built_for(space: Space) -> None:
    assert recognise(profile(space)) == space


@pytest.mark.parametrize("space", [SRGB, *NAMED.values()], ids=str)
def test_a_profile_that_is_built_is_valid_and_small(space: Space) -> None:
    built = ImageCms.ImageCmsProfile(io.BytesIO(profile(space)))
    assert built.profile.version == 4.3
    assert built.profile.profile_description == space.name
    assert len(profile(space)) <= 512
    assert ImageCms.isIntentSupported(built, ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Direction.INPUT) == 1


def test_the_bytes_of_a_profile_that_is_built_are_the_same_for_ever() -> None:
    """They are what files of a short name decode to. Their checksum is in their header."""
    found = {name: profile(space)[84:100].hex() for name, space in NAMED.items()}
    assert found == CHECKSUMS


CHECKSUMS = {
    "Display P3": "570a488f002676e7b478fc9beb4fa6d2",
    "Adobe RGB": "2ea0c8d7cb4dfa5130a4ba1c726c6364",
    "ProPhoto": "f1b2b56d4ffe4cd874b0607fbbde69e8",
    "Rec. 2020": "1b5282dc8ee66aa50112eea21d3ffca4",
    "linear": "2df845be08d5f921418d6edd247b983d",
    "grey 2.2": "cf4591e8f757409d33410ebca0552e6b",
    "grey 1.8": "a8944e3c2a2ec0a3472917b35615fef5",
}


def test_srgb_as_it_is_built_shows_what_that_of_lcms_does() -> None:
    assert np.abs(shown(profile(SRGB)) - shown(LCMS_SRGB)).max() <= 1
    assert np.abs(shown(profile(SRGB)) - GRID).max() <= 1


@pytest.mark.parametrize("name", ["Display P3", "Adobe RGB", "ProPhoto", "Rec. 2020"])
def test_a_space_shows_what_its_public_numbers_say(name: str) -> None:
    """Colours worked out from chromaticities and curves alone, clipped to sRGB as lcms does it."""
    space = NAMED[name]
    light = linear(space, GRID / 255) @ colorants(PRIMARIES[space.primaries]).T
    narrow = np.clip(light @ np.linalg.inv(colorants(PRIMARIES[BT709])).T, 0, 1)
    due = 255 * np.where(narrow > 0.0031308, 1.055 * narrow ** (1 / 2.4) - 0.055, 12.92 * narrow)
    assert np.abs(shown(profile(space)) - due).max() <= 1


@pytest.mark.parametrize(
    ("package", "path", "space"),
    [
        ("sklearn", "datasets/images/flower.jpg", SRGB),  # of Hewlett-Packard, which most photographs carry
        ("sklearn", "datasets/images/china.jpg", SRGB),
        ("skimage", "data/rocket.jpg", NAMED["Adobe RGB"]),  # of Adobe
        ("skimage", "data/color.png", None),  # of some display
        ("skimage", "data/page.png", None),  # of ink on paper
    ],
)
def test_profiles_of_real_pictures_are_recognised(package: str, path: str, space: Space | None) -> None:
    file = package_folder(package) / path
    if not file.exists():
        pytest.skip("this version of the package does not bring it")
    with Image.open(file) as image:
        carried = image.info["icc_profile"]
    assert recognise(carried) == space
    if space:
        assert np.abs(shown(carried) - shown(profile(space))).max() <= 1


KINDS = {  # sRGB's curve as profiles write it
    "formula of 5 numbers": struct.pack(">4s4xHxx", b"para", 3)
    + fixed(np.array([2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045])),
    "formula of 7 numbers": struct.pack(">4s4xHxx", b"para", 4)
    + fixed(np.array([2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045, 0, 0])),
    **{f"{n} entries": table_curve(linear(SRGB, np.linspace(0, 1, n))) for n in (64, 256, 1024, 4096)},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("space", [BT709, DISPLAY_P3])
def test_however_a_curve_is_written_it_is_recognised(kind: str, space: int) -> None:
    assert recognise(tagged(colorants(PRIMARIES[space]), KINDS[kind])) == Space(space, 13)


@settings(max_examples=60)
@given(
    st.sampled_from(sorted(PRIMARIES)),
    st.integers(435, 640),
    st.sampled_from([2, 5, 17, 33, 256, 1024]),
    st.lists(st.floats(-1, 1), min_size=9, max_size=9),
    st.sampled_from([0.0, 1e-5, 1e-4, 1e-3, 1e-2]),
)
def test_what_is_recognised_shows_the_same_colours(
    colours: int, gamma: int, entries: int, apart: list[float], far: float
) -> None:
    curve = table_curve(np.linspace(0, 1, entries) ** (gamma / 256))
    carried = tagged(colorants(PRIMARIES[colours]) + far * np.array(apart).reshape(3, 3), curve)
    space = recognise(carried)
    if space:
        apart_by = np.abs(shown(carried) - shown(profile(space)))
        assert apart_by.max() <= 2  # where a colour lies between those that were compared
        assert np.mean(apart_by > 1) < 0.001
    else:
        assert far >= 1e-4 or entries <= 256


@given(st.integers(128, 1024), st.sampled_from([17, 256, 4096]))
def test_greys_that_are_recognised_show_the_same(gamma: int, entries: int) -> None:
    for curve in (gamma_curve(gamma / 256), table_curve(np.linspace(0, 1, entries) ** (gamma / 256))):
        space = recognise(grey_profile(curve))
        if space:
            assert np.abs(shown(grey_profile(curve), "L") - shown(profile(space), "L")).max() <= 1
    assert recognise(grey_profile(gamma_curve(gamma / 256))) in (
        Space(GREY, POWER, gamma),
        Space(GREY, LINEAR) if gamma == 256 else None,
    )


@pytest.mark.parametrize("moved", [(0.004, 0, 0), (0, 0.004, 0), (0, 0, -0.004)])
def test_colours_that_are_a_little_different_are_others(moved: tuple[float, float, float]) -> None:
    columns = colorants(PRIMARIES[BT709])
    assert recognise(tagged(columns, KINDS["1024 entries"])) == SRGB
    assert recognise(tagged(columns + np.array([moved, [0] * 3, [0] * 3]).T, KINDS["1024 entries"])) is None
    curves = table_curve(linear(SRGB, np.linspace(0, 1, 1024)) ** (1 + abs(moved[0]) * 10))
    assert recognise(tagged(columns, curves)) == (SRGB if moved[0] == 0 else None)


@pytest.mark.parametrize("tag", [b"A2B0", b"A2B1", b"B2A0", b"D2B0", b"B2D3", b"pre0"])
def test_a_profile_with_tables_that_count_instead_is_kept(tag: bytes) -> None:
    carried = tagged(colorants(PRIMARIES[BT709]), KINDS["1024 entries"], ((tag, bytes(40)),))
    assert recognise(carried) is None
    assert unpack(pack(Metadata(carried))).icc == carried


@pytest.mark.parametrize("tag", [b"vcgt", b"mmod", b"tech", b"lumi", b"ndin", b"????"])
def test_what_says_nothing_of_colours_does_not_matter(tag: bytes) -> None:
    assert recognise(tagged(colorants(PRIMARIES[BT709]), KINDS["256 entries"], ((tag, b"words"),))) == SRGB


@pytest.mark.parametrize(
    ("tag", "content", "found"),
    [
        (b"wtpt", xyz_tag(np.array([0.9505, 1.0, 1.0891])), SRGB),  # D65, as version 2 has it
        (b"wtpt", xyz_tag(np.array([0.9642, 1.0, 0.8249])), SRGB),
        (b"wtpt", xyz_tag(np.array([1.0985, 1.0, 0.3558])), None),  # a light bulb
        (b"chad", b"sf32" + bytes(4) + fixed(np.eye(3).ravel()), SRGB),
        (b"chad", b"sf32" + bytes(4) + fixed(2 * np.eye(3).ravel()), None),
        (b"cicp", b"cicp" + bytes(4) + bytes([1, 13, 0, 1]), SRGB),
        (b"cicp", b"cicp" + bytes(4) + bytes([9, 16, 0, 1]), None),
    ],
)
def test_white_points_and_numbers_have_to_agree(tag: bytes, content: bytes, found: Space | None) -> None:
    assert recognise(tagged(colorants(PRIMARIES[BT709]), KINDS["256 entries"], ((tag, content),))) == found


@given(st.binary(max_size=400), st.lists(st.tuples(st.integers(0, 599), st.integers(0, 255)), max_size=12))
@settings(max_examples=300)
def test_a_damaged_profile_raises_nothing(anything: bytes, changes: list[tuple[int, int]]) -> None:
    recognise(anything)
    for whole in (LCMS_SRGB, profile(P3), profile(NAMED["grey 2.2"])):
        spoilt = bytearray(whole)
        for at, value in changes:
            spoilt[at % len(spoilt)] = value
        recognise(bytes(spoilt))
        recognise(bytes(spoilt[: len(changes) * 50]))
        assert pack(Metadata(bytes(spoilt))).keys() <= {ICC, SPACE}


def test_a_profile_that_names_megabytes_again_and_again_takes_no_time_and_no_memory() -> None:
    whole = bytearray(profile(P3) + bytes(16_000_000))
    for n in range(10):
        struct.pack_into(">II", whole, 132 + 12 * n + 4, 0, len(whole))
    struct.pack_into(">I", whole, 0, len(whole))
    start = time.process_time()
    assert recognise(bytes(whole)) is None
    assert time.process_time() - start < 0.5
    parsed = parse(bytes(whole))
    assert parsed is not None
    assert len(parsed.tag(b"rXYZ")) < 200_000


def variants() -> dict[str, bytes]:
    columns = colorants(PRIMARIES[BT709])
    padded = bytearray(LCMS_SRGB + bytes(5000))
    struct.pack_into(">I", padded, 0, len(padded))
    return {
        "of lcms": LCMS_SRGB,
        "ours": profile(SRGB),
        "tabulated": tagged(columns, KINDS["1024 entries"]),
        "with bytes behind it": bytes(padded),
    }


@pytest.mark.parametrize("name", variants())
def test_a_picture_with_an_srgb_profile_costs_no_byte_more(photo: Image.Image, name: str) -> None:
    small = photo.crop((100, 60, 164, 124))
    plain = skosh.encode(small)
    assert skosh.encode(small, metadata=Metadata(variants()[name])) == plain
    assert "icc_profile" not in skosh.decode(plain).info


@pytest.mark.parametrize("name", NAMED)
def test_a_profile_with_a_name_costs_at_most_12_bytes(photo: Image.Image, name: str) -> None:
    small = photo.crop((100, 60, 164, 124)).convert("L" if name.startswith("grey") else "RGB")
    coded = skosh.encode(small, metadata=Metadata(profile(NAMED[name])))
    assert len(coded) <= len(skosh.encode(small)) + (8 if name == "Display P3" else 12 if "grey" not in name else 10)
    assert skosh.decode(coded).info["icc_profile"] == profile(NAMED[name])
    assert skosh.info(coded)["icc"] == NAMED[name].name


def test_a_profile_without_a_name_comes_back_byte_for_byte(photo: Image.Image) -> None:
    carried = display_profile()
    coded = skosh.encode(photo.crop((0, 0, 64, 64)), metadata=Metadata(carried))
    assert skosh.decode(coded).info["icc_profile"] == carried


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_every_space_goes_through_its_chunk(space: Space) -> None:
    chunks = pack(Metadata(profile(space)))
    assert chunks.keys() == ({SPACE} if space not in (SRGB, SRGB_GREY) else set())
    assert unpack(chunks).icc == (profile(space) if chunks else None)


@given(st.binary(max_size=6))
def test_a_damaged_space_is_a_format_error(payload: bytes) -> None:
    assert SPACE in EXTRAS
    with contextlib.suppress(FormatError):
        found = unpack({SPACE: payload}).icc
        assert found is not None
        assert parse(found)


def test_a_whole_profile_counts_before_a_name() -> None:
    both = pack(Metadata(display_profile())) | pack(Metadata(profile(P3)))
    assert both.keys() == {ICC, SPACE}
    assert unpack(both).icc == display_profile()
