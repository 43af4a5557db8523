"""Partial files of killed runs, and two runs into one folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from skosh.batch.task import Existing, Job, Made
from skosh.batch.threads import run
from skosh.files import LEFT_OVER, partials, remove_left_partials, remove_partials, write_whole

unix = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

WRITER = """
import os, sys, time
from pathlib import Path
from skosh import files
def stuck(handle):
    print("writing", flush=True)
    time.sleep(600)
os.fsync = stuck
files.write_whole(Path(sys.argv[1]) / "a.skosh", b"half a file")
"""


def writer(folder: Path) -> subprocess.Popen[str]:
    """A process amid writing a file."""
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    return process


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def into(folder: Path) -> None:
    """A run that writes one file into the folder."""
    job = Job(folder.parent / "source", folder / "b.skosh")
    job.source.write_bytes(b"")
    (outcome,) = run([job], lambda source, target: Made(b"whole"))
    assert outcome.error is None


@unix
def test_what_a_killed_run_left_is_removed_by_the_next_one_and_what_a_live_one_writes_is_not(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    with writer(folder) as process:
        try:
            (partial,) = names(folder)
            into(folder)
            assert names(folder) == [partial, "b.skosh"]
            (folder / "b.skosh").unlink()
            process.send_signal(signal.SIGKILL)
            limit = time.monotonic() + 30
            while names(folder) != ["b.skosh"]:  # before anybody has asked what became of it
                assert time.monotonic() < limit
                (folder / "b.skosh").unlink(missing_ok=True)
                into(folder)
        finally:
            process.kill()


@unix
def test_a_number_that_another_process_has_got_since_saves_no_partial_file(tmp_path: Path) -> None:
    with writer(tmp_path) as process:
        (name,) = names(tmp_path)
        system, pid, start, number = name.removeprefix(".skosh-").removesuffix(".partial").split("-")
        process.kill()
    assert int(pid) == process.pid
    (tmp_path / name).unlink()
    reused = tmp_path / f".skosh-{system}-{os.getpid()}-{int(start) - 1}-{number}.partial"
    reused.write_bytes(b"")
    remove_left_partials(tmp_path)
    assert names(tmp_path) == ([] if sys.platform.startswith("linux") else [reused.name])


@pytest.mark.parametrize("name", [".skosh-00000000-1-1-00000000.partial", ".skosh-0123456789abcdef.partial"])
def test_partial_files_of_other_machines_are_removed_after_an_hour(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"")
    (tmp_path / ".skosh-notes.partial").write_bytes(b"somebody's")
    os.utime(tmp_path / ".skosh-notes.partial", (0, 0))
    for age, left in ((0, 2), (0.9 * LEFT_OVER, 2), (1.1 * LEFT_OVER, 1)):
        then = time.time() - age
        os.utime(tmp_path / name, (then, then))
        remove_left_partials(tmp_path)
        assert len(names(tmp_path)) == left
    remove_left_partials(tmp_path / "nowhere")


@unix
def test_a_process_made_by_fork_leaves_the_partial_files_of_its_parent(tmp_path: Path) -> None:
    partial = tmp_path / "half"
    partial.write_bytes(b"")
    partials.add(partial)
    try:
        if not (child := os.fork()):
            remove_partials()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert partial.exists()
    finally:
        partials.discard(partial)


def test_an_output_that_another_run_wrote_meanwhile_is_skipped(tmp_path: Path) -> None:
    jobs = [Job(tmp_path / name, tmp_path / f"{name}.skosh") for name in "ab"]
    for job in jobs:
        job.source.write_bytes(b"")

    def slow(source: Path, target: Path) -> Made:
        if source.name == "a":
            write_whole(target, b"the other's")
        return Made(b"ours")

    first, second = run(jobs, slow, Existing.SKIP)
    assert (first.skipped, first.error, first.made) == (True, None, None)
    assert (second.skipped, second.error) == (False, None)
    assert (tmp_path / "a.skosh").read_bytes() == b"the other's"


@pytest.mark.slow
def test_two_runs_into_one_folder_both_end_well(tmp_path: Path, photo: Image.Image) -> None:
    (tmp_path / "in").mkdir()
    for n in range(12):
        photo.crop((n, n, n + 64, n + 64)).save(tmp_path / "in" / f"{n}.png")
    command = [sys.executable, "-m", "skosh", "compress", "in", "-o", "out", "--skip-existing", "--threads", "1"]
    both = [subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=120)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert len(names(tmp_path / "out")) == 12
    told = [sum(line.startswith("in/") for line in text.splitlines()) for text in said]
    assert told == [12, 12], said
