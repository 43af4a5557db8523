from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path

import pytest

from skosh import SkoshError, files
from skosh.batch.plan import plan
from skosh.batch.task import Existing, Job, Made
from skosh.batch.threads import run
from skosh.files import SKOSH, write_whole

PNG = {".png"}


def tree(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    return root


def targets(jobs: list[Job], root: Path) -> list[str]:
    return [str(job.target.relative_to(root)) for job in jobs]


def test_a_directory_is_mirrored(tmp_path: Path) -> None:
    album = tree(tmp_path / "album", "a.png", "sub/b.PNG", "sub/notes.txt")
    jobs = plan([album], tmp_path / "out", PNG, SKOSH)
    assert targets(jobs, tmp_path) == ["out/a.skosh", "out/sub/b.skosh"]


def test_without_out_outputs_stand_beside_their_inputs(tmp_path: Path) -> None:
    tree(tmp_path, "x/a.png", "y/b.png")
    jobs = plan([tmp_path / "x/a.png", tmp_path / "y"], None, PNG, SKOSH)
    assert targets(jobs, tmp_path) == ["x/a.skosh", "y/b.skosh"]


def test_out_is_a_file_for_one_input_and_a_directory_otherwise(tmp_path: Path) -> None:
    tree(tmp_path, "a.png", "b.png", "there/c.png")
    one, two, there = tmp_path / "a.png", tmp_path / "b.png", tmp_path / "there"
    assert targets(plan([one], tmp_path / "o", PNG, SKOSH), tmp_path) == ["o"]
    assert targets(plan([one], there, PNG, SKOSH), tmp_path) == ["there/a.skosh"]
    assert targets(plan([one, two], tmp_path / "o", PNG, SKOSH), tmp_path) == ["o/a.skosh", "o/b.skosh"]
    for name in ("o.skosh", "o.png"):
        with pytest.raises(SkoshError, match="name of a file where a directory is due"):
            plan([one, two], tmp_path / name, PNG, SKOSH)
        assert targets(plan([one, two], tmp_path / name, PNG, SKOSH, as_folder=True), tmp_path)[0] == f"{name}/a.skosh"


def test_two_inputs_that_would_write_one_output_are_refused_beforehand(tmp_path: Path) -> None:
    tree(tmp_path, "x/a.png", "y/a.png")
    with pytest.raises(SkoshError, match="both become"):
        plan([tmp_path / "x", tmp_path / "y"], tmp_path / "out", PNG, SKOSH)
    tree(tmp_path, "z/a.png", "z/a.jpg")
    tree(tmp_path, "z/b.png", "z/b.jpg")
    with pytest.raises(SkoshError, match=r"a\.skosh; .*b\.skosh: rename"):  # all of them at once
        plan([tmp_path / "z"], None, {".png", ".jpg"}, SKOSH)


def test_a_missing_input_has_a_job_that_fails(tmp_path: Path) -> None:
    (job,) = plan([tmp_path / "no.png"], None, PNG, SKOSH)
    (outcome,) = run([job], lambda source, target: Made(b"words"))
    assert outcome.error == "does not exist"
    assert not job.target.exists()


def test_empty_directories_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SkoshError, match="nothing to do"):
        plan([tree(tmp_path / "empty", "notes.txt")], None, PNG, SKOSH)


def test_one_failure_does_not_stop_the_others(tmp_path: Path) -> None:
    tree(tmp_path, "a.png", "b.png", "c.png")
    jobs = plan([tmp_path], tmp_path / "out", PNG, SKOSH)

    def convert(source: Path, target: Path) -> Made:
        if source.name == "b.png":
            raise SkoshError("no good")
        return Made(b"done", "fine")

    assert [outcome.error for outcome in run(jobs, convert)] == [None, "no good", None]
    assert [job.target.exists() for job in jobs] == [True, False, True]


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    tree(tmp_path, "a.png", "a.skosh")
    jobs = plan([tmp_path / "a.png"], None, PNG, SKOSH)
    (outcome,) = run(jobs, lambda source, target: Made(b"new"))
    assert outcome.error is not None
    assert "exists" in outcome.error
    assert (tmp_path / "a.skosh").read_bytes() == b"a.skosh"
    (outcome,) = run(jobs, lambda source, target: Made(b"new"), Existing.REPLACE)
    assert outcome.error is None
    assert (tmp_path / "a.skosh").read_bytes() == b"new"


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tree(tmp_path, "a") / "a"

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(target, b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
    assert target.read_bytes() == b"a"


def test_outputs_get_the_permissions_that_any_new_file_gets(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    write_whole(tmp_path / "made", b"")
    assert (tmp_path / "made").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_reader_of_the_old_file_never_sees_the_new_one(tmp_path: Path) -> None:
    target = tree(tmp_path, "a") / "a"
    with target.open("rb") as reader:
        write_whole(target, b"new and longer")
        assert reader.read() == b"a"
    assert target.read_bytes() == b"new and longer"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_an_input_is_never_overwritten_even_by_force(tmp_path: Path) -> None:
    tree(tmp_path, "a.png")
    with pytest.raises(SkoshError, match="is an input"):
        plan([tmp_path / "a.png"], tmp_path / "a.png", PNG, SKOSH)


def test_a_target_that_is_no_ordinary_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SkoshError, match="no ordinary file"):
        write_whole(tmp_path / "pipe", b"new")


def test_an_error_that_nobody_expected_is_the_picture_s_own(tmp_path: Path) -> None:
    tree(tmp_path, "a.png", "b.png")

    def convert(source: Path, target: Path) -> Made:
        if source.name == "a.png":
            raise IndexError("from deep inside")
        return Made(b"done")

    outcomes = list(run(plan([tmp_path], tmp_path / "out", PNG, SKOSH), convert))
    assert [outcome.error for outcome in outcomes] == ["IndexError: from deep inside", None]


def test_a_process_that_ends_while_a_thread_writes_leaves_no_half_file_and_begins_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing, go_on = threading.Event(), threading.Event()

    def slow(handle: int) -> None:
        writing.set()
        go_on.wait(10)

    monkeypatch.setattr(files, "_door", threading.Lock())
    monkeypatch.setattr(os, "fsync", slow)

    def write(name: str) -> None:
        with contextlib.suppress(OSError):
            write_whole(tmp_path / name, b"new")

    first, second = (threading.Thread(target=write, args=(name,), daemon=True) for name in "ab")
    first.start()
    assert writing.wait(10)
    files.remove_partials()
    second.start()
    go_on.set()
    first.join(10)
    second.join(0.2)
    assert second.is_alive()
    assert list(tmp_path.iterdir()) == []
    files._door.release()
