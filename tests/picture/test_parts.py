"""Gain maps, films, captions: what a file holds beside the picture is told of, and XMP claims nothing that is gone."""

from __future__ import annotations

import io
import struct
import time

import numpy as np
import pytest
from PIL import Image, features

import skosh
from making import png, png_chunk
from skosh.limits import MAX_METADATA
from skosh.picture.claims import DEPTH, EXTENDED, GAIN_MAP, MAX_EDITED, OTHER, SOUND, VIDEO, without_claims
from skosh.picture.metadata import Metadata
from skosh.picture.parts import parts_of
from skosh.picture.picture import from_image, to_image
from skosh.picture.saving import image_bytes

RDF = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="été &gt; jpeg"{}>'
    "<dc:title>a cat</dc:title>{}</rdf:Description></rdf:RDF></x:xmpmeta>"
)
PLAIN = RDF.format("", "")
NS = {
    "hdrgm": "http://ns.adobe.com/hdr-gain-map/1.0/",
    "GCamera": "http://ns.google.com/photos/1.0/camera/",
    "Container": "http://ns.google.com/photos/1.0/container/",
    "Item": "http://ns.google.com/photos/1.0/container/item/",
    "GDepth": "http://ns.google.com/photos/1.0/depthmap/",
    "GAudio": "http://ns.google.com/photos/1.0/audio/",
    "Device": "http://ns.google.com/photos/dd/1.0/device/",
    "xmpNote": "http://ns.adobe.com/xmp/note/",
}


def declared(*prefixes: str) -> str:
    return "".join(f' xmlns:{prefix}="{NS[prefix]}"' for prefix in prefixes)


def directory(*semantics: str) -> str:
    """What Google's cameras write of the parts of a file."""
    items = "".join(
        f'<rdf:li rdf:parseType="Resource"><Container:Item Item:Mime="image/jpeg" Item:Semantic="{semantic}"/></rdf:li>'
        for semantic in semantics
    )
    return f"<Container:Directory><rdf:Seq>{items}</rdf:Seq></Container:Directory>"


GOOGLE = declared("Container", "Item")
CLAIMING = {  # attributes, elements, what is claimed
    "Ultra HDR": (declared("hdrgm") + ' hdrgm:Version="1.0"' + GOOGLE, directory("Primary", "GainMap"), {GAIN_MAP}),
    "a gain map in elements": (declared("hdrgm"), "<hdrgm:Version>1.0</hdrgm:Version>", {GAIN_MAP}),
    "a motion photograph": (
        declared("GCamera") + ' GCamera:MotionPhoto="1" GCamera:MotionPhotoVersion="1"' + GOOGLE,
        directory("Primary", "MotionPhoto"),
        {VIDEO},
    ),
    "a micro video": (declared("GCamera") + ' GCamera:MicroVideo="1" GCamera:MicroVideoOffset="99"', "", {VIDEO}),
    "all at once": (
        declared("hdrgm", "GCamera") + " hdrgm:Version='1.0' GCamera:MotionPhoto='1'" + GOOGLE,
        directory("Primary", "GainMap", "MotionPhoto"),
        {GAIN_MAP, VIDEO},
    ),
    "a depth map": (declared("GDepth") + ' GDepth:Format="RangeInverse" GDepth:Near="1>0"', "", {DEPTH}),
    "a dynamic depth map": (declared("Device"), "<Device:Pose><Device:X>1</Device:X></Device:Pose>", {DEPTH}),
    "sound": (declared("GAudio") + ' GAudio:Mime="audio/mp4"', "", {SOUND}),
    "extended XMP": (declared("xmpNote") + ' xmpNote:HasExtendedXMP="0123ABCD"', "", {EXTENDED}),
    "a part without a known name": (GOOGLE, directory("Primary", "Confidence"), {OTHER}),
    "values of nothing": (
        declared("hdrgm") + ' hdrgm:Version="1.0" hdrgm:GammaMin="0" hdrgm:A="False"',
        "",
        {GAIN_MAP},
    ),
    "another prefix": (f' xmlns:h="{NS["hdrgm"]}" h:Version="1.0"', "", {GAIN_MAP}),
    "prefixes that are not declared": (' hdrgm:Version="1.0" Item:Semantic="GainMap"', "", {GAIN_MAP}),
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("kind", CLAIMING)
def test_claims_are_cut_out_and_the_rest_stays_as_it_is(kind: str, encoding: str) -> None:
    attributes, elements, due = CLAIMING[kind]
    kept, claims = without_claims(RDF.format(attributes, elements).encode(encoding))
    assert claims == due
    assert kept is not None
    for prefix in ("GCamera", "xmpNote"):  # names of theirs may stay
        kept = kept.replace(declared(prefix).encode(), b"")
    assert kept.decode() == PLAIN


@pytest.mark.parametrize(
    "attributes",
    [
        "",
        declared("GCamera") + ' GCamera:MotionPhoto="0" GCamera:MicroVideo="0"',
        declared("GCamera") + ' GCamera:BurstID="hdrgm:"',
        ' xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/" crs:HDREditMode="1"',
    ],
)
def test_what_claims_nothing_is_not_touched(attributes: str) -> None:
    packet = b'<?xpacket begin=""?>' + RDF.format(attributes, "").encode() + b"\n  \n<?xpacket end='w'?>"
    assert without_claims(packet) == (packet, set())


UNSAFE = {
    "no XML": b"hdrgm:Version=<<<",
    "an element that is not closed": RDF.format(' hdrgm:Version="1"', "<b>").encode(),
    "a document type": b'<!DOCTYPE x [<!ENTITY a "aaaa">]><x hdrgm:Version="&a;"/>',
    "characters that are none": b'<x hdrgm:Version="1">\xff\xfe</x>',
    "too much of it": RDF.format(' hdrgm:Version="1"', " " * MAX_EDITED).encode(),
}


@pytest.mark.parametrize("kind", UNSAFE)
def test_xmp_that_can_not_be_edited_is_dropped_with_a_note(photo: Image.Image, kind: str) -> None:
    assert without_claims(UNSAFE[kind]) == (None, set())
    picture = from_image(photo.crop((0, 0, 8, 8)), metadata=Metadata(xmp=UNSAFE[kind]))
    assert picture.metadata.xmp is None
    assert picture.notes == ["its XMP may describe parts that are not kept, can't be edited and is not kept"]


def test_padding_does_not_keep_xmp_from_being_edited() -> None:
    assert without_claims(RDF.format(' hdrgm:Version="1"', "").encode() + bytes(9)) == (PLAIN.encode(), {GAIN_MAP})


LARGE = {
    "spaces in a tag": RDF.format(' hdrgm:Version="1"' + " " * 900_000, ""),
    "spaces between": RDF.format(" \n" * 300_000 + 'hdrgm:Version="1"', ""),
    "a name": RDF.format(f' hdrgm:{"A" * 900_000}="1"', ""),
    "orientations": "<tiff:Orientation>   " * 700_000,
    "letters": "hdrgm" * 3_000_000,
    "a declaration": "<?xml" + " " * 7_000_000,
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("kind", LARGE)
def test_xmp_of_any_size_is_soon_done(photo: Image.Image, kind: str, encoding: str) -> None:
    packet = LARGE[kind].encode(encoding)[: MAX_METADATA // 2]
    start = time.process_time()
    picture = from_image(photo.crop((0, 0, 8, 8)), metadata=Metadata(xmp=packet))
    image = to_image(picture)
    image.info["xmp"] = packet
    image_bytes(image, ".png")
    assert time.process_time() - start < 2


def test_a_packet_of_nothing_but_claims_is_soon_done() -> None:
    attributes = "".join(f' hdrgm:A{i}="1"' for i in range(20_000))
    elements = "<hdrgm:A>1</hdrgm:A>" * 20_000
    start = time.process_time()
    kept, _ = without_claims(RDF.format(attributes, elements).encode())
    assert kept == PLAIN.encode()
    assert time.process_time() - start < 2


def jpeg(image: Image.Image, xmp: bytes = b"", segments: bytes = b"", tail: bytes = b"") -> Image.Image:
    """A JPEG with further segments behind its first, and bytes behind its end."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **({"xmp": xmp} if xmp else {}))
    content = buffer.getvalue()
    return Image.open(io.BytesIO(content[:20] + segments + content[20:] + tail))


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def samsung(kind: int) -> bytes:
    """A film and the list behind it, as Samsung's cameras append them."""
    film = b"\0\0" + struct.pack("<HI", kind, 16) + b"MotionPhoto_Data" + b"\0\0\0\x18ftypmp42" * 9
    listed = b"SEFH" + struct.pack("<II", 107, 1) + struct.pack("<HHII", 0, kind, len(film), len(film))
    return film + listed + struct.pack("<I", len(listed)) + b"SEFT"


HDR_NOTE = "its gain map is not kept: it will look as on a screen without HDR"
FILES = {
    "a gain map in XMP": ({"xmp": RDF.format(*CLAIMING["Ultra HDR"][:2]).encode()}, [HDR_NOTE]),
    "a gain map of ISO 21496-1": ({"segments": segment(0xE2, b"urn:iso:std:iso:ts:21496:-1\0\0\0\0\0")}, [HDR_NOTE]),
    "a film in XMP": ({"xmp": RDF.format(*CLAIMING["a micro video"][:2]).encode()}, ["its video is not kept"]),
    "Samsung's film": ({"tail": samsung(0x0A30)}, ["its video is not kept"]),
    "Samsung's clock": ({"tail": samsung(0x0A01)}, []),
    "extended XMP": (
        {"segments": segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + bytes(40))},
        ["its extended XMP is not kept"],
    ),
    "credentials": (
        {
            "segments": segment(
                0xEB, b"JP\0\1\0\0\0\1\0\0\0\x30jumb\0\0\0\x28jumdc2pa\0\x11\0\x10\x80\0\0\xaa\0\x38\x9b\x71\3c2pa\0"
            )
        },
        ["its content credentials (C2PA) are not kept"],
    ),
}


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("strip", [False, True])
def test_what_a_jpeg_holds_beside_the_picture_is_told_of(photo: Image.Image, kind: str, strip: bool) -> None:
    options, notes = FILES[kind]
    picture = from_image(jpeg(photo.crop((0, 0, 32, 24)), **options), strip=strip)
    assert picture.notes == notes
    assert picture.pixels.shape == (24, 32, 3)


@pytest.mark.parametrize("version", [b"1.0", None])
def test_the_second_picture_of_a_phone_is_told_of_however_pillow_opens_it(
    photo: Image.Image, version: bytes | None
) -> None:
    xmp = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a hdrgm:Version="%s"/></x:xmpmeta>' % version
        if version
        else PLAIN.encode()
    )
    buffer = io.BytesIO()
    small = photo.crop((0, 0, 32, 24))
    small.save(buffer, "MPO", save_all=True, append_images=[small.convert("L")], xmp=xmp)
    with Image.open(buffer) as image:
        notes = from_image(image).notes
    assert notes
    assert (HDR_NOTE in notes) == (version is not None)
    assert any("pictures" in note for note in notes) or version is not None


def test_a_jpeg_that_lists_more_pictures_than_pillow_opens_says_so(photo: Image.Image) -> None:
    entries = struct.pack(">HHHI4sI", 1, 0xB001, 4, 1, struct.pack(">I", 2), 0)  # without the list itself
    with pytest.warns(UserWarning, match="malformed MPO"):
        image = jpeg(photo.crop((0, 0, 32, 24)), segments=segment(0xE2, b"MPF\0MM\0*\0\0\0\x08" + entries))
    image.info["mp"] = b"MM\0*\0\0\0\x08" + entries
    assert from_image(image).notes == ["its further pictures are not kept"]


def test_a_picture_of_another_format_is_told_of_by_its_xmp_and_its_chunks(photo: Image.Image) -> None:
    extra = png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + RDF.format(*CLAIMING["a depth map"][:2]).encode())
    extra += png_chunk(b"caBX", b"\0\0\0\x10jumbc2pa....")
    content = png(np.zeros((4, 4, 3), np.uint8), 2, 8, extra=extra)
    picture = from_image(Image.open(io.BytesIO(content)))
    assert picture.notes == ["its depth map is not kept", "its content credentials (C2PA) are not kept"]
    assert picture.metadata.xmp == PLAIN.encode()


def test_what_the_opener_of_heif_names_is_told_of(photo: Image.Image) -> None:
    image = photo.crop((0, 0, 8, 8))
    image.info |= {"aux": {"urn:com:apple:photo:2020:aux:hdrgainmap": [2]}, "depth_images": [object()]}
    assert from_image(image).notes == [HDR_NOTE, "its depth map is not kept"]


def test_an_avif_that_names_a_tone_map_loses_its_gain_map_and_says_so(photo: Image.Image) -> None:
    if not features.check("avif"):
        pytest.skip("this Pillow does not write it")
    buffer = io.BytesIO()
    photo.crop((0, 0, 32, 24)).save(buffer, "AVIF")
    content = buffer.getvalue()
    assert content.count(b"MA1B") == 1  # a compatible brand
    with Image.open(io.BytesIO(content)) as image:
        assert parts_of(image) == set()
        image.fp = io.BytesIO(content.replace(b"MA1B", b"tmap"))  # libavif itself asks for the rest of it
        assert parts_of(image) == {GAIN_MAP}


CAPTION = b"\x1c\x02\x78\x00\x05a cat"
RESOURCE = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(CAPTION)) + CAPTION


@pytest.mark.parametrize("name", ["iptc", "8bim"])
def test_captions_in_imagemagicks_text_of_a_png_are_told_of(name: str) -> None:
    text = b"Raw profile type %s\0\n%s\n%8d\n%s\n" % (
        name.encode(),
        name.encode(),
        len(RESOURCE),
        RESOURCE.hex().encode(),
    )
    content = png(np.zeros((4, 4, 3), np.uint8), 2, 8, extra=png_chunk(b"tEXt", text))
    assert from_image(Image.open(io.BytesIO(content))).notes == ["its IPTC captions are not kept"]


def test_captions_in_photoshops_tag_of_a_tiff_are_told_of(photo: Image.Image) -> None:
    buffer = io.BytesIO()
    photo.crop((0, 0, 8, 8)).save(buffer, "TIFF", tiffinfo={34377: RESOURCE})
    assert from_image(Image.open(buffer)).notes == ["its IPTC captions are not kept"]


def test_an_ultra_hdr_jpeg_goes_through_a_file_and_claims_nothing(photo: Image.Image) -> None:
    xmp = RDF.format(*CLAIMING["Ultra HDR"][:2]).encode()
    with pytest.warns(UserWarning, match="its gain map is not kept"):
        data = skosh.encode(jpeg(photo.crop((0, 0, 32, 24)), xmp), 20, threads=1)
    assert skosh.decode(data, threads=1).info["xmp"] == PLAIN.encode()
