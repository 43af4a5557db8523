"""The command as a user calls it: a process, its exit status, its two outputs."""

from __future__ import annotations

import io
import json
import re
import signal
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skosh.cli.work import shared_out


@pytest.fixture
def skosh(tiny_bundle: Path, tmp_path: Path):  # type: ignore[no-untyped-def]
    def call(
        *arguments: object, stdin: bytes = b"", bundle: object = tiny_bundle
    ) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "skosh", *map(str, arguments)]
        if bundle is not None and arguments[0] in ("compress", "decompress"):
            command += ["--model", str(bundle)]
        return subprocess.run(command, input=stdin, capture_output=True, cwd=tmp_path, timeout=120, check=False)

    return call


@pytest.fixture
def album(tmp_path: Path, photo: Image.Image) -> Path:
    folder = tmp_path / "album"
    (folder / "sub").mkdir(parents=True)
    photo.crop((0, 0, 100, 80)).save(folder / "a.png")
    photo.crop((50, 50, 120, 150)).save(folder / "sub" / "b.jpg")
    return folder


def test_a_picture_goes_there_and_back(skosh, album: Path) -> None:
    assert skosh("compress", album / "a.png").returncode == 0
    done = skosh("decompress", album / "a.skosh", "-o", album / "back.png")
    assert (done.returncode, done.stdout) == (0, b"")
    with Image.open(album / "back.png") as back:
        assert (back.format, back.size, back.mode) == ("PNG", (100, 80), "RGB")


def test_a_directory_goes_there_and_back(skosh, album: Path, tmp_path: Path) -> None:
    assert skosh("compress", album, "-o", "small", "-q", 70).returncode == 0
    assert skosh("decompress", "small", "-o", "back").returncode == 0
    back = tmp_path / "back"
    assert sorted(str(p.relative_to(back)) for p in back.rglob("*.*")) == ["a.png", "sub/b.png"]


def test_a_broken_picture_does_not_stop_the_others_and_is_named_at_the_end(skosh, album: Path, tmp_path: Path) -> None:
    (album / "broken.png").write_bytes((album / "a.png").read_bytes()[:2000])
    done = skosh("compress", album, "-o", "small")
    assert done.returncode == 1
    last = done.stderr.decode().splitlines()[-2:]
    assert "broken.png" in last[0]
    assert re.fullmatch(r"1 of 3 failed, 2 done: .* kB -> .* kB \(-\d+ %\), .* s", last[1])
    assert sorted(p.name for p in (tmp_path / "small").rglob("*.*")) == ["a.skosh", "b.skosh"]


def test_a_pipe_carries_data_alone(skosh, album: Path) -> None:
    coded = skosh("compress", "-", stdin=(album / "a.png").read_bytes())
    assert (coded.returncode, coded.stderr) == (0, b"")
    assert coded.stdout.startswith(b"\x93SK\x01")
    back = skosh("decompress", "-", stdin=coded.stdout)
    assert back.returncode == 0
    assert Image.open(io.BytesIO(back.stdout)).size == (100, 80)


def test_info_speaks_to_people_and_to_programs(skosh, album: Path) -> None:
    skosh("compress", album / "a.png", "-q", 12)
    found = json.loads(skosh("info", album / "a.skosh", "--json").stdout)
    assert (found["width"], found["height"], found["quality"]) == (100, 80, 12)
    text = skosh("info", album / "a.skosh").stdout.decode()
    assert "not installed" in text
    assert found["model_id"] in text


def test_a_line_says_sizes_quality_and_time_and_a_batch_ends_with_totals(skosh, album: Path) -> None:
    lines = skosh("compress", album, "-o", "small", "-q", 12).stderr.decode().splitlines()
    sizes = r"[\d.]+ k?B -> [\d.]+ k?B \(-\d+ %\)"
    assert re.fullmatch(
        rf".*a\.png -> small/a\.skosh  {sizes}, q 12, [\d.]+ s", next(line for line in lines if "a.png" in line)
    ), lines
    assert re.fullmatch(rf"2 of 2 done: {sizes}, [\d.]+ s", lines[-1]), lines
    lines = skosh("decompress", "small", "-o", "back").stderr.decode().splitlines()
    assert re.fullmatch(r"small/a\.skosh -> back/a\.png  \d+ B -> [\d.]+ kB, 100x80, q 12, [\d.]+ s", min(lines[:2])), (
        lines
    )
    again = skosh("compress", album, "-o", "small", "--skip-existing")
    assert again.stderr.decode().splitlines()[-1].startswith("2 of 2 skipped, ")


def test_quiet_says_nothing_of_what_goes_well_and_verbose_what_each_file_goes_through(skosh, album: Path) -> None:
    assert skosh("compress", album, "-o", "small", "--quiet").stderr == b""
    failing = skosh("compress", album / "a.png", "missing.png", "-o", "small", "--quiet", "--force").stderr.decode()
    assert [line.split(":")[0] for line in failing.splitlines()] == ["failed", "1 of 2 failed, 1 done"]
    said = skosh("compress", album / "a.png", "-v").stderr.decode()
    assert re.search(r"\d bpp, model [0-9a-f]{16}$", said.strip())


def test_a_report_says_how_long_it_took(skosh, album: Path) -> None:
    for arguments in (["compress", album, "-o", "small"], ["decompress", "small", "-o", "back"]):
        report = json.loads(skosh(*arguments, "--json").stdout)
        assert report["seconds"] > 0
        assert all(row["seconds"] > 0 and row["bytes"] > 0 and row["source_bytes"] > 0 for row in report["files"])


def test_info_of_a_folder_shows_all_below_it_and_totals(skosh, album: Path, tmp_path: Path) -> None:
    skosh("compress", album, "-o", "small")
    (tmp_path / "small" / "broken.skosh").write_bytes(b"nothing")
    done = skosh("info", "small")
    text = done.stdout.decode()
    assert done.returncode == 1
    assert [name in text for name in ("small/a.skosh", "small/sub/b.skosh", "small/broken.skosh")] == [
        True,
        True,
        False,
    ]
    assert re.search(r"^2 files, [\d.]+ k?B, 0\.0 megapixels, [\d.]+ bits a pixel; 1 can't be read$", text, re.M), text
    assert len(skosh("info", "small", "--json").stdout.splitlines()) == 3
    (tmp_path / "empty").mkdir()
    refused(skosh("info", "empty"), "no .skosh files below it")


def damaged(data: bytes) -> bytes:
    return data[:60] + bytes([data[60] ^ 4]) + data[61:]


BAD_PICTURES = {
    "text": (lambda png: b"these are words\n" * 9, "not a picture"),
    "empty": (lambda png: b"", "empty file"),
    "truncated": (lambda png: png[: len(png) // 2], "can't read the picture"),
}


@pytest.mark.parametrize("kind", BAD_PICTURES)
def test_a_bad_picture_gives_a_clear_message_and_nothing_else(skosh, album: Path, kind: str) -> None:
    spoil, message = BAD_PICTURES[kind]
    bad = album / "bad.png"
    bad.write_bytes(spoil((album / "a.png").read_bytes()))
    refused(skosh("compress", bad), message, "bad.png")
    assert not list(album.glob("*.skosh")) + list(album.glob(".*"))


BAD_FILES = {
    "text": (lambda data: b"these are words\n" * 9, "not a .skosh file"),
    "empty": (lambda data: b"", "empty"),
    "truncated": (lambda data: data[:-20], "cut short"),
    "one bit flipped": (damaged, "checksum"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_bad_file_gives_a_clear_message_and_nothing_else(skosh, album: Path, kind: str) -> None:
    spoil, message = BAD_FILES[kind]
    skosh("compress", album / "a.png")
    bad = album / "bad.skosh"
    bad.write_bytes(spoil((album / "a.skosh").read_bytes()))
    refused(skosh("decompress", bad), message, "bad.skosh")
    assert not (album / "bad.png").exists()
    refused(skosh("info", bad), message, "bad.skosh")


def refused(done: subprocess.CompletedProcess[bytes], *words: str) -> None:
    assert done.returncode == 1
    assert done.stdout == b""
    text = done.stderr.decode()
    assert all(word in text for word in words), text
    assert "Traceback" not in text


def test_a_file_of_an_unknown_model_is_refused_with_its_id(skosh, album: Path) -> None:
    skosh("compress", album / "a.png")
    found = json.loads(skosh("info", album / "a.skosh", "--json").stdout)
    refused(skosh("decompress", album / "a.skosh", "-o", album / "b.png", bundle=None), found["model_id"], "--model")


def test_an_output_folder_that_can_not_be_made_is_named(skosh, album: Path) -> None:
    (album / "file").write_bytes(b"")
    refused(skosh("compress", album / "a.png", "-o", album / "file" / "small.skosh"), "file")
    refused(skosh("compress", album / "a.png", "-o", "/proc/nowhere/a.skosh"), "/proc/nowhere")


def test_existing_outputs_stay_unless_forced(skosh, album: Path) -> None:
    (album / "a.skosh").write_bytes(b"precious")
    refused(skosh("compress", album / "a.png"), "--force")
    assert (album / "a.skosh").read_bytes() == b"precious"
    assert skosh("compress", album / "a.png", "--force").returncode == 0


@pytest.mark.parametrize(
    "arguments",
    [["compress"], ["compress", "a.png", "-q", "101"], ["compress", "-", "a.png"], ["info"], ["nonsense"]],
)
def test_wrong_usage_exits_with_two(skosh, arguments: list[str]) -> None:
    assert skosh(*arguments, bundle=None).returncode == 2


def test_an_output_without_a_name_is_a_usage_error_and_not_this_folder(skosh, album: Path) -> None:
    assert skosh("compress", album / "a.png", "-o", "").returncode == 2
    assert skosh("decompress", album / "a.skosh", "-o", "").returncode == 2


def test_a_pipe_into_a_directory_names_it_as_the_trouble(skosh, album: Path) -> None:
    data = (album / "a.png").read_bytes()
    done = subprocess.run(
        [sys.executable, "-m", "skosh", "compress", "-", "-o", album], input=data, capture_output=True, check=False
    )
    refused(done, "is a directory")


def test_a_pipe_into_a_file_can_be_reported_and_one_to_standard_output_can_not(skosh, album: Path) -> None:
    picture = (album / "a.png").read_bytes()
    done = skosh("compress", "-", "-o", "a.skosh", "--json", stdin=picture)
    (row,) = json.loads(done.stdout)["files"]
    assert (done.returncode, row["status"], row["source"], row["target"]) == (0, "done", "-", "a.skosh")
    assert row["source_bytes"] == len(picture)
    again = skosh("compress", "-", "-o", "a.skosh", "--json", stdin=picture)
    assert (again.returncode, json.loads(again.stdout)["failed"]) == (1, 1)
    assert b"exists" in again.stderr
    skipped = skosh("compress", "-", "-o", "a.skosh", "--json", "--skip-existing", stdin=picture)
    assert (skipped.returncode, json.loads(skipped.stdout)["skipped"]) == (0, 1)
    for output in ([], ["-o", "-"]):
        done = skosh("compress", "-", *output, "--json", stdin=picture)
        assert (done.returncode, done.stdout) == (2, b"")


def test_info_without_a_standard_input_says_so() -> None:
    done = subprocess.run(f"{sys.executable} -m skosh info - <&-", shell=True, capture_output=True, check=False)
    refused(done, "standard input is closed")


def test_a_wrong_model_is_reported_once_and_a_wrong_suffix_before_anything_is_decoded(skosh, album: Path) -> None:
    assert skosh("compress", album / "a.png", album / "sub" / "b.jpg").returncode == 0
    done = skosh(
        "decompress",
        album / "a.skosh",
        album / "sub" / "b.skosh",
        "-o",
        album / "out",
        "--model",
        "nothing",
        bundle=None,
    )
    refused(done, "nothing")
    assert done.stderr.count(b"nothing") == 1
    (album / "a.skosh").write_bytes((album / "a.skosh").read_bytes()[:-5])
    refused(skosh("decompress", album / "a.skosh", "-o", album / "a.xyz"), "can't write pictures as .xyz")


def test_a_missing_file_exits_with_one(skosh) -> None:
    refused(skosh("compress", "missing.png"), "missing.png: does not exist")
    refused(skosh("info", "missing.skosh"), "missing.skosh")


def test_a_missing_file_does_not_stop_the_others(skosh, album: Path) -> None:
    refused(skosh("compress", "missing.png", album / "a.png"), "missing.png: does not exist", "1 of 2 failed")
    assert (album / "a.skosh").exists()


def test_a_file_that_is_larger_than_its_source_is_said(skosh, album: Path) -> None:
    rng = np.random.default_rng(1)
    Image.fromarray(255 * rng.integers(0, 2, (64, 64), np.uint8)).convert("1").save(album / "bits.png")
    assert b"larger than the picture" in skosh("compress", album / "bits.png", "-q", 100).stderr
    assert b"larger than" not in skosh("compress", album / "a.png").stderr


@pytest.mark.parametrize("command", ["compress", "decompress", "info", "compare"])
def test_an_empty_name_is_a_usage_error_and_not_this_folder(skosh, album: Path, command: str) -> None:
    assert skosh(command, "", bundle=None).returncode == 2
    assert not list(album.rglob("*.skosh"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
def test_a_standard_output_that_is_full_ends_in_one_line(skosh, album: Path) -> None:
    assert skosh("compress", album / "a.png").returncode == 0
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "skosh", "info", album / "a.skosh"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "skosh: standard output: No space left on device\n"


def test_what_is_lost_is_said(skosh, album: Path) -> None:
    Image.fromarray(np.full((9, 9), 30000, np.uint16)).save(album / "deep.png")
    done = skosh("compress", album / "deep.png")
    assert done.returncode == 0
    assert b"deep.png: 16-bit grey is reduced to 8 bits" in done.stderr


def test_a_file_goes_to_standard_output(skosh, album: Path) -> None:
    done = skosh("compress", album / "a.png", "-o", "-")
    assert done.returncode == 0
    assert done.stdout.startswith(b"\x93SK\x01")


def test_a_skosh_file_is_not_written_under_the_name_of_a_picture(skosh, album: Path) -> None:
    done = skosh("compress", album / "a.png", "-o", album / "b.png")
    assert done.returncode == 2
    assert not (album / "b.png").exists()


def test_a_missing_model_is_reported_once(skosh, album: Path) -> None:
    refused(done := skosh("compress", album, "-o", "small", "--model", "no such model", bundle=None), "no such model")
    assert len(done.stderr.splitlines()) == 1


def test_an_output_that_ends_in_a_slash_is_a_directory(skosh, album: Path, tmp_path: Path) -> None:
    assert skosh("compress", album / "a.png", "-o", "new/folder/").returncode == 0
    assert (tmp_path / "new" / "folder" / "a.skosh").is_file()
    assert skosh("compress", album / "a.png", "-q", 12, "--target-psnr", 30, "-o", "other/").returncode == 2
    assert not (tmp_path / "other").exists()  # nothing is made for a call that is wrong
    assert skosh("compress", "-", "-o", "other/").returncode == 2
    (tmp_path / "file.skosh").write_bytes(b"precious")
    for arguments in ([album / "a.png", "-o", "file.skosh/"], [album, "-o", "file.skosh"]):
        refused(skosh("compress", *arguments, "--force"), "file.skosh is no directory")
    assert (tmp_path / "file.skosh").read_bytes() == b"precious"


@pytest.mark.slow
def test_a_damaged_file_s_message_names_salvage_only_where_something_is_left(skosh, album: Path) -> None:
    def said(content: bytes) -> bytes:
        (album / "a.skosh").write_bytes(content)
        done = skosh("decompress", album / "a.skosh", "-o", "back.png")
        assert done.returncode == 1
        return done.stderr

    skosh("compress", album / "a.png", "--tile", 64)  # four tiles
    whole = (album / "a.skosh").read_bytes()
    assert b"; --salvage shows what is left" in said(whole[:-20])
    newer = b"Q\0" + zlib.crc32(b"Q").to_bytes(4, "little")
    for lost in (
        b"GIF89a" + whole,
        whole[:3] + b"\x02" + whole[4:],
        whole[:30],
        whole + newer,
    ):  # another file, another version, no tile, a chunk of another version
        assert b"--salvage" not in said(lost)


def test_help_has_a_short_name_as_well(skosh) -> None:
    for command in ([], ["compress"], ["eval"]):
        done = skosh(*command, "-h", bundle=None)
        assert done.returncode == 0
        assert b"Usage" in done.stdout


@pytest.mark.slow
def test_effort_makes_another_file_of_which_the_decoder_knows_nothing(skosh, album: Path, plain_bundle: Path) -> None:
    assert skosh("compress", album / "a.png", "-o", "plain.skosh").returncode == 0
    assert skosh("compress", album / "a.png", "-o", "slow.skosh", "--effort", 2).returncode == 0
    plain, slow = (album.parent / f"{name}.skosh" for name in ("plain", "slow"))
    assert slow.read_bytes() != plain.read_bytes()
    assert skosh("decompress", slow).returncode == 0
    done = skosh("compress", album / "a.png", "-o", "no.skosh", "--effort", 1, "--model", plain_bundle, bundle=None)
    assert done.returncode == 1
    assert b"no efforts" in done.stderr


def test_an_empty_region_is_a_usage_error_and_not_the_whole_picture(skosh, album: Path) -> None:
    assert skosh("compress", album / "a.png").returncode == 0
    assert skosh("decompress", album / "a.skosh", "--region", "").returncode == 2
    assert not (album / "a_skosh.png").exists()


@pytest.mark.parametrize(
    ("threads", "workers", "jobs", "due"),
    [(1, 8, 20, (1, 1)), (4, 2, 20, (2, 2)), (4, 0, 1, (1, 4)), (3, 8, 2, (2, 1))],
)
def test_threads_are_the_most_that_all_workers_have_together(
    threads: int, workers: int, jobs: int, due: tuple[int, int]
) -> None:
    assert shared_out(threads, workers, jobs) == due


@pytest.mark.slow
def test_transparency_that_a_format_cannot_hold_is_said(skosh, album: Path, photo: Image.Image) -> None:
    clear = photo.crop((0, 0, 64, 64))
    clear.putalpha(100)
    clear.save(album / "clear.png")
    assert skosh("compress", album / "clear.png").returncode == 0
    for kind in ("ppm", "bmp", "gif"):
        done = skosh("decompress", album / "clear.skosh", "-o", album / f"clear.{kind}")
        assert b"without transparency" in done.stderr
        with Image.open(album / f"clear.{kind}") as shown:
            assert not shown.has_transparency_data
    for kind in ("webp", "tif", "tga", "jp2", "avif"):
        assert skosh("decompress", album / "clear.skosh", "-o", album / f"clear.{kind}").returncode == 0
        with Image.open(album / f"clear.{kind}") as shown:
            assert np.all(np.abs(np.asarray(shown.convert("RGBA"))[..., 3].astype(int) - 100) <= 1)


@pytest.mark.parametrize("kind", ["ico", "pdf", "icns"])
def test_kinds_that_would_not_keep_the_picture_are_refused(skosh, album: Path, kind: str) -> None:
    assert skosh("compress", album / "a.png").returncode == 0
    refused(skosh("decompress", album / "a.skosh", "-o", album / f"b.{kind}"), f"can't write pictures as .{kind}")
    assert not (album / f"b.{kind}").exists()


def test_info_escapes_what_moves_a_cursor_in_a_name(skosh, album: Path) -> None:
    assert skosh("compress", album / "a.png", "-o", album / "a\x1b[2J.skosh").returncode == 0
    shown = skosh("info", album / "a\x1b[2J.skosh")
    assert shown.returncode == 0
    assert b"\x1b" not in shown.stdout


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143)])
def test_a_command_that_is_killed_says_so_by_its_status(number: int, status: int) -> None:
    command = [
        sys.executable,
        "-c",
        "import skosh.cli.show as s, skosh.cli as c; "
        "s.read_file = lambda _: (print('here', flush=True), __import__('time').sleep(60)); c.main()",
        "info",
        "a",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"here\n"
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, b"Traceback" in errors) == (status, False)


def test_names_that_no_file_can_have_cost_themselves_alone(skosh, album: Path) -> None:
    long = "x" * 300
    assert skosh("compress", album / "a.png").returncode == 0
    shown = skosh("info", f"{long}.skosh", album / "a.skosh")
    assert (shown.returncode, b"100x80" in shown.stdout, b"Traceback" in shown.stderr) == (1, True, False)
    done = skosh("compress", f"{long}.png", album / "sub" / "b.jpg", "-o", "out/")
    assert (done.returncode, b"1 done" in done.stderr, b"Traceback" in done.stderr) == (1, True, False)
    wrong = skosh("compress", album / "sub" / "b.jpg", "--model", long, bundle=None)
    assert (wrong.returncode, b"no model" in wrong.stderr, b"Traceback" in wrong.stderr) == (1, True, False)
