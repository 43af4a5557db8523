"""EXIF is read within bounds and written without moving what only its maker understands."""

from __future__ import annotations

import functools
import io
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, features

import skosh
from making import MAKER_NOTE, directory, entry, exif
from skosh.codec.file_info import exif_at_a_glance
from skosh.container.chunks import EXIF, ICC, XMP, Header, write
from skosh.container.extras import pack
from skosh.picture.exif import SIZES
from skosh.picture.metadata import Metadata, of_image, to_info
from skosh.picture.picture import from_image
from skosh.picture.saving import image_bytes

SUFFIXES = [".jpg", ".png", ".webp", ".tif", *([".avif"] if features.check("avif") else [])]
THUMBNAIL = b"\xff\xd8 a small picture \xff\xd9"
SIZE, LONGEST = 12, 2**32 - 1


def with_thumbnail(order: str) -> bytes:
    """EXIF of a camera with a second directory, and a maker note that tells a place by bytes from the header on."""
    plain = exif(1, order)
    at = len(plain)
    second = [entry(order, 0x0103, 3, 1, struct.pack(f"{order}HH", 6, 0))]
    second += [entry(order, 0x0201, 4, 1, at + 2 + 3 * SIZE + 4), entry(order, 0x0202, 4, 1, len(THUMBNAIL))]
    end = 8 + 2 + 4 * SIZE  # of the first directory
    return plain[:end] + struct.pack(f"{order}I", at) + plain[end + 4 :] + directory(order, second) + THUMBNAIL


def carrying(photo: Image.Image, **metadata: bytes) -> Image.Image:
    image = photo.crop((0, 0, 40, 30))
    image.info.update(to_info(Metadata(**metadata)))
    return image


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_maker_notes_stay_where_they_are(photo: Image.Image, suffix: str, order: str) -> None:
    before = with_thumbnail(order)
    content, notes = image_bytes(carrying(photo, exif=before), suffix)
    start = content.index(before[8:40]) - 8
    assert content.index(MAKER_NOTE) - start == before.index(MAKER_NOTE)
    assert content.index(THUMBNAIL) - start == before.index(THUMBNAIL)
    assert any("thumbnail" in note for note in notes) == (suffix == ".tif")
    assert start == 0 or suffix != ".tif"
    with Image.open(io.BytesIO(content)) as image:
        tags = image.getexif()
        assert tags[0x010F] == "a maker"
        assert tags.get_ifd(0x8769)[0x927C] == MAKER_NOTE
        assert tags.get_ifd(0x8825)[2] == (52.0, 30.0, 12.34)
        assert getattr(image, "n_frames", 1) == 1


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
@pytest.mark.parametrize("size", [(1, 1), (3, 700), (40_000, 2), (33, 18)])
def test_a_tiff_holds_its_pixels_whatever_it_begins_with(mode: str, size: tuple[int, int], order: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], len(mode)), dtype=np.uint8)
    image = Image.fromarray(pixels[..., 0] if mode == "L" else pixels)
    assert image.mode == mode
    image.info.update(to_info(Metadata(b"a profile", exif(1, order) + b"!", b"<xmp/>")))  # of odd length
    content, _ = image_bytes(image, ".tif")
    with Image.open(io.BytesIO(content)) as back:
        assert (back.mode, back.size) == (mode, size)
        assert np.array_equal(np.asarray(back), np.asarray(image))
        found = of_image(back, [])
    assert (found.icc, found.xmp) == (b"a profile", b"<xmp/>")
    tifffile = pytest.importorskip("tifffile")
    assert np.array_equal(tifffile.imread(io.BytesIO(content)).reshape(pixels.shape), pixels)


NAMED = ["DocumentName", "ImageDescription", "Make", "Orientation", "XResolution", "ResolutionUnit", "Rating"]
NAMED += ["XPTitle", "ExifOffset", "GPSInfo", "Copyright", "DateTime", "RatingPercent", "YResolution", "Model"]


@pytest.mark.parametrize("count", [0, 1, 2, 5, 1000, LONGEST])
@pytest.mark.parametrize("kind", [0, *SIZES, 16, 129, 65535])
@pytest.mark.filterwarnings("ignore")
def test_a_tag_of_any_type_and_count_makes_a_file_that_opens(photo: Image.Image, kind: int, count: int) -> None:
    for name in NAMED:
        tag = ExifTags.Base[name].value
        data = b"II*\0\x08\0\0\0" + directory("<", [entry("<", tag, kind, count, 26)]) + bytes(range(1, 200)) * 50
        image = carrying(photo, exif=data)
        for suffix in SUFFIXES:
            content, notes = image_bytes(image, suffix)
            with Image.open(io.BytesIO(content)) as back:
                kept = suffix != ".tif" or tag in back.tag_v2
                back.load()
                assert back.size == image.size
            assert kept == (name not in " ".join(notes))


def test_a_maker_that_is_a_number_is_left_out_of_a_tiff_by_name(photo: Image.Image) -> None:
    data = b"II*\0\x08\0\0\0" + directory("<", [entry("<", 0x010F, 12, 1, 26)]) + struct.pack("<d", 1.5)
    notes = image_bytes(carrying(photo, exif=data), ".tif")[1]
    assert notes == ["EXIF of an unusual type is left out of TIFF pictures: Make"]
    assert exif_at_a_glance(data) == {"Make": "1.5"}


def test_maker_notes_of_a_tiff_source_are_said_to_be_moved(photo: Image.Image) -> None:
    content, _ = image_bytes(carrying(photo, exif=exif(1)), ".tif")
    notes = from_image(Image.open(io.BytesIO(content))).notes
    assert notes == ["the maker notes of this TIFF picture are moved: programs may not find all that is in them"]


def test_one_tag_that_can_not_be_written_costs_a_tiff_source_no_other(photo: Image.Image) -> None:
    tags = {0x010F: "a maker", 0x0110: 1.5}
    buffer = io.BytesIO()
    photo.crop((0, 0, 8, 8)).save(buffer, "TIFF", tiffinfo={0x010F: "a maker"})
    image = Image.open(buffer)
    image.getexif()[0x0110] = tags[0x0110]
    picture = from_image(image)
    assert picture.notes == ["EXIF of an unusual type is not kept: Model"]
    assert exif_at_a_glance(picture.metadata.exif) == {"Make": "a maker"}


@pytest.mark.parametrize(
    ("suffix", "kept"), [(".png", False), (".jpg", True), (".webp", True), (".tif", True), (".avif", True)]
)
def test_xmp_that_is_no_text_goes_where_bytes_go(photo: Image.Image, suffix: str, kept: bool) -> None:
    if suffix not in SUFFIXES:
        pytest.skip("this Pillow does not write it")
    content, notes = image_bytes(carrying(photo, xmp=b"<x>\xe9t\xe9</x>"), suffix)
    assert (b"<x>\xe9t\xe9</x>" in content) == kept
    assert notes == ([] if kept else ["its XMP is damaged, which PNG has no place for: left out"])


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_xmp_of_16_bits_is_written_in_utf_8_where_it_has_to_be(photo: Image.Image, suffix: str) -> None:
    packet = '<?xml version="1.0" encoding="UTF-16"?><x>été</x>'.encode("utf-16")
    content, notes = image_bytes(carrying(photo, xmp=packet), suffix)
    assert notes == []
    with Image.open(io.BytesIO(content)) as back:
        assert back.info["xmp"] == '<?xml version="1.0"?><x>été</x>'.encode()


@functools.cache
def bombs() -> dict[str, Metadata]:
    """The most that a few bytes of a file can hold."""
    numbers = b"II*\0\x08\0\0\0" + directory("<", [entry("<", 0x010F, 5, 2_000_000, 26)]) + bytes(16_000_000)
    entries = [entry("<", 0x8769, 4, 1, 8), entry("<", 0x8825, 4, 1, 8)]
    entries += [entry("<", tag, 2, 1 << 23, 1 << 20) for tag in range(65_533)]
    shared = (b"II*\0\x08\0\0\0" + directory("<", entries)).ljust(1 << 20, b"\0") + b"a" * (15 << 20)
    full = bytes(16 << 20)
    return {
        "numbers": Metadata(exif=numbers),
        "tags that share a value": Metadata(exif=shared),
        "everything": Metadata(full, shared, full),
    }


@pytest.mark.parametrize("kind", ["numbers", "tags that share a value", "everything"])
def test_info_of_a_small_file_is_soon_done_and_needs_little(tmp_path: Path, kind: str) -> None:
    held = bombs()[kind]
    parts = {ICC: held.icc, EXIF: held.exif, XMP: held.xmp}
    extras = {name: zlib.compress(value) for name, value in parts.items() if value}
    data = write(Header(16, 16, 50, b"12345678"), extras, [b"1234"])
    assert len(data) < 200_000
    (tmp_path / "a.skosh").write_bytes(data)
    start = time.process_time()
    found = skosh.info(data)
    assert time.process_time() - start < 0.5
    assert found["exif_bytes"] == len(held.exif or b"")
    if sys.platform != "linux":
        return
    code = (
        "import sys; from skosh.cli import main; sys.argv[1:] = ['info', sys.argv[1]]\n"
        "try: main()\nfinally: print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0], file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a.skosh")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "16x16" in done.stdout
    assert int(done.stderr.split()[-1]) < 150_000  # kB


def test_info_shows_what_is_there_when_metadata_are_damaged() -> None:
    extras = pack(Metadata(b"a profile", exif(1), b"<x/>"))
    extras[b"e"] = extras[b"e"][:-8]
    extras[b"x"] = b"no deflated data"
    found = skosh.info(write(Header(16, 16, 50, b"12345678"), extras, [b"1234"]))
    assert (found["width"], found["icc_bytes"]) == (16, 9)
    assert (found["exif"], found["exif_bytes"], found["xmp_bytes"]) == ({}, len(extras[b"e"]), len(extras[b"x"]))
    assert len(found["damaged"]) == 2
    assert "EXIF is not whole" in found["damaged"]


def test_values_are_told_in_words_whatever_their_type() -> None:
    values = {
        0x010F: entry("<", 0x010F, 2, 4, b"abc\0"),
        0x0110: entry("<", 0x0110, 3, 2, struct.pack("<HH", 7, 8)),
        0x0131: entry("<", 0x0131, 9, 1, struct.pack("<i", -5)),
        0x010E: entry("<", 0x010E, 2, 1 << 31, 8),
        0x013B: entry("<", 0x013B, 2, 4, "é".encode() + "é".encode()[:1] + b"x"),
    }
    found = exif_at_a_glance(b"II*\0\x08\0\0\0" + directory("<", list(values.values())))
    assert found["Make"] == "abc"
    assert found["Model"] == "7 8"
    assert found["Software"] == "-5"
    assert found["Artist"] == "Ã©Ãx"
