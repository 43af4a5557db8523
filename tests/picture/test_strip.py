"""--strip and --keep by kind, and thumbnails in EXIF that no longer fit."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner, Result

import skosh
from making import ASCII, LONG, MAKER_NOTE, SHORT, UNDEFINED, directory, display_profile, entry, exif, xmp
from skosh.cli import app
from skosh.picture.kinds import KINDS, kinds
from skosh.picture.metadata import Metadata
from skosh.picture.picture import from_image
from skosh.picture.thumbnail import without_misfit

KEYS = {"exif": "exif", "icc": "icc_profile", "xmp": "xmp"}
FULL = Metadata(display_profile(), exif(1), xmp(1))


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.fixture
def full(tmp_path: Path, photo: Image.Image) -> Path:
    path = tmp_path / "a.webp"
    photo.crop((100, 60, 180, 124)).save(path, exif=exif(1), icc_profile=FULL.icc, xmp=FULL.xmp, lossless=True)
    return path


def carried(path: Path) -> set[str]:
    if path.suffix == ".skosh":
        info = skosh.decode(path.read_bytes()).info
    else:
        with Image.open(path) as image:
            info = dict(image.info)
    return {kind for kind, key in KEYS.items() if key in info}


CALLS = [
    (["--strip"], set()),
    (["--strip", "exif"], {"icc", "xmp"}),
    (["--strip=exif,xmp"], {"icc"}),
    (["--strip", "all"], set()),
    (["--keep", "icc"], {"icc"}),
    (["--keep=exif,xmp"], {"exif", "xmp"}),
    ([], {"exif", "icc", "xmp"}),
]


@pytest.mark.parametrize(("options", "left"), CALLS)
def test_compress_drops_the_kinds_that_are_named(full: Path, options: list[str], left: set[str]) -> None:
    for order in ([*options, full], [full, *options]):
        done = call("compress", *order, "--force")
        assert done.exit_code == 0, done.stderr
        assert carried(full.with_suffix(".skosh")) == left


@pytest.mark.parametrize(("options", "left"), CALLS)
def test_decompress_drops_the_kinds_that_are_named(full: Path, options: list[str], left: set[str]) -> None:
    call("compress", full, "-q", 100)
    target = full.with_name("b.webp")
    done = call("decompress", full.with_suffix(".skosh"), *options, "-o", target)
    assert done.exit_code == 0, done.stderr
    assert carried(target) == left
    call("decompress", full.with_suffix(".skosh"), "-o", full.with_name("c.png"))
    with Image.open(target) as image, Image.open(full.with_name("c.png")) as plain:
        apart = np.abs(np.asarray(image, float) - np.asarray(plain, float)).mean()
    assert (apart > 1) == ("icc" not in left)  # converted to sRGB


def test_metadata_that_a_kind_has_no_place_for_can_be_dropped_without_a_word(full: Path) -> None:
    call("compress", full)
    for options, said in (([], True), (["--strip"], False)):
        done = call("decompress", full.with_suffix(".skosh"), *options, "-o", full.with_name("b.bmp"), "--force")
        assert ("without EXIF" in done.stderr) == said


@pytest.mark.parametrize(
    "options",
    [["--strip", "exif", "--keep", "icc"], ["--keep", "gps"], ["--strip=gps"], ["--strip", "gps"], ["--keep", ""]],
)
@pytest.mark.parametrize("command", ["compress", "decompress"])
def test_wrong_kinds_are_wrong_usage(full: Path, command: str, options: list[str]) -> None:
    assert call(command, full, *options).exit_code == 2


def test_a_file_behind_strip_is_a_file(full: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(full.parent)
    full.rename(full.with_name("picture"))
    assert call("compress", "--strip", "picture").exit_code == 0
    assert carried(full.with_name("picture.skosh")) == set()
    full.with_name("picture").rename(full.with_name("--strip"))
    assert call("compress", "--", "--strip").exit_code == 0
    assert carried(full.with_name("--strip.skosh")) == set(KINDS)
    assert call("compress", "--strip").exit_code == 2


def test_encode_takes_kinds(photo: Image.Image) -> None:
    small = photo.crop((0, 0, 64, 64))
    for strip, left in (({"exif"}, {"icc", "xmp"}), (["icc", "xmp"], {"exif"}), ((), set(KINDS)), (True, set())):
        info = skosh.decode(skosh.encode(small, strip=strip, metadata=FULL)).info
        assert {kind for kind, key in KEYS.items() if key in info} == left
    with pytest.raises(ValueError, match="not gps"):
        skosh.encode(small, strip={"gps"})
    assert kinds("exif,xmp") == {"exif", "xmp"}


def jpeg(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).save(buffer, "JPEG")
    return buffer.getvalue()


def with_thumbnail(thumbnail: bytes, order: str = "<", orientation: int = 1, note: bytes = MAKER_NOTE) -> bytes:
    """EXIF with a maker note in front of its second directory, which has a thumbnail."""
    maker = b"a maker\0"
    inner_at = 8 + 2 + 3 * 12 + 4
    data_at = inner_at + 2 + 12 + 4
    note_at = data_at + len(maker)
    second_at = note_at + len(note)
    thumbnail_at = second_at + 2 + 3 * 12 + 4
    main = [
        entry(order, 0x010F, ASCII, len(maker), data_at),
        entry(order, 0x0112, SHORT, 1, struct.pack(f"{order}HH", orientation, 0)),
        entry(order, 0x8769, LONG, 1, inner_at),
    ]
    second = [
        entry(order, 0x0103, SHORT, 1, struct.pack(f"{order}HH", 6, 0)),
        entry(order, 0x0201, LONG, 1, thumbnail_at),
        entry(order, 0x0202, LONG, 1, len(thumbnail)),
    ]
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    first = directory(order, main)[:-4] + struct.pack(f"{order}I", second_at)
    inner = directory(order, [entry(order, 0x927C, UNDEFINED, len(note), note_at)])
    return head + first + inner + maker + note + directory(order, second) + thumbnail


def thumbnail_of(data: bytes) -> bytes:
    """As Pillow finds it."""
    tags = Image.Exif()
    tags.load(data)
    second = tags.get_ifd(1)
    return data[second[0x0201] : second[0x0201] + second[0x0202]] if second else b""


@pytest.mark.parametrize("order", ["<", ">"], ids=["little", "big"])
@pytest.mark.parametrize(
    ("size", "thumbnail", "orientation", "fits"),
    [
        ((400, 300), (160, 120), 1, True),
        ((400, 267), (160, 107), 1, True),
        ((300, 400), (120, 160), 1, True),
        ((400, 300), (160, 112), 1, False),
        ((300, 300), (160, 120), 1, False),
        ((300, 400), (160, 120), 1, False),
        ((400, 300), (160, 120), 3, False),
        ((400, 300), (160, 120), 6, False),
    ],
)
def test_a_thumbnail_stays_as_long_as_it_fits(
    size: tuple[int, int], thumbnail: tuple[int, int], orientation: int, fits: bool, order: str
) -> None:
    given_one = with_thumbnail(jpeg(*thumbnail), order, orientation)
    picture = from_image(Image.new("RGB", size), metadata=Metadata(exif=given_one))
    found = picture.metadata.exif
    assert found is not None
    assert len(found) == len(given_one)
    upright = with_thumbnail(jpeg(*thumbnail), order, 1)
    if fits:
        assert found == upright
        assert picture.notes == []
    else:
        assert thumbnail_of(found) == b""
        assert "thumbnail" in picture.notes[0]
        assert jpeg(*thumbnail) not in found
        assert found[: len(found) - len(jpeg(*thumbnail))].count(b"a maker") == 1
        differing = [n for n, (a, b) in enumerate(zip(found, upright, strict=True)) if a != b]
        assert all(8 + 2 + 36 <= n < 8 + 2 + 40 or n >= len(found) - len(jpeg(*thumbnail)) for n in differing)
    tags = Image.Exif()
    tags.load(found)
    assert tags.get_ifd(0x8769)[0x927C] == MAKER_NOTE


def test_bytes_that_a_maker_note_leads_to_stay() -> None:
    thumbnail = jpeg(160, 120)
    length = len(with_thumbnail(thumbnail, note=bytes(40)))
    note = struct.pack("<I", length - len(thumbnail)).ljust(40, b"\0")
    found = without_misfit(with_thumbnail(thumbnail, note=note), True, (400, 300), [])
    assert thumbnail in found
    assert thumbnail_of(found) == b""


def test_a_thumbnail_that_lies_over_other_tags_is_not_wiped() -> None:
    data = bytearray(with_thumbnail(jpeg(160, 120)))
    at = data.index(struct.pack("<HHI", 0x0201, LONG, 1)) + 8
    struct.pack_into("<I", data, at, 8)  # where the first directory is
    found = without_misfit(bytes(data), True, (400, 300), [])
    tags = Image.Exif()
    tags.load(found)
    assert tags[0x010F] == "a maker"
    assert sum(a != b for a, b in zip(found, data, strict=True)) <= 4


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=8), st.integers(0, 2000), st.booleans())
@settings(max_examples=200)
def test_damaged_exif_raises_nothing_and_keeps_its_length(
    changes: list[tuple[int, int]], length: int, turned: bool
) -> None:
    for order in "<>":
        spoilt = bytearray(with_thumbnail(jpeg(32, 24), order, note=bytes(20)))
        for at, value in changes:
            spoilt[at] = value
        data = bytes(spoilt[:length])
        assert len(without_misfit(data, turned, (64, 64), [])) == len(data)


def test_a_dropped_thumbnail_costs_nothing(photo: Image.Image) -> None:
    small = photo.crop((0, 0, 64, 64))
    costs = [
        len(skosh.encode(small, metadata=Metadata(exif=with_thumbnail(thumbnail))))
        for thumbnail in (jpeg(160, 160), b"")
    ]
    with pytest.warns(UserWarning, match="thumbnail"):
        costs.append(len(skosh.encode(small, metadata=Metadata(exif=with_thumbnail(jpeg(160, 120))))))
    assert costs[2] < costs[1] + 40 < costs[0]
