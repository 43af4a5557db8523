"""Metadata of every structure and damage, through every kind of output: a good file or an error of ours, and soon."""

from __future__ import annotations

import io
import os
import random
import struct
import time
import warnings
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageCms, features

from making import exif, xmp
from skosh.codec.file_info import exif_at_a_glance, icc_name
from skosh.errors import SkoshError
from skosh.picture.exif import SIZES
from skosh.picture.metadata import Metadata
from skosh.picture.picture import from_image, to_image
from skosh.picture.saving import WRITTEN, image_bytes, written_as
from skosh.picture.tiff import TAGS

SUFFIXES = [".png", ".jpg", ".webp", ".tif", ".gif", ".bmp", ".tga", ".ppm"]
SUFFIXES += [".avif"] * features.check("avif") + [".jp2"] * features.check("jpg_2000")
MOST = 2.0  # seconds
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
POINTERS = [0x8769, 0x8825, 0xA005, 0x014A, 0x927C, 0x0201, 0x0111, 0x0144]
LAYOUT = [0x0100, 0x0101, 0x0102, 0x0103, 0x0106, 0x0115, 0x0116, 0x0117, 0x011C, 0x0152, 0x02BC, 0x8773]
TAG_CHOICES = [*TAGS, *POINTERS, *LAYOUT, 1, 2, 0x9003, 0x9286, 0xC4A5, 0, 0xFFFF]
COUNTS = [0, 1, 1, 1, 2, 3, 4, 5, 8, 100, 1000, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF]


def some_exif(rng: random.Random) -> bytes:
    """Directories that point anywhere, of tags that mean something, of every type and count."""
    order = rng.choice("<>")
    size = rng.choice([40, 200, 1000, 5000])
    data = bytearray(rng.randbytes(size))
    data[:8] = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", rng.choice([8, 8, 8, 26, size - 4]))
    at = 8
    while at < size and rng.random() < 0.9:
        count = rng.choice([1, 2, 3, 5, 9])
        entries = b""
        for _ in range(count):
            kind = rng.choice([*SIZES, 0, 16, 129])
            value = rng.choice([rng.randrange(size), at, 8, 0, 1, 6, 0xFFFFFFFF, size - 1])
            entries += struct.pack(f"{order}HHII", rng.choice(TAG_CHOICES), kind, rng.choice(COUNTS), value)
        follows = struct.pack(f"{order}I", rng.choice([0, 8, at, size // 2, 0xFFFFFFFF]))
        block = struct.pack(f"{order}H", rng.choice([count, count, count, 0, 0xFFFF])) + entries + follows
        data[at : at + len(block)] = block
        at += len(block) + rng.choice([0, 0, 7, 100])
    return bytes(data[:size])


PIECES = [
    *(
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">',
        "</x:xmpmeta>",
        "<rdf:li>",
        "</rdf:li>",
        "<a/>",
        "text",
        "é",
        "\0",
        "]]>",
    ),
    *('<a tiff:Orientation="6"/>', "<tiff:Orientation>8</tiff:Orientation>", "<!-- hdrgm: -->", "<?xpacket end='w'?>"),
    *(
        '<a hdrgm:Version="1.0"/>',
        "<hdrgm:Version>1</hdrgm:Version>",
        "<Container:Directory>",
        "</Container:Directory>",
    ),
    *(
        "<b Item:Semantic='GainMap' c='>'/>",
        '<c GCamera:MotionPhoto="1"',
        '"',
        "'",
        ">",
        "<!DOCTYPE a>",
        "<![CDATA[hdrgm:",
    ),
    *(
        '<d xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/"/>',
        "&amp;",
        "&hdrgm:;",
        "<?xml version='1.0'?>",
        "\ufeff",
    ),
]


def some_xmp(rng: random.Random) -> bytes:
    """Packets of pieces that mean something, well-formed or not, in every encoding."""
    text = "".join(rng.choices(PIECES, k=rng.randrange(1, 30)))
    if rng.random() < 0.5:
        text = f"<x>{text}</x>"
    if rng.random() < 0.1:
        text += " " * rng.choice([60_000, 70_000])
    return text.encode(
        rng.choice(["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "utf-32-be"])
    )


def some_icc(rng: random.Random) -> bytes:
    """The profile of sRGB with another head, another table, or another length."""
    data = bytearray(SRGB)
    for _ in range(rng.randrange(4)):
        at = rng.choice([rng.randrange(128), rng.randrange(128, 132 + 12 * 17), rng.randrange(len(data))])
        data[at] = rng.choice([0, 1, 255, rng.randrange(256)])
    if rng.random() < 0.2:
        data[16:20] = rng.choice([b"GRAY", b"CMYK", b"Lab ", b"\0\0\0\0"])
    return bytes(data)


def mutated(rng: random.Random, data: bytes) -> bytes:
    """The same, cut, lengthened, flipped or mixed up: or as it is."""
    data = bytearray(data)
    for _ in range(rng.choice([0, 0, 1, 2, 5])):
        at = rng.randrange(len(data) + 1)
        change = rng.randrange(6)
        if change == 0:
            del data[at:]
        elif change == 1:
            data[at:at] = rng.randbytes(rng.choice([1, 4, 100]))
        elif change == 2:
            del data[at : at + rng.choice([1, 2, 12])]
        elif change == 3 and data:
            data[at % len(data)] ^= 1 << rng.randrange(8)
        elif change == 4:
            data[at : at + 4] = rng.choice([bytes(4), b"\xff" * 4, b"\0\0\0\1", b"\1\0\0\0", b"\x7f\xff\xff\xff"])
        else:
            data += bytes(rng.choice([1, 65_536 - len(data) % 65_536, 100]))
    return bytes(data)


SEEDS: dict[str, list[Callable[[random.Random], bytes]]] = {
    "exif": [some_exif, some_exif, lambda rng: exif(rng.randrange(10), rng.choice("<>"), rng.choice([3, 4]))],
    "xmp": [some_xmp, some_xmp, lambda rng: xmp(rng.randrange(10))],
    "icc": [some_icc],
}


def some_metadata(rng: random.Random) -> Metadata:
    """One kind of them or several."""
    kinds = rng.choice([["exif"], ["exif"], ["xmp"], ["icc"], ["exif", "xmp"], ["exif", "xmp", "icc"]])
    return Metadata(**{kind: mutated(rng, rng.choice(SEEDS[kind])(rng)) or None for kind in kinds})


def check(seed: int) -> tuple[int, float]:
    """One mutation through taking apart, showing and every output; how many files came out, and the longest time."""
    rng = random.Random(seed)
    mode = rng.choice(["RGB", "L", "RGBA", "LA"])
    pixels = np.full((6, 9, len(mode)), 77, np.uint8)
    image = Image.fromarray(pixels[..., 0] if mode == "L" else pixels)
    metadata = some_metadata(rng)
    start = time.process_time()
    exif_at_a_glance(metadata.exif)
    icc_name(metadata.icc)
    kept = from_image(image, metadata=metadata)
    longest, files = time.process_time() - start, 0
    for picture in (
        kept,
        from_image(image, metadata=Metadata()),
    ):  # as it is stored; as another writer may have stored it
        picture.metadata = picture.metadata if picture is kept else metadata
        for suffix in SUFFIXES:
            start = time.process_time()
            try:
                content = image_bytes(to_image(picture), suffix)[0]
            except SkoshError:
                content = b""
            longest = max(longest, time.process_time() - start)
            if content:
                files += 1
                opens(content, suffix, seed)
    return files, longest


def opens(content: bytes, suffix: str, seed: int) -> None:
    try:
        with Image.open(io.BytesIO(content)) as back:
            back.load()
            assert sorted(back.size) == [6, 9]
    except Exception as error:
        raise AssertionError(f"mutation {seed} makes a {suffix} that does not open: {error!r}") from error


def run(seeds: range) -> tuple[int, int, float]:
    """Mutations, files and the longest time of all."""
    files, longest = 0, 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for seed in seeds:
            made, took = check(seed)
            files, longest = files + made, max(longest, took)
            assert took < MOST, f"mutation {seed} took {took:.1f} s"
    return len(seeds), files, longest


def test_mutated_metadata_go_through_every_output() -> None:
    mutations, files, _ = run(range(300))
    assert files > mutations * 2 * (len(SUFFIXES) - 2)


@pytest.mark.slow
def test_many_mutations_of_metadata_go_through_every_output() -> None:
    """SKOSH_MUTATIONS=20000 takes some minutes."""
    many = int(os.environ.get("SKOSH_MUTATIONS", "2000"))
    print("mutations, files, longest time (s):", run(range(1_000, 1_000 + many)))


def test_every_kind_that_is_written_is_tried() -> None:
    assert {written_as(suffix) for suffix in SUFFIXES} == set(WRITTEN) & set(Image.SAVE)
