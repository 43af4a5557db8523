"""Opening ``.skosh`` files through Pillow: held to what its plugins of AVIF and WebP are, as far as it makes sense."""

from __future__ import annotations

import io
import subprocess
import sys
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile, UnidentifiedImageError

import skosh
from skosh.container.chunks import VERSION, Header, read, write
from skosh.files import SIGNATURE
from skosh.picture.metadata import Metadata
from skosh.pillow_plugin import SkoshImageFile

XMP = b"<x:xmpmeta/>"


@pytest.fixture(scope="module")
def picture(photo: Image.Image) -> Image.Image:
    return photo.crop((100, 60, 196, 124))


@pytest.fixture(scope="module")
def data(picture: Image.Image) -> bytes:
    exif = Image.Exif()
    exif[0x010F] = "a maker"
    return skosh.encode(picture, 80, metadata=Metadata(exif=exif.tobytes()[6:], xmp=XMP))


@pytest.fixture
def file(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "a.skosh"
    path.write_bytes(data)
    return path


class Recorder(io.BytesIO):
    """A file that knows how far it was read."""

    furthest = 0

    def read(self, size: int | None = -1, /) -> bytes:
        got = super().read(size)
        self.furthest = max(self.furthest, self.tell())
        return got


def test_a_file_is_known_by_its_content_and_not_by_its_name(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "holiday.png"
    path.write_bytes(data)
    with Image.open(path) as image:
        assert (image.format, image.format_description) == ("SKOSH", "skosh learned image")
        assert image.get_format_mimetype() == "image/x-skosh"
        assert (image.size, image.mode) == ((96, 64), "RGB")


def test_the_pixels_are_those_that_skosh_decodes(file: Path, data: bytes) -> None:
    with Image.open(file) as image:
        assert np.array_equal(np.asarray(image), np.asarray(skosh.decode(data)))


def test_formats_can_be_named(data: bytes) -> None:
    assert Image.open(io.BytesIO(data), formats=["SKOSH"]).size == (96, 64)
    with pytest.raises(UnidentifiedImageError):
        Image.open(io.BytesIO(data), formats=["PNG", "JPEG"])


def test_metadata_are_there_before_the_pixels(data: bytes) -> None:
    image = Image.open(io.BytesIO(data))
    assert image.info["quality"] == 80
    assert image.info["xmp"] == XMP
    assert image.getexif()[0x010F] == "a maker"


def test_opening_reads_up_to_the_tile_and_no_further(data: bytes) -> None:
    recorder = Recorder(data)
    image = Image.open(recorder)
    assert recorder.furthest < 16 + len(data) - 400  # the tile is longer than that
    image.load()
    assert recorder.furthest == len(data)


def test_opening_needs_neither_onnxruntime_nor_a_model(file: Path) -> None:
    code = f"""
import sys, skosh.pillow_plugin
from PIL import Image
Image.open({str(file)!r}).verify()
print([m for m in ("onnxruntime", "torch") if m in sys.modules])
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_a_file_of_a_model_that_is_not_there_can_be_looked_at(tmp_path: Path) -> None:
    file = write(Header(40, 30, 50, b"unknown!"), {}, [b"1234"])
    image = Image.open(io.BytesIO(file))
    assert image.size == (40, 30)
    image.verify()
    with pytest.raises(OSError, match="not installed"):
        Image.open(io.BytesIO(file)).load()


def test_verify_accepts_a_whole_file_and_closes_it(file: Path) -> None:
    image = Image.open(file)
    handle = image.fp
    image.verify()
    assert handle is not None
    assert handle.closed
    with pytest.raises(ValueError, match="open it again"):
        image.load()


@pytest.mark.parametrize("place", [-1, -20])
def test_a_changed_byte_is_found_by_verify_and_by_load(data: bytes, place: int) -> None:
    bad = bytearray(data)
    bad[place] ^= 1
    with pytest.raises(SyntaxError, match="checksum"):
        Image.open(io.BytesIO(bad)).verify()
    with pytest.raises(OSError, match="checksum"):
        Image.open(io.BytesIO(bad)).load()


def test_a_truncated_file_opens_and_does_not_load(data: bytes) -> None:
    image = Image.open(io.BytesIO(data[:-9]))
    with pytest.raises(OSError, match="cut short"):
        image.load()


@pytest.mark.parametrize("size", [2, 4, 9, 25])
def test_a_file_that_ends_in_its_header_is_not_identified(data: bytes, size: int) -> None:
    with pytest.raises(UnidentifiedImageError):
        Image.open(io.BytesIO(data[:size]))


def test_what_is_wrong_with_a_header_can_be_asked_for(data: bytes) -> None:
    with pytest.raises(SyntaxError, match="version 9"):
        SkoshImageFile(io.BytesIO(SIGNATURE + bytes([9]) + data[4:]))
    with pytest.raises(SyntaxError, match="not a"):
        SkoshImageFile(io.BytesIO(b"\xff\xd8\xff\xe0 a JPEG"))
    assert data[3] == VERSION


def test_what_is_left_of_a_damaged_file_is_shown_if_pillow_is_told_so(
    photo: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiled = skosh.encode(photo.crop((0, 0, 256, 64)), 50, tile=128)
    bad = tiled[:-30]  # without the second tile's end
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    image = Image.open(io.BytesIO(bad))
    with pytest.warns(UserWarning, match="lost: 128x64 pixels at 128,0"):
        image.load()
    assert np.all(np.asarray(image)[:, 128:] == 128)
    assert not np.all(np.asarray(image)[:, :128] == 128)


@pytest.mark.parametrize("kind", ["A", "i", "e", "x"])
def test_a_damaged_extra_does_not_stop_pillow_if_it_is_told_so(
    picture: Image.Image, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    clear = picture.copy()
    clear.putalpha(picture.getchannel("G"))
    carried = Metadata(icc=b"profile", exif=b"II*\0\x08\0\0\0\0\0\0\0\0\0", xmp=XMP)
    bad = bytearray(skosh.encode(clear, 50, metadata=carried))
    payload = read(bytes(bad)).extras[kind.encode()]
    bad[bad.index(payload)] ^= 1
    with pytest.raises(UnidentifiedImageError):
        Image.open(io.BytesIO(bad))
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    image = Image.open(io.BytesIO(bad))
    opened = image.mode
    assert opened == ("RGB" if kind == "A" else "RGBA")
    assert len({"icc_profile", "exif", "xmp"} & set(image.info)) == (3 if kind == "A" else 2)
    with pytest.warns(UserWarning, match="lost: "):
        image.load()
    assert image.mode == image.im.mode == opened


def test_senseless_extras_behind_checksums_that_fit_do_not_stop_pillow_if_it_is_told_so(
    data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = read(data)
    bad = write(contents.header, {b"A": b"no PNG", b"i": b"not deflated"}, [tile or b"" for tile in contents.tiles])
    with pytest.raises(UnidentifiedImageError):
        Image.open(io.BytesIO(bad))
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    image = Image.open(io.BytesIO(bad))
    assert (image.mode, "icc_profile" in image.info) == ("RGB", False)
    with pytest.warns(UserWarning, match="lost: "):
        image.load()
    assert image.mode == image.im.mode == "RGB"


def test_opening_decodes_no_transparency_and_reads_no_further_if_pillow_shows_damaged_files(
    picture: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    clear = picture.copy()
    clear.putalpha(picture.getchannel("G"))
    newer = skosh.encode(clear, 50) + b"Q\0" + zlib.crc32(b"Q").to_bytes(4, "little")
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    monkeypatch.setattr("skosh.container.alpha.PngImageFile", None)
    image = Image.open(io.BytesIO(newer))
    assert (image.mode, image.size) == ("RGBA", picture.size)
    with pytest.raises(OSError, match="newer skosh"):
        image.load()


def test_a_decompression_bomb_is_refused_by_pillows_own_check(monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(Header(60000, 60000, 50, b"12345678"), {}, [b""])
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 89_478_485)  # Pillow's own; other tests may have moved it
    with pytest.raises(Image.DecompressionBombError):
        Image.open(io.BytesIO(file))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    image = Image.open(io.BytesIO(file))
    with pytest.raises(OSError, match="claims a picture of 60000x60000"):  # and by ours, before anything is allocated
        image.load()


def test_a_file_has_one_frame(data: bytes) -> None:
    image = Image.open(io.BytesIO(data))
    assert image.tell() == 0
    assert getattr(image, "n_frames", 1) == 1
    image.seek(0)
    with pytest.raises(EOFError):
        image.seek(1)


def test_a_file_of_the_user_stays_open_and_can_be_used_again(file: Path) -> None:
    with file.open("rb") as opened:
        for _ in range(2):
            with Image.open(opened) as image:
                image.load()
        assert not opened.closed


def test_pillows_file_is_closed_after_loading_and_after_the_with_block(file: Path) -> None:
    image = Image.open(file)
    handle = image.fp
    image.load()
    assert handle is not None
    assert handle.closed
    with Image.open(file) as image:
        handle = image.fp
    assert handle is not None
    assert handle.closed


def test_nothing_is_left_open_whatever_happens(file: Path, data: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        for content in (data, data[:-9], data[:20]):
            file.write_bytes(content)
            try:
                with Image.open(file) as image:
                    image.load()
            except OSError:
                pass
    if Path("/proc/self/fd").exists():
        assert not [link for link in Path("/proc/self/fd").iterdir() if link.exists() and link.resolve() == file]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA"])
def test_the_mode_is_known_before_the_pixels(picture: Image.Image, mode: str) -> None:
    other = picture.convert(mode)
    if mode.endswith("A"):
        other.putalpha(picture.getchannel("G"))
    image = Image.open(io.BytesIO(skosh.encode(other, 30)))
    assert image.mode == mode
    image.load()
    assert image.mode == mode
    assert image.im.mode == mode
