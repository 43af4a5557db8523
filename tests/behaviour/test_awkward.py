"""The awkward files of the world: each becomes the right picture or one clear sentence; nothing is lost silently."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps
from typer.testing import CliRunner

import skosh
from skosh.cli import app
from skosh.errors import SkoshError
from skosh.picture.metadata import Metadata
from skosh.picture.opening import open_image
from skosh.picture.picture import Picture, from_image, to_image

PACKAGES = ("skimage", "sklearn", "matplotlib", "imageio", "networkx", "sympy")
SUFFIXES = {".png", ".jpg", ".jpeg", ".gif", ".tif", ".tiff", ".webp", ".bmp", ".ppm", ".pgm"}


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def taken(content: bytes) -> Picture:
    with open_image(content) as image:
        return from_image(image)


def outcome(content: bytes) -> Picture | str:
    """The picture, or the sentence that it is refused with; any other exception is a failure."""
    try:
        return taken(content)
    except SkoshError as error:
        return str(error)


def plain(content: bytes) -> np.ndarray:
    """What Pillow by itself makes of it."""
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"), int)


def brought() -> list[Path]:
    import importlib.util

    folders = [
        Path(spec.origin).parent for name in PACKAGES if (spec := importlib.util.find_spec(name)) and spec.origin
    ]
    return sorted(path for folder in folders for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)


@pytest.mark.parametrize("path", brought(), ids=lambda path: path.name)
def test_pictures_that_packages_bring_come_out_right_or_are_refused_in_a_sentence(path: Path) -> None:
    content = path.read_bytes()
    picture = outcome(content)
    if isinstance(picture, str):
        assert picture == "a TIFF picture of a kind that this Pillow does not read"
        with pytest.raises(OSError, match="identify"):
            plain(content)
        return
    with Image.open(path) as image:
        kept = {"icc_profile", "exif", "xmp"} & image.info.keys()
        transparent = "A" in image.mode or "transparency" in image.info
        frames = getattr(image, "n_frames", 1)
    assert np.abs(picture.pixels - plain(content)).max() <= 1
    assert kept <= to_image(picture).info.keys()
    assert transparent or picture.alpha is None
    assert (frames > 1) == any("frames" in note for note in picture.notes)


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (4000, 1), (3, 2), (65, 1)])
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_slivers_go_there_and_back(photo: Image.Image, size: tuple[int, int], mode: str) -> None:
    image = photo.resize(size).convert(mode)
    if mode == "RGBA":
        image.putalpha(100)
    back = skosh.decode(skosh.encode(image, 100))
    assert (back.size, back.mode) == (size, mode)
    error = np.asarray(back.convert("RGB"), float) - np.asarray(image.convert("RGB"), float)
    assert np.mean(error**2) < 255**2 / 10**2.2  # 22 dB


KINDS = {
    "progressive JPEG": ("RGB", "JPEG", {"progressive": True}),
    "CMYK JPEG": ("CMYK", "JPEG", {"quality": 95}),
    "grey JPEG": ("L", "JPEG", {}),
    "group 4 TIFF": ("1", "TIFF", {"compression": "group4"}),
    "LZW TIFF": ("RGB", "TIFF", {"compression": "tiff_lzw"}),
    "JPEG in TIFF": ("RGB", "TIFF", {"compression": "jpeg"}),
    "CMYK TIFF": ("CMYK", "TIFF", {}),
    "palette TIFF": ("P", "TIFF", {}),
    "16-bit BMP": ("RGB", "BMP", {}),
    "ICO": ("RGBA", "ICO", {"sizes": [(64, 64)]}),
    "TGA": ("RGBA", "TGA", {"compression": "tga_rle"}),
    "PCX": ("P", "PCX", {}),
    "SGI": ("RGB", "SGI", {}),
    "JPEG 2000": ("RGB", "JPEG2000", {}),
    "QOI": ("RGB", "QOI", {}),
    "PBM": ("1", "PPM", {}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_formats_come_out_as_pillow_shows_them(photo: Image.Image, kind: str) -> None:
    mode, name, options = KINDS[kind]
    if name not in Image.SAVE and Image.init() and name not in Image.SAVE:
        pytest.skip("this Pillow does not write it")
    content = saved(photo.crop((100, 60, 164, 124)).convert(mode), name, **options)
    picture = taken(content)
    assert np.array_equal(picture.pixels, plain(content))
    assert any("CMYK" in note for note in picture.notes) == (mode == "CMYK")
    assert any("black and white" in note for note in picture.notes) == (mode == "1")


def test_cmyk_with_its_own_profile_is_converted_by_it_and_loses_it(photo: Image.Image) -> None:
    image = photo.crop((0, 0, 64, 64)).convert("CMYK")
    picture = taken(saved(image, "TIFF", icc_profile=b"a profile that nobody can read"))
    assert picture.metadata.icc is None
    assert picture.notes == ["CMYK is converted to RGB", "its colour profile can't be used: colours may look different"]


def test_lab_with_a_profile_of_something_else_is_still_lab() -> None:
    lab = Image.new("LAB", (8, 8), (128, 128, 128))
    lab.info["icc_profile"] = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = from_image(lab)
    assert picture.notes == ["LAB is converted to RGB"]
    assert np.abs(picture.pixels.astype(int) - 119).max() <= 2  # L* 50
    assert picture.metadata.icc is None


def test_a_large_profile_is_kept_and_an_absurd_one_refused(photo: Image.Image) -> None:
    small = photo.crop((0, 0, 64, 48))
    large = np.random.default_rng(0).bytes(3_000_000)
    assert skosh.decode(skosh.encode(small, metadata=Metadata(icc=large))).info["icc_profile"] == large
    with pytest.raises(skosh.LimitError, match="17000000 bytes is over the limit"):
        skosh.encode(small, metadata=Metadata(icc=bytes(17_000_000)))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "JPEG2000", "MPO"])
@pytest.mark.filterwarnings("ignore")
def test_damage_ends_in_a_picture_or_an_image_error(photo: Image.Image, kind: str) -> None:
    if kind not in Image.SAVE:
        pytest.skip("this Pillow does not write it")
    content = saved(photo.crop((100, 60, 164, 124)), kind)
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(60):
        bad = bytearray(content[: rng.integers(1, len(content))] if rng.random() < 0.3 else content)
        for place in rng.integers(0, len(bad), 4):
            bad[place] = rng.integers(0, 256)
        found = outcome(bytes(bad))
        refused += isinstance(found, str)
        assert len(found) if isinstance(found, str) else found.pixels.shape[2] == 3
    assert refused > 5


def test_a_folder_of_awkward_files_ends_in_pictures_and_sentences(photo: Image.Image, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    small = photo.crop((0, 0, 64, 48))
    png = saved(small, "PNG")
    (folder / "cut.png").write_bytes(png[:900])
    (folder / "words.jpg").write_bytes(b"these are words")
    (folder / "empty.webp").write_bytes(b"")
    (folder / "misnamed.jpg").write_bytes(png)
    (folder / "cmyk.tif").write_bytes(saved(small.convert("CMYK"), "TIFF"))
    (folder / "icon.gif").write_bytes(saved(small, "GIF", save_all=True, append_images=[small.rotate(90)]))
    done = CliRunner().invoke(app, ["compress", str(folder), "-o", str(tmp_path / "out")])
    assert done.exit_code == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["cmyk.skosh", "icon.skosh", "misnamed.skosh"]
    failures = [line for line in done.stderr.splitlines() if line.startswith("failed: ")]
    assert len(failures) == 3
    assert "CMYK is converted to RGB" in done.stderr
    assert "only the first of its 2 frames" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_captions_of_press_photographs_are_not_lost_in_silence(photo: Image.Image) -> None:
    small = photo.crop((0, 0, 64, 48))
    content = saved(small, "JPEG")
    caption = b"\x1c\x02\x78\x00\x05a cat"
    record = b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0" + len(caption).to_bytes(4, "big") + caption
    content = content[:2] + b"\xff\xed" + (2 + len(record)).to_bytes(2, "big") + record + content[2:]
    assert taken(content).notes == ["its IPTC captions are not kept"]
    assert taken(saved(small, "TIFF", tiffinfo={33723: caption})).notes == ["its IPTC captions are not kept"]


UNKNOWN = {
    b"": "empty file",
    b"these are words": "not a picture of a known kind",
    b"\0\0\0\x18ftypheic\0\0\0\0": "a HEIC picture or a film",
    b"\x93SK\x01H": "a .skosh file already",
    b"\0\5\x16\7\0\2\0\0Mac OS X": "what macOS keeps beside one",
}


@pytest.mark.parametrize("content", UNKNOWN)
def test_what_pillow_does_not_know_is_named_as_far_as_it_is_known(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    for source in (content, tmp_path / "a.png"):
        with pytest.raises(skosh.ImageError, match=UNKNOWN[content]):
            open_image(source)
