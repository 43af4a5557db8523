"""Standard streams that are closed, full, without a reader or of a poor encoding; pipes and devices as files."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import skosh
from skosh import BundleError
from skosh.bundle.manifest import find

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes of Unix")

Done = subprocess.CompletedProcess[bytes]


@pytest.fixture
def place(tmp_path: Path, photo: Image.Image) -> Path:
    (tmp_path / "in").mkdir()
    for n in range(4):
        photo.crop((n, n, n + 64, n + 64)).save(tmp_path / "in" / f"{n}.png")
    photo.crop((0, 0, 64, 64)).convert("1").save(tmp_path / "bw.png")  # which brings a warning
    return tmp_path


def shell(line: str, place: Path, **environment: str) -> Done:
    """A line of the shell, in which the word skosh stands for the command."""
    command = ["bash", "-c", f'skosh() {{ {sys.executable} -m skosh "$@"; }}; {line}']
    with open(os.devnull) as nothing:
        return subprocess.run(
            command,
            cwd=place,
            env=os.environ | environment,
            stdin=nothing,
            capture_output=True,
            timeout=120,
            check=False,
        )


def without_reader(line: str, place: Path) -> Done:
    """A command whose standard error nobody reads any more."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        command = [sys.executable, "-m", *line.split()]
        return subprocess.run(command, cwd=place, stdout=subprocess.PIPE, stderr=write_end, timeout=120, check=False)
    finally:
        os.close(write_end)


@pytest.mark.slow
@pytest.mark.parametrize(
    "run",
    [
        without_reader,
        lambda line, place: shell(f"{line} 2>&-", place),
        lambda line, place: shell(f"{line} 2>/dev/full", place),
    ],
    ids=["without a reader", "closed", "full"],
)
def test_a_standard_error_that_takes_nothing_stops_no_batch_and_no_pipe(
    run: Callable[[str, Path], Done], place: Path
) -> None:
    batch = run("skosh compress in -o out --json --threads 1", place)
    assert (batch.returncode, json.loads(batch.stdout)["done"]) == (0, 4)
    assert len(list((place / "out").iterdir())) == 4
    piped = run("skosh compress bw.png -o -", place)
    assert (piped.returncode, piped.stdout[:3]) == (0, b"\x93SK")
    assert run("skosh info nowhere.skosh", place).returncode == 1
    assert run("skosh no-such-command", place).returncode == 2


@pytest.mark.slow
@pytest.mark.parametrize("behind", [">&-", ">/dev/full"])
def test_a_standard_output_that_takes_nothing_is_an_error_where_something_was_due(behind: str, place: Path) -> None:
    assert shell(f"skosh compress in/0.png -o a.skosh {behind}", place).returncode == 0
    for line in ("skosh info a.skosh", "skosh compress in -o out --json", "skosh compress in/0.png -o -"):
        done = shell(f"{line} {behind}", place)
        assert done.returncode == 1
        assert b"standard output: " in done.stderr
        assert b"Traceback" not in done.stderr


def test_no_file_takes_the_place_of_a_closed_stream(place: Path) -> None:
    done = shell("skosh compress bw.png -o a.skosh <&- >&- 2>&-", place)
    assert done.returncode == 0
    assert (place / "a.skosh").read_bytes().startswith(b"\x93SK")
    assert b"bw.png" not in (place / "a.skosh").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["cp1252", "ascii:strict"])
def test_characters_that_an_encoding_lacks_are_escaped(encoding: str, place: Path) -> None:
    shutil.copy(place / "in" / "0.png", place / "日本.png")
    coded = shell("skosh compress 日本.png in/1.png -o .", place, PYTHONIOENCODING=encoding)
    shown = shell("skosh info 日本.skosh 1.skosh", place, PYTHONIOENCODING=encoding)
    rows = shell("skosh info --json 日本.skosh 1.skosh", place, PYTHONIOENCODING=encoding)
    failed = shell("skosh info 中.skosh 1.skosh", place, PYTHONIOENCODING=encoding)
    assert [done.returncode for done in (coded, shown, rows, failed)] == [0, 0, 0, 1]
    assert b"\\u65e5\\u672c.png -> " in coded.stderr
    assert shown.stdout.startswith(b"\\u65e5\\u672c.skosh\n")
    assert b"\n1.skosh\n" in shown.stdout
    assert [json.loads(line)["file"] for line in rows.stdout.splitlines()] == ["日本.skosh", "1.skosh"]
    assert b"\\u4e2d.skosh: " in failed.stderr
    assert b"1.skosh\n" in failed.stdout


@pytest.mark.slow
def test_a_pipe_is_read_once_and_has_no_size(place: Path) -> None:
    due = shell("skosh compress - < in/0.png", place).stdout
    os.mkfifo(place / "pipe")
    for line in (
        "(cat in/0.png > pipe &); skosh compress pipe -o a.skosh",
        "skosh compress <(cat in/0.png) -o a.skosh",
    ):
        done = shell(line, place)
        assert done.returncode == 0
        assert b"larger" not in done.stderr
        assert (place / "a.skosh").read_bytes() == due
        (place / "a.skosh").unlink()
    done = shell("cat in/0.png | skosh compress /dev/stdin -o a.skosh --json", place)
    (row,) = json.loads(done.stdout)["files"]
    assert row["source_bytes"] == (place / "in" / "0.png").stat().st_size
    for line in ("skosh decompress pipe -o b.png", "skosh info pipe"):
        assert shell(f"(cat a.skosh > pipe &); {line}", place).returncode == 0


@pytest.mark.parametrize(("command", "suffix"), [("compress", "skosh"), ("decompress", "png")])
def test_a_pipe_of_something_else_is_refused_and_nobody_waits(command: str, suffix: str, place: Path) -> None:
    os.mkfifo(place / "pipe")
    done = shell(f"(echo words > pipe &); skosh {command} pipe -o a.{suffix}", place)
    assert done.returncode == 1
    assert re.search(rb"failed: pipe: (not a picture|this is not a .skosh file)", done.stderr)


@pytest.mark.parametrize("line", ["compress /dev/zero -o a", "decompress /dev/zero -o a.png", "info /dev/zero"])
def test_devices_which_may_have_no_end_are_refused(line: str, place: Path) -> None:
    done = shell(f"skosh {line}", place)
    assert done.returncode == 1
    assert b"/dev/zero: is a device" in done.stderr


def test_a_folder_with_a_picture_s_name_is_no_picture(place: Path) -> None:
    (place / "in" / "folder.png").mkdir()
    assert shell("skosh compress in -o out", place).returncode == 0
    done = shell("skosh decompress in/folder.png -o out", place)
    assert (done.returncode, b"nothing to do in in/folder.png" in done.stderr) == (1, True)


@pytest.mark.parametrize("name", ["encoder/analysis.onnx", "decoder/tables.npz", "manifest.json"])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_a_bundle_of_pipes_devices_and_folders_is_refused_at_once(kind: str, name: str, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(find(None), tmp_path / "bundle"))
    file = folder / name
    file.unlink()
    {"pipe": os.mkfifo, "device": lambda path: path.symlink_to("/dev/zero"), "folder": os.mkdir}[kind](file)
    with pytest.raises(BundleError, match=r"no ordinary file|Is a directory"):
        skosh.encode(np.zeros((8, 8, 3), np.uint8), model=folder)
