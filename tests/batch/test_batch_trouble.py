"""What goes wrong on disks: each failure names its file, and the rest goes on."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

import skosh
from skosh.batch.plan import plan
from skosh.batch.task import Existing, Job, Made
from skosh.batch.threads import run
from skosh.files import SKOSH

PNG = {".png"}
NOBODY = 65_534

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="permissions of Unix")


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that everybody may use, unlike pytest's."""
    folder = Path(tempfile.mkdtemp(prefix="skosh-"))
    folder.chmod(0o777)
    yield folder
    for path in folder.rglob("*"):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o777)
    shutil.rmtree(folder)


@contextlib.contextmanager
def nobody() -> Iterator[None]:
    """As a user to whom permissions mean something."""
    if os.geteuid():
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def album(place: Path, *names: str) -> Path:
    for name in names:
        path = place / "album" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return place / "album"


def convert(source: Path, target: Path) -> Made:
    return Made(source.read_bytes())


def outcomes(folder: Path, out: Path, existing: Existing = Existing.REFUSE, workers: int = 1) -> dict[str, str | None]:
    """Name of each input -> its error."""
    jobs = plan([folder], out, PNG, SKOSH)
    return {outcome.job.source.name: outcome.error for outcome in run(jobs, convert, existing, workers)}


def test_an_input_that_may_not_be_read_is_named(place: Path) -> None:
    folder = album(place, "a.png", "b.png", "c.png")
    (folder / "b.png").chmod(0)
    with nobody():
        found = outcomes(folder, place / "out")
    assert found == {"a.png": None, "b.png": f"Permission denied: {folder / 'b.png'}", "c.png": None}


def test_a_folder_that_may_not_be_read_is_a_failure_and_no_silence(place: Path) -> None:
    folder = album(place, "a.png", "closed/b.png", "open/c.png")
    (folder / "closed").chmod(0)
    with nobody():
        found = outcomes(folder, place / "out")
    assert found == {"a.png": None, "c.png": None, "closed": f"Permission denied: {folder / 'closed'}"}


def test_an_album_that_may_not_be_read_is_refused_beforehand(place: Path) -> None:
    folder = album(place, "a.png")
    folder.chmod(0)
    with nobody(), pytest.raises(PermissionError, match="album"):
        plan([folder], place / "out", PNG, SKOSH)


def test_an_output_that_may_not_be_written_is_named_by_its_own_name(place: Path) -> None:
    folder = album(place, "a.png", "sub/b.png")
    (place / "out" / "sub").mkdir(parents=True)
    (place / "out").chmod(0o777)
    (place / "out" / "sub").chmod(0o555)
    with nobody():
        found = outcomes(folder, place / "out")
    assert found == {"a.png": None, "b.png": f"Permission denied: {place / 'out' / 'sub' / 'b.skosh'}"}


def test_a_folder_in_the_place_of_an_output_stays(place: Path) -> None:
    folder = album(place, "a.png", "b.png")
    (place / "out" / "a.skosh").mkdir(parents=True)
    for existing in (Existing.REFUSE, Existing.REPLACE):
        found = outcomes(folder, place / "out", existing)
        assert "a.skosh" in (found["a.png"] or "")
        shutil.rmtree(place / "out" / "b.skosh", ignore_errors=True)
    assert (place / "out" / "a.skosh").is_dir()
    assert (place / "out" / "b.skosh").read_bytes() == b"b.png"


def test_a_file_in_the_place_of_an_output_s_folder_stays(place: Path) -> None:
    folder = album(place, "a.png", "sub/b.png")
    (place / "out").mkdir()
    (place / "out" / "sub").write_bytes(b"precious")
    found = outcomes(folder, place / "out")
    assert found["a.png"] is None
    assert str(place / "out" / "sub") in (found["b.png"] or "")
    assert (place / "out" / "sub").read_bytes() == b"precious"


@pytest.mark.parametrize("existing", [Existing.REFUSE, Existing.SKIP])
def test_an_output_that_appears_during_the_run_stays(place: Path, existing: Existing) -> None:
    folder = album(place, "a.png", "b.png")
    target = place / "out" / "a.skosh"

    def slow(source: Path, out: Path) -> Made:
        if source.name == "a.png":
            target.parent.mkdir()
            target.write_bytes(b"somebody else's")
        return Made(b"ours")

    first, second = run(plan([folder], place / "out", PNG, SKOSH), slow, existing)
    assert first.error == (None if existing is Existing.SKIP else f"File exists: {target}")
    assert first.skipped == (existing is Existing.SKIP)
    assert second.error is None
    assert target.read_bytes() == b"somebody else's"
    assert sorted(path.name for path in target.parent.iterdir()) == ["a.skosh", "b.skosh"]


def test_a_link_to_nowhere_in_the_place_of_an_output_stays(place: Path) -> None:
    folder = album(place, "a.png")
    (place / "out").mkdir()
    (place / "out" / "a.skosh").symlink_to(place / "nowhere")
    assert "exists" in (outcomes(folder, place / "out")["a.png"] or "")
    assert not (place / "nowhere").exists()


def test_a_link_to_nowhere_among_the_inputs_is_a_failure_and_no_silence(place: Path) -> None:
    folder = album(place, "a.png")
    (folder / "b.png").symlink_to(place / "nowhere")
    (folder / "notes.txt").symlink_to(place / "nowhere")
    (folder / ".#a.png").symlink_to("somebody@somewhere.1234")  # the lock of an editor
    assert outcomes(folder, place / "out") == {"a.png": None, "b.png": "does not exist"}


def test_read_only_inputs_are_converted(place: Path) -> None:
    folder = album(place, "a.png")
    (folder / "a.png").chmod(0o444)
    with nobody():
        assert outcomes(folder, place / "out") == {"a.png": None}


def test_an_input_that_disappears_is_named(place: Path) -> None:
    folder = album(place, "a.png", "b.png")
    jobs = plan([folder], place / "out", PNG, SKOSH)
    (folder / "a.png").unlink()
    first, second = run(jobs, convert)
    assert first.error == "does not exist"
    assert second.error is None


@pytest.mark.parametrize("workers", [1, 2])
def test_jobs_run_beside_the_thread_that_waits_for_an_interruption(place: Path, workers: int) -> None:
    folder = album(place, "a.png", "b.png")
    seen = set()

    def where(source: Path, target: Path) -> Made:
        seen.add(threading.current_thread())
        return Made(b"")

    assert all(outcome.error is None for outcome in run(plan([folder], None, PNG, SKOSH), where, workers=workers))
    assert threading.main_thread() not in seen


@pytest.fixture
def pictures(place: Path, photo: Image.Image) -> Path:
    folder = place / "album"
    folder.mkdir()
    photo.crop((0, 0, 64, 64)).save(folder / "a.png")
    photo.crop((0, 0, 400, 300)).save(folder / "b.png")
    photo.crop((64, 0, 128, 64)).save(folder / "c.png")
    return folder


def compress(*arguments: object, disk: int = 1 << 40) -> subprocess.CompletedProcess[str]:
    """The command, on a disk where a file may have so many bytes."""
    command = [sys.executable, "-m", "skosh", "compress", *map(str, arguments), "--json"]
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (disk, disk))  # noqa: E731
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, preexec_fn=limit)


def test_a_full_disk_is_named_with_its_file_and_the_rest_goes_on(pictures: Path, place: Path) -> None:
    done = compress(pictures, "-o", place / "out", "-q", 90, disk=2000)
    assert done.returncode == 1
    assert f"failed: {pictures / 'b.png'}: File too large: {place / 'out' / 'b.skosh'}" in done.stderr
    assert sorted(path.name for path in (place / "out").iterdir()) == ["a.skosh", "c.skosh"]


def test_the_report_says_what_became_of_every_file(pictures: Path, place: Path) -> None:
    out = place / "out"
    out.mkdir()
    (out / "a.skosh").write_bytes(b"there already")
    (pictures / "b.png").write_bytes(b"words")
    done = compress(pictures, "-o", out, "--skip-existing", "-q", 40)
    report = json.loads(done.stdout)
    coded = (out / "c.skosh").read_bytes()
    assert done.returncode == 1
    assert report.pop("seconds") > 0
    assert {key: report[key] for key in report if key != "files"} == {
        "done": 1,
        "skipped": 1,
        "failed": 1,
        "not_done": 0,
    }
    a, b, c = report["files"]
    assert (a["status"], a["target"]) == ("skipped", str(out / "a.skosh"))
    assert (b["status"], b["error"]) == ("failed", "not a picture of a known kind")
    assert (c["status"], c["source"], c["warnings"]) == ("done", str(pictures / "c.png"), [])
    assert (c["bytes"], c["width"], c["height"], c["quality"]) == (len(coded), 64, 64, 40)
    assert c["source_bytes"] == (pictures / "c.png").stat().st_size
    assert c["model_id"] == skosh.info(coded)["model_id"]


def test_two_inputs_for_one_output_are_refused_before_anything_is_written(pictures: Path, place: Path) -> None:
    shutil.copy(pictures / "a.png", pictures / "a.jpg")
    done = compress(pictures, "-o", place / "out")
    assert done.returncode == 1
    assert "both become" in done.stderr
    assert not (place / "out").exists()


def test_names_that_would_move_a_terminal_s_cursor_or_are_no_text_are_shown_escaped(place: Path) -> None:
    folder = place / "album"
    folder.mkdir()
    (folder / "a\x1b[2J\n.png").write_bytes(b"words")
    with open(os.fsencode(folder) + b"/b\xff.png", "wb") as file:
        file.write(b"words")
    done = compress(folder, "-o", place / "out")
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert lines[0] == f"failed: {folder}/a\\x1b[2J\\n.png: not a picture of a known kind"
    assert lines[1] == f"failed: {folder}/b\\udcff.png: not a picture of a known kind"
    assert [os.fsencode(row["source"])[-6:] for row in json.loads(done.stdout)["files"]] == [
        b"J\n.png",
        b"/b\xff.png"[-6:],
    ]


def test_one_input_that_can_not_be_reached_does_not_stop_the_others(place: Path) -> None:
    folder = album(place, "a.png")
    closed = album(place / "other", "b.png")
    closed.chmod(0)
    inputs = [folder / "a.png", closed / "b.png", closed, place / ("x" * 300 + ".png")]
    with nobody():
        found = [outcome.error for outcome in run(plan(inputs, place / "out", PNG, SKOSH), convert)]
    assert sorted(error is None for error in found) == [False, False, False, True]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_an_output_that_is_a_pipe_is_refused_with_the_way_to_write_to_one(place: Path) -> None:
    album(place, "a.png")
    os.mkfifo(place / "pipe")
    for existing in Existing:
        (outcome,) = run([Job(place / "album" / "a.png", place / "pipe")], convert, existing)
        assert "-o - writes to standard output" in str(outcome.error)
