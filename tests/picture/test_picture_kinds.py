"""Transparency, depth and packing in every way in which Pillow has them: kept, scaled by their own depth, or said."""

from __future__ import annotations

import io
import struct

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, features

import skosh
from making import GREY, RGB, png, png_chunk
from skosh.picture.colours import layout_of
from skosh.picture.opening import open_image
from skosh.picture.picture import Picture, from_image

LONG, SHORT = 4, 3  # types of TIFF


def clear_palette(colours: int = 64) -> Image.Image:
    """A picture of mode P whose palette has an alpha for each colour."""
    pixels = np.random.default_rng(0).integers(0, 256, (32, 40, 4), dtype=np.uint8)
    image = Image.fromarray(pixels).quantize(colours)
    assert (image.mode, image.palette.mode) == ("P", "RGBA")
    return image


def with_key(image: Image.Image, key: object) -> Image.Image:
    image.info["transparency"] = key
    return image


def with_plane(image: Image.Image) -> Image.Image:
    """A palette and a plane of transparency."""
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    assert image.mode == "PA"
    return image


GREYS = np.arange(12, dtype=np.uint8).reshape(3, 4)
ALPHA = np.arange(0, 240, 20, dtype=np.uint8).reshape(3, 4)
SPLIT = [Image.fromarray(GREYS), Image.fromarray(GREYS + 50), Image.fromarray(GREYS + 90), Image.fromarray(ALPHA)]
HOLDERS = {
    "P with a palette of RGBA": clear_palette(),
    "P with a palette of RGBA and a colour": with_key(clear_palette(), 3),
    "P with a palette of RGBA and a list": with_key(clear_palette(), bytes(range(64))),
    "P with a colour": with_key(clear_palette().convert("RGB").quantize(16), 3),
    "P with a list": with_key(clear_palette().convert("RGB").quantize(16), bytes(range(16))),
    "PA": with_plane(clear_palette().convert("RGB").quantize(16)),
    "PA of a palette of RGBA": clear_palette().convert("PA"),
    "LA": Image.merge("LA", (SPLIT[0], SPLIT[3])),
    "La": Image.merge("LA", (SPLIT[0], SPLIT[3])).convert("La"),
    "RGBA": Image.merge("RGBA", SPLIT),
    "RGBa": Image.merge("RGBA", SPLIT).convert("RGBa"),
    "L with a grey": with_key(Image.fromarray(GREYS), 5),
    "RGB with a colour": with_key(Image.merge("RGB", SPLIT[:3]), (5, 55, 95)),
    "1 with white": with_key(Image.fromarray((GREYS % 2 * 255).astype(np.uint8)).convert("1"), 1),
}


def alpha_of(image: Image.Image) -> npt.NDArray[np.uint8]:
    """By Pillow's own conversion; of premultiplied modes, which it divides, the plane."""
    return np.asarray(image.convert({"La": "LA", "1": "LA"}.get(image.mode, "RGBA")).getchannel("A"))


@pytest.mark.parametrize("holder", HOLDERS)
def test_transparency_is_kept_exactly_in_every_way_that_pillow_has(holder: str) -> None:
    image = HOLDERS[holder]
    due = np.where(np.asarray(image), 0, 255) if image.mode == "1" else alpha_of(image)
    assert due.min() < 255
    picture = from_image(image)
    assert picture.alpha is not None
    assert np.array_equal(picture.alpha, due)
    assert not any("transparen" in note for note in picture.notes)


def test_transparency_of_a_palette_of_rgba_reaches_the_file() -> None:
    back = skosh.decode(skosh.encode(clear_palette(), 50, threads=1), threads=1)
    assert np.array_equal(np.asarray(back.getchannel("A")), alpha_of(clear_palette()))


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "HSV", "F"])
def test_transparency_that_means_nothing_is_said_not_to_be_kept(mode: str) -> None:
    picture = from_image(with_key(Image.new(mode, (4, 4)), 0))
    assert picture.alpha is None
    assert "its transparency is of an unknown kind and is not kept" in picture.notes


def test_a_transparent_colour_of_16_bits_is_said_to_be_told_by_8_of_them() -> None:
    samples = np.array([[[256, 512, 768], [257, 513, 769]]])
    key = png_chunk(b"tRNS", np.array([256, 512, 768], ">u2").tobytes())
    notes = from_image(Image.open(io.BytesIO(png(samples, RGB, 16, extra=key)))).notes
    assert "its transparent colour is told by the upper 8 of its 16 bits" in notes
    grey = png(samples[..., :1], GREY, 16, extra=png_chunk(b"tRNS", b"\1\0"))
    alpha = from_image(Image.open(io.BytesIO(grey))).alpha
    assert alpha is not None
    assert alpha.tolist() == [[0, 255]]  # grey keeps all its bits until then


def tiff(
    width: int, height: int, bits: int, data: bytes, order: str = "<", photometric: int = 1, largest: int | None = None
) -> bytes:
    """A grey TIFF of one strip."""
    tags = [(256, LONG, width), (257, LONG, height), (258, SHORT, bits), (259, SHORT, 1), (262, SHORT, photometric)]
    tags += [(273, LONG, 8), (277, SHORT, 1), (278, LONG, height), (279, LONG, len(data))]
    tags += [(281, SHORT, largest)] if largest is not None else []
    entries = b"".join(
        struct.pack(f"{order}HHI", tag, kind, 1) + struct.pack(f"{order}{'HH' if kind == SHORT else 'I'}", *value)
        for tag, kind, value in ((t, k, (v, 0) if k == SHORT else (v,)) for t, k, v in tags)
    )
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8 + len(data))
    return head + data + struct.pack(f"{order}H", len(tags)) + entries + bytes(4)


def packed(values: npt.NDArray[np.integer], bits: int) -> bytes:
    """Samples of so many bits, the highest first, rows padded to bytes."""
    rows = ((values[..., None] >> np.arange(bits - 1, -1, -1)) & 1).astype(np.uint8).reshape(len(values), -1)
    return np.packbits(rows, axis=1).tobytes()


def ramp(bits: int) -> npt.NDArray[np.int64]:
    return np.tile(np.linspace(0, (1 << bits) - 1, 128).round().astype(np.int64), (8, 1))


def outcome(content: bytes) -> Picture | str:
    try:
        with open_image(content) as image:
            return from_image(image)
    except skosh.ImageError as error:
        return str(error)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [9, 10, 11, 12, 13, 14, 15])
def test_a_packed_grey_tiff_is_scaled_by_its_own_depth_or_refused(bits: int, order: str) -> None:
    found = outcome(tiff(128, 8, bits, packed(ramp(bits), bits), order))
    if isinstance(found, str):
        assert found == "a TIFF picture of a kind that this Pillow does not read"
        assert (bits, order) != (12, "<")
    else:
        assert np.array_equal(found.pixels[..., 0], np.rint(ramp(bits) * (255 / ((1 << bits) - 1))))
        assert found.notes == [f"{bits}-bit grey is reduced to 8 bits"]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("largest", "white"), [(None, 65535), (65535, 65535), (4095, 4095), (16383, 16383), (1000, 65535), (255, 65535)]
)
def test_the_largest_value_that_a_tiff_names_counts_if_it_is_a_depth(
    largest: int | None, white: int, order: str
) -> None:
    values = np.array([[0, white // 2, white]])
    found = outcome(tiff(3, 1, 16, values.astype(f"{order}u2").tobytes(), order, largest=largest))
    assert isinstance(found, Picture)
    assert found.pixels[0, :, 0].tolist() == [0, round(255 * (white // 2) / white), 255]
    assert found.notes == [f"{white.bit_length()}-bit grey is reduced to 8 bits"]


@pytest.mark.parametrize("bits", [8, 16])
def test_a_tiff_whose_zero_is_white_is_no_negative(bits: int) -> None:
    values = np.array([[0, (1 << bits) - 1]])
    found = outcome(tiff(2, 1, bits, values.astype(f"<u{bits // 8}").tobytes(), photometric=0))
    assert isinstance(found, Picture)
    assert found.pixels[0, :, 0].tolist() == [255, 0]


def test_the_depth_is_known_when_a_picture_has_been_turned_or_loaded() -> None:
    content = tiff(128, 8, 12, packed(ramp(12), 12))
    turned = Image.Exif()
    turned[0x0112] = 6
    with Image.open(io.BytesIO(content)) as image:
        image.load()
        image.info["exif"] = turned.tobytes()
        assert from_image(image).pixels.max() == 255


@pytest.mark.parametrize("most", [1, 3, 15, 255, 1000, 1023, 4095, 65535])
@pytest.mark.parametrize("kind", ["P5", "P6"])
def test_pnm_is_scaled_by_its_own_largest_value(kind: str, most: int) -> None:
    values = np.array([0, most // 2, most] * (1 if kind == "P5" else 3))
    content = f"{kind} 3 1 {most}\n".encode() + values.astype(">u2" if most > 255 else np.uint8).tobytes()
    found = outcome(content)
    assert isinstance(found, Picture)
    due = [0, round(255 * (most // 2) / most), 255]
    shown = found.pixels[0, :, 0] if kind == "P5" else found.pixels[0, 0]
    assert np.abs(shown.astype(int) - due).max() <= 1
    assert bool(found.notes) == (most > 255)


def jpeg_2000(bits: int) -> bytes:
    """A grey codestream of so many bits: Pillow writes 16, and the level that decoders add is half the range."""
    values = ramp(bits) + 32768 - (1 << (bits - 1))
    buffer = io.BytesIO()
    Image.fromarray(values.astype(np.uint16)).save(buffer, "JPEG2000", no_jp2=True)
    content = bytearray(buffer.getvalue())
    at = content.index(b"\xff\x4f\xff\x51") + 42
    assert content[at] == 15
    content[at] = bits - 1
    return bytes(content)


@pytest.mark.skipif(not features.check("jpg_2000"), reason="this Pillow does not write it")
@pytest.mark.parametrize("bits", [9, 10, 12, 14, 16])
def test_jpeg_2000_of_every_depth_keeps_its_brightness(bits: int) -> None:
    found = outcome(jpeg_2000(bits))
    assert isinstance(found, Picture)
    assert np.abs(found.pixels[..., 0] - ramp(bits) * (255 / ((1 << bits) - 1))).max() <= 1
    assert found.notes == ["16-bit grey is reduced to 8 bits"]  # which Pillow makes of all of them


@pytest.mark.skipif(not features.check("jpg_2000"), reason="this Pillow does not write it")
def test_colours_of_jpeg_2000_over_8_bits_are_said_to_be_reduced() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), (9, 99, 199)).save(buffer, "JPEG2000")
    assert outcome(buffer.getvalue()).notes == []  # type: ignore[union-attr]
    content = bytearray(buffer.getvalue())
    at = content.index(b"\xff\x4f\xff\x51") + 42
    content[at : at + 9 : 3] = bytes([11] * 3)
    assert outcome(bytes(content)).notes == ["more than 8 bits a channel are reduced to 8"]  # type: ignore[union-attr]


@pytest.mark.skipif("avif" not in features.get_supported(), reason="this Pillow does not write it")
def test_avif_over_8_bits_is_said_to_be_reduced() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), (9, 99, 199)).save(buffer, "AVIF")
    content = bytearray(buffer.getvalue())
    assert outcome(bytes(content)).notes == []  # type: ignore[union-attr]
    content[content.index(b"av1C") + 6] |= 0x40  # high_bitdepth
    with open_image(buffer.getvalue()) as image:
        assert not layout_of(image).deep
        image.fp = io.BytesIO(content)  # Pillow itself opens nothing whose pixels say otherwise
        assert layout_of(image).deep


def packed_bmp(words: npt.NDArray[np.uint16], masks: tuple[int, ...] = ()) -> bytes:
    """A BMP of 16 bits a pixel, its rows from the top."""
    height, width = words.shape
    data = b"".join(row.astype("<u2").tobytes().ljust(width * 2 + 3 & ~3, b"\0") for row in words)
    fields = struct.pack(f"<{len(masks)}I", *masks)
    start = 14 + 40 + len(fields)
    head = b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start)
    info = struct.pack("<IiiHHIIiiII", 40, width, -height, 1, 16, 3 if masks else 0, len(data), 0, 0, 0, 0)
    return head + info + fields + data


def packed_dds(words: npt.NDArray[np.uint16], masks: tuple[int, ...]) -> bytes:
    height, width = words.shape
    layout = struct.pack("<II4sI4I", 32, 0x40, b"", 16, *masks, 0)
    head = struct.pack("<4s7I", b"DDS ", 124, 0x1007, height, width, width * 2, 0, 0) + bytes(44)
    return head + layout + struct.pack("<I", 0x1000) + bytes(16) + words.astype("<u2").tobytes()


def packed_tga(words: npt.NDArray[np.uint16]) -> bytes:
    height, width = words.shape
    return struct.pack("<BBBHHBHHHHBB", 0, 0, 2, 0, 0, 0, 0, 0, width, height, 16, 0x20) + words.astype("<u2").tobytes()


WORDS = np.random.default_rng(0).integers(0, 1 << 15, (5, 7), dtype=np.uint16)
FIVE_SIX_FIVE, FIVES = (0xF800, 0x7E0, 0x1F), (0x7C00, 0x3E0, 0x1F)
PACKED = {
    "BMP 565": (packed_bmp(WORDS * 2, FIVE_SIX_FIVE), WORDS * 2, FIVE_SIX_FIVE),
    "BMP 555": (packed_bmp(WORDS), WORDS, FIVES),
    "BMP 555 with masks": (packed_bmp(WORDS, FIVES), WORDS, FIVES),
    "DDS 565": (packed_dds(WORDS * 2, FIVE_SIX_FIVE), WORDS * 2, FIVE_SIX_FIVE),
    "DDS 555": (packed_dds(WORDS, FIVES), WORDS, FIVES),
    "TGA 555": (packed_tga(WORDS), WORDS, FIVES),
}


@pytest.mark.parametrize("kind", PACKED)
def test_packed_colours_come_out_right(kind: str) -> None:
    content, words, masks = PACKED[kind]
    found = outcome(content)
    assert isinstance(found, Picture), found
    for channel, mask in enumerate(masks):
        due = (words & mask) * (255 / mask)
        assert np.abs(found.pixels[..., channel] - due).max() <= 1
    assert found.notes == []


@pytest.mark.parametrize("mode", ["BGR;15", "BGR;16", "BGR;24"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_modes_that_pillow_packs_and_does_not_convert_are_unpacked(mode: str) -> None:
    try:
        image = Image.new(mode, (4, 4))
    except ValueError:
        pytest.skip("this Pillow has them no more")
    assert from_image(image).pixels.shape == (4, 4, 3)
