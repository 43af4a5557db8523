"""``skosh thumbnail``: the picture, small; and hostile files, which end in one line and in time."""

from __future__ import annotations

import io
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

import skosh
from calling import COMMAND, GOLDEN, call
from skosh.bundle.point import Point
from skosh.container.chunks import Header, write
from skosh.desktop.thumbnail import fitted, local_path, reduction
from skosh.errors import SkoshError
from skosh.picture.spaces import DISPLAY_P3, SRGB_CURVE, Space
from skosh.picture.standard import profile

ATTACKS = Path(__file__).parents[1] / "attacks"
CAT = GOLDEN / "cat.skosh"


def apart(one: Image.Image, other: Image.Image) -> float:
    """The mean difference in grey levels."""
    return float(np.abs(np.asarray(one, np.int16) - np.asarray(other, np.int16)).mean())


def made(tmp_path: Path, source: object, *options: object) -> Image.Image:
    out = tmp_path / "out.png"
    done = call("thumbnail", source, out, *options)
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")
    with Image.open(out, formats=("PNG",)) as image:
        image.load()
        return image


def large_claim(megapixels: int) -> bytes:
    """A small file that claims a large picture of the installed model, as cheaply as the limits allow."""
    header = Header(1024, 1024 * megapixels, 50, bytes.fromhex(skosh.info(CAT)["model_id"]), tile=0)
    return write(header, {b"z": bytes(1024 * megapixels)}, [b""])


@pytest.mark.parametrize("size", [1, 64, 128])
def test_a_thumbnail_fits_and_shows_the_picture(tmp_path: Path, size: int) -> None:
    whole = skosh.decode(CAT)
    image = made(tmp_path, CAT, "--size", size)
    assert max(image.size) == size
    assert image.mode == "RGB"
    due = whole.resize(image.size, Image.Resampling.LANCZOS)
    assert apart(image, due) < 3


def test_a_small_picture_is_not_enlarged(tmp_path: Path) -> None:
    whole = skosh.decode(CAT)
    assert apart(made(tmp_path, CAT, "--size", 1024), whole) == 0


@pytest.mark.parametrize("kind", ["L", "RGBA"])
def test_grey_and_transparent_pictures_stay_so(
    tmp_path: Path, photo: Image.Image, tiny_bundle: Path, kind: str
) -> None:
    image = photo.convert(kind)
    if kind == "RGBA":
        image.putalpha(photo.getchannel("G"))
    (tmp_path / "a.skosh").write_bytes(skosh.encode(image, 60, tiny_bundle))
    found = made(tmp_path, tmp_path / "a.skosh", "--model", tiny_bundle, "--size", 100)
    assert (found.mode, found.size) == (kind, (100, 67))
    if kind == "RGBA":
        assert apart(found.getchannel("A"), image.getchannel("A").resize((100, 67), Image.Resampling.LANCZOS)) < 3


def test_colours_are_converted_to_srgb_and_metadata_left_out(
    tmp_path: Path, photo: Image.Image, tiny_bundle: Path
) -> None:
    icc = profile(Space(DISPLAY_P3, SRGB_CURVE))
    exif = Image.Exif()
    exif[0x010E] = "secret"
    buffer = io.BytesIO()
    photo.save(buffer, "PNG", icc_profile=icc, exif=exif)
    (tmp_path / "a.skosh").write_bytes(skosh.encode(buffer.getvalue(), 60, tiny_bundle))
    found = made(tmp_path, tmp_path / "a.skosh", "--model", tiny_bundle, "--size", 80)
    small = skosh.decode(tmp_path / "a.skosh", tiny_bundle, scale=1 / 4)
    small = small.resize(found.size, Image.Resampling.LANCZOS, (0, 0, 451 / 4, 300 / 4))
    due = ImageCms.profileToProfile(small, io.BytesIO(icc), ImageCms.createProfile("sRGB"), outputMode="RGB")
    assert due is not None
    assert apart(found, due) < 0.5 < 1 < apart(found, small)
    assert not set(found.info) & {"exif", "icc_profile", "xmp"}
    assert b"secret" not in (tmp_path / "out.png").read_bytes()


@pytest.mark.parametrize(
    ("sides", "size", "by"),
    [
        ((1024, 683), 128, 8),
        ((1024, 683), 256, 4),
        ((1023, 683), 256, 2),
        ((683, 1024), 512, 2),
        ((1000, 10), 256, 2),
        ((300, 300), 256, 1),
    ],
)
def test_the_smallest_rendition_that_suffices_is_chosen(sides: tuple[int, int], size: int, by: int) -> None:
    assert reduction(*sides, size) == by
    assert max(fitted(*sides, size)) == size


def test_a_small_thumbnail_runs_no_synthesis_where_there_is_a_head(
    tmp_path: Path, photo: Image.Image, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("the synthesis ran")

    (tmp_path / "a.skosh").write_bytes(skosh.encode(photo, 60, tiny_bundle))
    monkeypatch.setattr(Point, "synthesis", never)
    monkeypatch.setattr(Point, "synthesis_features", never)
    assert made(tmp_path, tmp_path / "a.skosh", "--model", tiny_bundle, "--size", 56).size == (56, 37)
    done = call("thumbnail", tmp_path / "a.skosh", tmp_path / "b.png", "--model", tiny_bundle, "--size", 400)
    assert "the synthesis ran" in done.stderr


def test_a_uri_names_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "a b%20é#?.skosh"
    path.write_bytes(CAT.read_bytes())
    uri = path.as_uri()
    for one in (uri, uri.replace("file://", "FILE://localhost"), uri.replace("file://", "file:")):
        assert local_path(one) == path
    assert made(tmp_path, uri, "--size", 64).size == made(tmp_path, path, "--size", 64).size
    assert local_path("file:///%FF") == Path(os.fsdecode(b"/\xff"))
    assert local_path("file:a") == Path("file:a")
    for wrong in ("file://server/a.skosh", "file:///a%00b", ""):
        with pytest.raises(SkoshError):
            local_path(wrong)


@pytest.mark.parametrize("file", sorted(ATTACKS.glob("*/*.skosh")), ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_hostile_files_end_in_a_picture_or_in_one_line(tmp_path: Path, file: Path) -> None:
    data, out = file.read_bytes(), tmp_path / "out.png"
    path = tmp_path / "a.skosh"
    path.write_bytes(data.replace(b"attacked", bytes.fromhex(skosh.info(CAT)["model_id"])))
    done = call("thumbnail", path, out, "--size", 64)
    if done.exit_code == 0 and file.parent.name == "either":
        assert Image.open(out).format == "PNG"
        return
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"skosh: {path}: ")
    assert os.listdir(tmp_path) == ["a.skosh"]


def test_a_picture_over_the_limits_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "a.skosh"
    path.write_bytes(large_claim(60))
    start = time.monotonic()
    done = call("thumbnail", path, tmp_path / "out.png", "--max-pixels", 10 << 20)
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
    assert "over the limit" in done.stderr
    with path.open("r+b") as file:
        file.truncate((64 << 20) + 1)  # sparse
    done = call("thumbnail", path, tmp_path / "out.png")
    assert "more than 67108864 bytes" in done.stderr
    assert time.monotonic() - start < 20


def test_what_is_no_ordinary_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for source in (tmp_path / "pipe", tmp_path, "/dev/zero", tmp_path / "missing.skosh", "http://a/b.skosh"):
        done = call("thumbnail", source, tmp_path / "out.png")
        assert (done.exit_code, done.stderr.count("\n")) == (1, 1), done.stderr
    for out in (tmp_path / "pipe", tmp_path, "/dev/null"):
        done = call("thumbnail", CAT, out)
        assert "is no ordinary file" in done.stderr
    assert stat.S_ISFIFO(os.stat(tmp_path / "pipe").st_mode)


def test_work_that_takes_too_long_is_ended_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.skosh"
    path.write_bytes(large_claim(60))
    start = time.monotonic()
    done = subprocess.run(
        [COMMAND, "thumbnail", path, tmp_path / "out.png", "--timeout", "2", "--threads", "1"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(Path(skosh.__file__).parents[1])},
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"skosh: {path}: takes more than 2 seconds; --timeout gives it more\n"
    assert time.monotonic() - start < 30  # to the end it would take over a minute
    assert os.listdir(tmp_path) == ["a.skosh"]


@pytest.mark.skipif(os.name != "posix", reason="the system's alarm")
def test_work_that_lets_no_other_thread_run_is_ended_too() -> None:
    code = """
import re
from skosh.cli import thumbnail
thumbnail.GRACE = 0.5
with thumbnail.ended_after(0.3, "a"):
    re.match("(a*)*b", "a" * 40)  # holds the interpreter's lock for hours
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(Path(skosh.__file__).parents[1])},
    )
    assert done.returncode == -signal.SIGALRM


def test_nothing_but_a_thumbnail_is_replaced(tmp_path: Path) -> None:
    copy, photo = tmp_path / "a.skosh", tmp_path / "photo"
    copy.write_bytes(CAT.read_bytes())
    photo.write_bytes(b"\xff\xd8\xff of somebody")
    (tmp_path / "link").symlink_to(copy)
    for out, words in ((copy, "is the picture itself"), (tmp_path / "link", "itself"), (photo, "is no PNG")):
        done = call("thumbnail", copy, out)
        assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
        assert words in done.stderr
    assert call("thumbnail", copy, tmp_path / "a.jpg").exit_code == 2
    assert copy.read_bytes() == CAT.read_bytes()
    assert photo.read_bytes() == b"\xff\xd8\xff of somebody"
    for _ in range(2):
        assert call("thumbnail", copy, tmp_path / "new.png").exit_code == 0


def test_an_empty_file_that_somebody_holds_open_is_filled_in_place(tmp_path: Path) -> None:
    with (tmp_path / "given.png").open("w+b") as held:
        assert call("thumbnail", CAT, tmp_path / "given.png").exit_code == 0
        assert held.read(4) == b"\x89PNG"
