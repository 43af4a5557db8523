"""What a picture carries goes through the command: from every format that holds it, into every format that does."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps, features
from PIL.PngImagePlugin import PngInfo
from typer.testing import CliRunner, Result

import skosh
from making import MAKER_NOTE, SRGB, display_profile, exif, gamma_curve, grey_profile, xmp
from skosh.cli import app
from skosh.picture.metadata import Metadata, of_image, to_info
from skosh.picture.picture import from_image
from skosh.picture.saving import image_bytes

FORMATS = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "TIFF": ".tiff", "AVIF": ".avif"}
if "avif" not in features.get_supported():
    del FORMATS["AVIF"]
LOSSLESS = {"JPEG": {"quality": 95}, "WEBP": {"lossless": True}, "AVIF": {"quality": 95}}


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


def through(source: Path, target: Path, *options: str) -> Result:
    """Compress and decompress; the .skosh file stays beside the source."""
    done = call("compress", source, "-q", "100", *options)
    assert done.exit_code == 0, done.stderr
    done = call("decompress", source.with_suffix(".skosh"), "-o", target)
    assert done.exit_code == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def picture(photo: Image.Image) -> Image.Image:
    return photo.crop((100, 60, 180, 124))


def written(picture: Image.Image, path: Path, kind: str, exif: bytes, icc: bytes, xmp: bytes) -> Path:
    """A picture with all metadata."""
    options: dict[str, object] = {"exif": b"Exif\0\0" + exif, "icc_profile": icc, "xmp": xmp}
    if kind == "PNG":
        options["pnginfo"] = PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", options.pop("xmp").decode())
    if kind == "TIFF":
        tags = Image.Exif()
        tags.load(exif)
        tags[700] = options.pop("xmp")
        written = Image.Exif()
        written.load(tags.tobytes())
        options["exif"] = written
    picture.save(path, kind, **options, **LOSSLESS.get(kind, {}))
    return path


def look(path: Path) -> np.ndarray:
    """How a viewer shows the picture: upright."""
    with Image.open(path) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"), float)


def near(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and 10 * np.log10(255**2 / np.mean((a - b) ** 2)) > 24


@pytest.mark.parametrize("order", ["<", ">"], ids=["little", "big"])
@pytest.mark.parametrize("after", FORMATS)
@pytest.mark.parametrize("before", FORMATS)
def test_everything_is_still_there(tmp_path: Path, picture: Image.Image, before: str, after: str, order: str) -> None:
    source = written(picture, tmp_path / f"a{FORMATS[before]}", before, exif(6, order), display_profile(), xmp(6))
    target = tmp_path / f"back{FORMATS[after]}"
    through(source, target)
    with Image.open(target) as image:
        image.load()
        assert image.size == (64, 80)
        found = of_image(image, [])
        tags = Image.Exif()
        assert found.exif is not None
        tags.load(found.exif)
    assert found.icc == display_profile()
    assert found.xmp in (
        xmp(1),
        xmp(1).replace(b'tiff:Orientation="1"', b""),
    )  # without it, Pillow has turned a TIFF itself
    assert tags[0x010F] == "a maker"
    assert tags.get(0x0112, 1) == 1
    assert tags.get_ifd(0x8825)[2] == (52.0, 30.0, 12.34)
    assert tags.get_ifd(0x8769)[0x927C] == MAKER_NOTE
    assert near(look(target), look(source))


@pytest.mark.parametrize("value", range(1, 9))
@pytest.mark.parametrize("before", FORMATS)
def test_no_orientation_is_applied_twice_or_lost(tmp_path: Path, picture: Image.Image, before: str, value: int) -> None:
    source = written(picture, tmp_path / f"a{FORMATS[before]}", before, exif(value), SRGB, xmp(value))
    for after in ("JPEG", "TIFF"):
        target = tmp_path / f"back{FORMATS[after]}"
        through(source, target, "--force")
        assert near(look(target), look(source))
        target.unlink()


@pytest.mark.parametrize("before", ["JPEG", "PNG"])
def test_strip_drops_all_and_keeps_the_look(tmp_path: Path, picture: Image.Image, before: str) -> None:
    source = written(picture, tmp_path / f"a{FORMATS[before]}", before, exif(6), display_profile(), xmp(6))
    through(source, tmp_path / "back.png", "--strip")
    with Image.open(tmp_path / "back.png") as image:
        assert not {"exif", "icc_profile", "xmp"} & image.info.keys()
    assert skosh.info((tmp_path / "a.skosh").read_bytes())["exif_bytes"] == 0
    with Image.open(source) as image:
        due = ImageCms.profileToProfile(
            ImageOps.exif_transpose(image),
            ImageCms.ImageCmsProfile(io.BytesIO(display_profile())),
            ImageCms.createProfile("sRGB"),
        )
    assert due is not None
    shown = look(tmp_path / "back.png")
    assert near(shown, np.asarray(due, float))
    assert np.abs(shown - np.asarray(due)).mean() < 0.8 * np.abs(shown - look(source)).mean()  # and not as it was


def test_a_grey_profile_is_applied_before_it_is_dropped(tmp_path: Path, picture: Image.Image) -> None:
    linear = grey_profile(gamma_curve(1.0))
    grey = picture.convert("L")
    grey.save(tmp_path / "a.png", icc_profile=linear)
    through(tmp_path / "a.png", tmp_path / "back.png", "--strip")
    with Image.open(tmp_path / "back.png") as image:
        assert image.mode == "L"
        brighter = np.asarray(image, float).mean() - np.asarray(grey, float).mean()
    assert brighter > 30  # linear 0.2 is shown as sRGB 0.48


def test_a_format_without_a_place_for_metadata_is_said_to_drop_them(tmp_path: Path, picture: Image.Image) -> None:
    source = written(picture, tmp_path / "a.png", "PNG", exif(1), SRGB, xmp(1))
    for suffix in (".bmp", ".ppm", ".gif"):
        done = through(source, tmp_path / f"back{suffix}", "--force")
        assert "without EXIF, XMP and colour profile" in done.stderr
    assert "256 colours" in done.stderr


def test_damaged_exif_goes_where_bytes_can_go_and_is_said_to_be_left_out_elsewhere(
    tmp_path: Path, picture: Image.Image
) -> None:
    for kind, suffix in FORMATS.items():
        picture.save(tmp_path / "a.png", exif=b"Exif\0\0no EXIF at all")
        done = through(tmp_path / "a.png", tmp_path / f"back{suffix}", "--force")
        with Image.open(tmp_path / f"back{suffix}") as image:
            kept = b"no EXIF at all" in image.info.get("exif", b"")
        assert kept == (kind in ("JPEG", "PNG", "WEBP"))
        assert ("EXIF is damaged" in done.stderr) != kept


def test_exif_of_a_tiff_that_can_not_be_read_is_noted_with_the_picture(
    tmp_path: Path, picture: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture.save(tmp_path / "a.tiff")

    def fail(exif: Image.Exif) -> Image.Exif:
        raise SyntaxError("not this one")

    monkeypatch.setattr("skosh.picture.metadata.descriptive", fail)
    with Image.open(tmp_path / "a.tiff") as image:
        notes = from_image(image).notes
    assert notes == ["the EXIF of this TIFF picture can't be read and is not kept: not this one"]
    report = json.loads(call("compress", tmp_path / "a.tiff", "--json").stdout)
    assert report["files"][0]["warnings"] == notes


def test_what_pillow_warns_of_stands_with_the_picture_and_in_the_report(tmp_path: Path, picture: Image.Image) -> None:
    tags = Image.Exif()
    tags[0x010E] = "words"
    picture.save(tmp_path / "a.tiff", exif=tags)
    content = (tmp_path / "a.tiff").read_bytes()
    at = content.index(bytes.fromhex("0e01"))
    beyond = bytes.fromhex("6987040001000000") + (1 << 30).to_bytes(
        4, "little"
    )  # the tags of EXIF, behind the file's end
    for name in ("a.tiff", "b.tiff"):
        (tmp_path / name).write_bytes(content[:at] + beyond + content[at + 12 :])
    command = [sys.executable, "-m", "skosh", "compress", tmp_path, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    for row in json.loads(done.stdout)["files"]:
        (warning,) = row["warnings"]
        assert f"{row['source']}: {warning}" in done.stderr.splitlines()


def test_a_size_in_exif_does_not_break_a_tiff(tmp_path: Path, picture: Image.Image) -> None:
    tags = Image.Exif()
    tags[0x0100], tags[0x0101], tags[0x0106], tags[0x010F] = 4000, 3000, 6, "a maker"  # as phones write them
    picture.save(tmp_path / "a.png", exif=tags)
    through(tmp_path / "a.png", tmp_path / "back.tiff")
    with Image.open(tmp_path / "back.tiff") as image:
        assert image.size == picture.size
        assert image.getexif()[0x010F] == "a maker"
    assert near(look(tmp_path / "back.tiff"), np.asarray(picture, float))


@pytest.mark.parametrize(
    ("kind", "most"), [("exif", 65533 - len(b"Exif\0\0")), ("xmp", 65533 - len(b"http://ns.adobe.com/xap/1.0/\0"))]
)
@pytest.mark.parametrize("over", [0, 1])
def test_metadata_too_large_for_a_jpeg_are_left_out_with_a_warning(
    picture: Image.Image, kind: str, most: int, over: int
) -> None:
    value = exif(1) + bytes(most - len(exif(1)) + over) if kind == "exif" else b"<x>".ljust(most + over)
    image = picture.copy()
    image.info.update(to_info(Metadata(**{kind: value})))
    for suffix in FORMATS.values():
        content, notes = image_bytes(image, suffix)
        with Image.open(io.BytesIO(content)) as back:
            back.load()
            kept = back.info.get(kind)
        fits = suffix != ".jpg" or not over
        assert any(f"its {kind.upper()} has" in note and "JPEG: left out" in note for note in notes) != fits
        if suffix != ".tiff":
            assert (kept is not None) == fits


def test_a_phones_picture_with_a_second_one_in_it_keeps_the_first_and_says_so(
    tmp_path: Path, picture: Image.Image
) -> None:
    gain = picture.convert("L").reduce(2)
    picture.save(
        tmp_path / "a.jpg", "MPO", save_all=True, append_images=[gain], exif=exif(6), icc_profile=display_profile()
    )
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.format == "MPO"
    done = call("compress", tmp_path / "a.jpg", "-q", 100)
    assert done.exit_code == 0
    assert "only the first of its 2 pictures is kept" in done.stderr
    call("decompress", tmp_path / "a.skosh", "-o", tmp_path / "back.png")
    assert near(look(tmp_path / "back.png"), look(tmp_path / "a.jpg"))
    with Image.open(tmp_path / "back.png") as image:
        assert image.info["icc_profile"] == display_profile()


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_an_animation_is_its_first_frame_and_a_warning(tmp_path: Path, picture: Image.Image, kind: str) -> None:
    path = tmp_path / f"a.{kind.lower()}"
    first = picture.convert("L").convert("RGB")
    others = [first.point(lambda v: 255 - v), first.rotate(180)]
    options = {"lossless": True} if kind == "WEBP" else {}
    first.save(path, kind, save_all=True, append_images=others, **options)
    done = call("compress", path, "-q", 100)
    assert done.exit_code == 0
    assert "only the first of its 3 frames is kept" in done.stderr
    call("decompress", tmp_path / "a.skosh", "-o", tmp_path / "back.png")
    assert near(look(tmp_path / "back.png"), np.asarray(first, float))
