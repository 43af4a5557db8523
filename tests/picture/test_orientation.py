"""The orientation is read wherever it may stand, applied once, and set to 1 without moving another byte."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageOps

from making import ASCII, LONG, MAKER_NOTE, RATIONAL, SHORT, directory, entry, exif, png_chunk, xmp
from skosh.picture.metadata import Metadata
from skosh.picture.orientation import orientation, upright
from skosh.picture.picture import from_image, to_image

ORDERS = ["<", ">"]
INTEGERS = {SHORT: "<H", LONG: "<I", 6: "<b", 8: "<h", 9: "<i"}  # types of EXIF


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("value", range(1, 9))
def test_only_the_orientation_changes(order: str, value: int) -> None:
    before = exif(value, order)
    assert orientation(Metadata(exif=before)) == value
    after = upright(Metadata(exif=before)).exif
    assert after is not None
    assert len(after) == len(before)
    assert sum(a != b for a, b in zip(before, after, strict=True)) == (value != 1)
    assert orientation(Metadata(exif=after)) == 1


@pytest.mark.parametrize("order", ORDERS)
def test_an_orientation_of_32_bits_is_applied_once_too(order: str) -> None:
    after = upright(Metadata(exif=exif(6, order, LONG))).exif
    assert after is not None
    assert orientation(Metadata(exif=after)) == 1
    parsed = Image.Exif()
    parsed.load(after)
    assert parsed[0x010F] == "a maker"
    assert parsed.get_ifd(0x8769)[0x927C] == MAKER_NOTE
    assert parsed.get_ifd(0x8825)[2] == (52.0, 30.0, 12.34)


def unwritable(kind: int, value: bytes = struct.pack("<I", 6)) -> bytes:
    """EXIF that Pillow reads and can't write: a maker that is a fraction; the orientation is of some type."""
    entries = [entry("<", 0x010F, RATIONAL, 1, 8), entry("<", 0x0112, kind, 1, value)]
    return b"II*\0" + struct.pack("<I", 8) + directory("<", entries)


def test_an_orientation_of_32_bits_is_set_in_its_place() -> None:
    before = unwritable(LONG)
    assert orientation(Metadata(exif=before)) == 6
    assert upright(Metadata(exif=before)).exif == before.replace(b"\x06\0\0\0", b"\x01\0\0\0")


@pytest.mark.parametrize("kind", INTEGERS)
def test_an_orientation_of_any_integer_type_is_set_in_its_place(photo: Image.Image, kind: int) -> None:
    small = photo.crop((0, 0, 40, 30))
    value = struct.pack(INTEGERS[kind], 6).ljust(4, b"\xee")  # what stands behind it is nobody's business
    small.info["exif"] = before = unwritable(kind, value)
    picture = from_image(small)
    assert picture.pixels.shape == (40, 30, 3)
    assert not picture.notes
    assert picture.metadata.exif == before.replace(value, struct.pack(INTEGERS[kind], 1).ljust(4, b"\xee"))


@pytest.mark.parametrize(("kind", "count"), [(1, 1), (RATIONAL, 1), (SHORT, 3), (LONG, 2), (ASCII, 2), (99, 1)])
def test_what_is_no_orientation_neither_turns_nor_is_touched(photo: Image.Image, kind: int, count: int) -> None:
    small = photo.crop((0, 0, 40, 30))
    tag = entry("<", 0x0112, kind, count, struct.pack("<I", 6 if count == 1 else 0))  # elsewhere: the header itself
    small.info["exif"] = before = b"II*\0\x08\0\0\0" + directory("<", [tag])
    picture = from_image(small)
    assert picture.pixels.shape == (30, 40, 3)
    assert picture.metadata.exif == before


def test_a_tag_that_stands_twice_is_set_everywhere() -> None:
    entries = struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0) + struct.pack("<HHIHH", 0x0112, 3, 1, 8, 0)
    after = upright(Metadata(exif=b"II*\0" + struct.pack("<IH", 8, 2) + entries + bytes(4))).exif
    assert after is not None
    assert after.count(struct.pack("<HHIHH", 0x0112, 3, 1, 1, 0)) == 2


@pytest.mark.parametrize("value", [0, 9, 255])
def test_a_value_that_means_nothing_is_taken_as_upright(value: int) -> None:
    assert orientation(Metadata(exif=exif(value))) == 1


BROKEN = {
    "words": b"no EXIF at all",
    "a header alone": b"II*\0\x08\0\0\0",
    "a directory past the end": b"MM\0*\0\0\xff\xff",
    "cut short": exif(6)[:40],
    "a count too high": b"II*\0" + struct.pack("<IH", 8, 60000) + exif(6)[10:],
}


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_exif_is_kept_and_never_stops_a_picture(photo: Image.Image, kind: str) -> None:
    small = photo.crop((0, 0, 40, 30))
    small.info["exif"] = BROKEN[kind]
    picture = from_image(small)
    assert picture.metadata.exif is not None
    assert len(picture.metadata.exif) == len(BROKEN[kind])
    assert orientation(picture.metadata) == 1


FORMS = {
    "an attribute": b'<rdf tiff:Orientation="6"/>',
    "with spaces and quotes": b"<rdf tiff:Orientation = '6'/>",
    "an element": b"<tiff:Orientation> 6 </tiff:Orientation>",
    "a packet": xmp(6),
}


ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("form", FORMS)
def test_xmp_of_every_encoding_is_turned_by_and_kept(photo: Image.Image, form: str, encoding: str) -> None:
    upright_form = FORMS[form].replace(b"6", b"1") if form != "a packet" else xmp(1)
    before, after = (text.decode().encode(encoding) for text in (FORMS[form], upright_form))
    assert before != after
    small = photo.crop((0, 0, 40, 30))
    small.info["xmp"] = before
    picture = from_image(small)
    assert picture.pixels.shape == (40, 30, 3)
    assert picture.metadata.xmp == after


@pytest.mark.parametrize("form", FORMS)
def test_xmp_names_it_where_exif_does_not(form: str) -> None:
    before = Metadata(xmp=FORMS[form])
    assert orientation(before) == 6
    after = upright(before)
    assert after.xmp == FORMS[form].replace(b"6", b"1") if form != "a packet" else xmp(1)
    assert orientation(after) == 1


def test_exif_goes_before_xmp_and_both_are_set() -> None:
    both = Metadata(exif=exif(3), xmp=xmp(6))
    assert orientation(both) == 3
    assert upright(both) == Metadata(exif=exif(1), xmp=xmp(1))


def test_a_picture_that_is_turned_by_xmp_alone_is_turned_once(photo: Image.Image) -> None:
    small = photo.crop((0, 0, 40, 30))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", xmp=xmp(6), quality=95)
    image = Image.open(buffer)
    due = ImageOps.exif_transpose(image)
    picture = from_image(image)
    assert np.array_equal(picture.pixels, np.asarray(due))
    assert picture.metadata.xmp == xmp(1)
    assert to_image(picture).size == (30, 40)


def test_a_picture_keeps_its_place_and_its_metadata_when_it_is_encoded(photo: Image.Image) -> None:
    small = photo.crop((0, 0, 40, 30))
    small.info["exif"] = exif(6)
    from_image(small)
    assert small.size == (40, 30)
    assert small.info == {"exif": exif(6)}


def test_imagemagicks_text_of_a_png_is_exif(photo: Image.Image) -> None:
    small = photo.crop((0, 0, 40, 30))
    buffer = io.BytesIO()
    small.save(buffer, "PNG")
    text = b"Raw profile type exif\0\nexif\n%8d\n%s\n" % (len(exif(6)) + 6, (b"Exif\0\0" + exif(6)).hex().encode())
    content = buffer.getvalue()
    content = content[:33] + png_chunk(b"tEXt", text) + content[33:]
    picture = from_image(Image.open(io.BytesIO(content)))
    assert picture.pixels.shape == (40, 30, 3)
    assert picture.metadata.exif == exif(1)


@pytest.mark.parametrize("kind", ["exif", "xmp"])
def test_imagemagicks_app1_is_whatever_it_begins_as(photo: Image.Image, kind: str) -> None:
    small = photo.crop((0, 0, 40, 30))
    buffer = io.BytesIO()
    small.save(buffer, "PNG")
    value = b"Exif\0\0" + exif(6) if kind == "exif" else b"http://ns.adobe.com/xap/1.0/\0" + xmp(6)
    text = b"Raw profile type APP1\0\ngeneric profile\n%8d\n%s\n" % (len(value), value.hex().encode())
    content = buffer.getvalue()
    picture = from_image(Image.open(io.BytesIO(content[:33] + png_chunk(b"tEXt", text) + content[33:])))
    assert picture.pixels.shape == (40, 30, 3)
    assert (picture.metadata.exif, picture.metadata.xmp) == ((exif(1), None) if kind == "exif" else (None, xmp(1)))
