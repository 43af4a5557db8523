"""``skosh info``: all that a file says, for people and for programs, and what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import skosh
from making import display_profile, exif, xmp
from skosh.cli import app
from skosh.codec.file_info import exif_at_a_glance, icc_name
from skosh.container.chunks import REALISM, Header, write
from skosh.picture.metadata import Metadata

DISPLAY = display_profile()
KEYS = [
    *("file", "format_version", "width", "height", "mode", "quality", "realism"),
    *("bytes", "bpp", "tiles", "tile", "picture_bytes"),
    *(
        "alpha_bytes",
        "icc_bytes",
        "icc_stored_bytes",
        "icc",
        "exif_bytes",
        "exif",
        "xmp_bytes",
        "model_id",
        "model",
        "damaged",
    ),
]


def call(*arguments: object, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(app, ["info", *map(str, arguments)], input=stdin)


@pytest.fixture(scope="module")
def rich(photo: Image.Image) -> bytes:
    """A file with everything in it, in two tiles."""
    image = photo.crop((0, 0, 200, 100))
    image.putalpha(image.getchannel("G"))
    return skosh.encode(image, 37.5, tile=128, metadata=Metadata(DISPLAY, exif(6), xmp(6)), realism=0.25)


def test_a_program_is_told_everything_under_stable_names(tmp_path: Path, rich: bytes) -> None:
    (tmp_path / "a.skosh").write_bytes(rich)
    found = json.loads(call("--json", tmp_path / "a.skosh").stdout)
    assert list(found) == KEYS
    assert found["file"] == str(tmp_path / "a.skosh")
    assert (found["width"], found["height"], found["mode"]) == (100, 200, "RGBA")
    assert (found["quality"], found["tiles"], found["tile"]) == (37.5, 2, 128)
    assert found["realism"] == 0.251  # the nearest 255th
    assert found["bytes"] == len(rich)
    assert found["bpp"] == pytest.approx(8 * len(rich) / 20_000)
    assert 0 < found["picture_bytes"] < len(rich) - found["alpha_bytes"]
    assert (found["icc_bytes"], found["exif_bytes"], found["xmp_bytes"]) == (len(DISPLAY), len(exif(6)), len(xmp(6)))
    assert "sRGB" in found["icc"]
    assert found["exif"] == {"Make": "a maker", "position": True}
    assert found["model"] == "skosh"
    assert found["format_version"] == 1
    assert skosh.info(rich) == {key: value for key, value in found.items() if key != "file"}


def test_people_are_told_the_same_in_lines(tmp_path: Path, rich: bytes) -> None:
    (tmp_path / "a.skosh").write_bytes(rich)
    lines = call(tmp_path / "a.skosh").stdout.splitlines()
    assert lines[0] == str(tmp_path / "a.skosh")
    text = {line.split()[0]: line[11:] for line in lines[1:]}
    assert text["picture"] == "100x200 RGBA"
    assert text["size"] == f"{len(rich):,} bytes, {8 * len(rich) / 20_000:.3f} bits a pixel"
    assert text["quality"] == "37.5"
    assert text["realism"] == "asks for 0.25"
    assert text["tiles"] == "2 of 128x128"
    assert text["EXIF"] == f"{len(exif(6)):,} bytes: a maker, with a position"
    assert text["profile"].startswith(f"{len(DISPLAY):,} bytes: sRGB")
    assert text["XMP"] == f"{len(xmp(6)):,} bytes"
    assert text["model"].endswith("installed: skosh")
    assert all(len(line) < 120 for line in lines[1:])


def test_what_is_not_there_is_said_not_to_be(tmp_path: Path) -> None:
    (tmp_path / "a.skosh").write_bytes(write(Header(40, 30, 50, b"unknown!", "L"), {}, [b"1234"]))
    text = call(tmp_path / "a.skosh").stdout
    assert text.count("none") == 4  # alpha, profile, EXIF, XMP
    assert "realism  the reader's choice" in text
    assert f"{b'unknown!'.hex()}, not installed" in text
    assert "40x30 L\n" in text


def test_a_realism_that_makes_no_sense_is_listed_as_damaged(tmp_path: Path) -> None:
    (tmp_path / "a.skosh").write_bytes(write(Header(40, 30, 50, b"unknown!"), {REALISM: b"ab"}, [b"1234"]))
    assert "damaged  the preferred realism has 2 bytes where 1 is due" in call(tmp_path / "a.skosh").stdout
    assert skosh.info(tmp_path / "a.skosh")["realism"] is None


def test_several_files_are_told_of_in_one_call_and_a_bad_one_stops_no_other(tmp_path: Path, rich: bytes) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.skosh").write_bytes(rich)
    (tmp_path / "b.skosh").write_bytes(rich[:-5])
    files = [tmp_path / f"{name}.skosh" for name in "abc"]
    done = call(*files)
    assert done.exit_code == 1
    assert "b.skosh: the file is cut short" in done.stderr
    assert done.stdout.count("100x200") == 2
    done = call(*files, "--json")
    assert done.exit_code == 1
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["file"] for row in rows] == [str(file) for file in files]
    assert list(rows[1]) == ["file", "error"]


def test_a_pipe_can_be_asked(rich: bytes) -> None:
    assert "100x200" in call("-", stdin=rich).stdout


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda data: data[:-4] + b"xxxx", ["wrong checksum of chunk T before byte"]),
        (lambda data: data[:300], ["cut short", "ends at byte", "after the file"]),
        (lambda data: data[:20], ["cut short"]),
        (lambda data: b"", ["empty"]),
        (lambda data: b"\x93SK\x07" + data[4:], ["version 7", "update"]),
        (lambda data: data + b"!", [f"byte {'{}'}", "damaged"]),
    ],
)
def test_a_damaged_file_says_what_is_wrong_and_where(tmp_path: Path, rich: bytes, spoil, words: list[str]) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "a.skosh").write_bytes(spoil(rich))
    done = call(tmp_path / "a.skosh")
    assert (done.exit_code, done.stdout) == (1, "")
    assert all(word.format(len(rich)) in done.stderr for word in words), done.stderr


def test_a_huge_picture_can_be_looked_at(tmp_path: Path) -> None:
    (tmp_path / "a.skosh").write_bytes(write(Header(60000, 60000, 50, b"12345678"), {}, [b"1234"]))
    assert "60000x60000 RGB" in call(tmp_path / "a.skosh").stdout


@pytest.mark.parametrize("broken", [b"", b"no EXIF at all", exif(1)[:30], b"II*\0\xff\xff\xff\xff"])
@pytest.mark.filterwarnings("ignore:Corrupt EXIF", "ignore:Truncated")
def test_broken_exif_has_nothing_to_say(broken: bytes) -> None:
    assert "position" not in exif_at_a_glance(broken)


def test_names_in_a_file_reach_no_terminal_as_they_are() -> None:
    tags = Image.Exif()
    tags[0x010F], tags[0x0110] = "\x1b[31mred\nline", "x" * 500
    found = exif_at_a_glance(tags.tobytes())
    assert found["Make"] == "[31mred line"
    assert len(found["Model"]) == 80


def test_a_profile_without_a_name_has_none() -> None:
    assert icc_name(None) is None
    assert icc_name(b"no profile") is None
