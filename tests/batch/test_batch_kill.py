"""A batch that is killed, interrupted or piped into a reader that stops: no half file under a final name, ever."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

import skosh

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")

FORKER = """
import os, signal, sys, time
import onnxruntime, skosh.cli.commands, skosh.codec.decoder, skosh.codec.encoder  # before the forks
from skosh.cli import main

sync = os.fsync
def slow_sync(handle):  # so that many a kill hits between writing and naming
    time.sleep(0.01)
    sync(handle)
os.fsync = slow_sync
def names(folder):
    return os.listdir(folder) if os.path.isdir(folder) else []
print("ready", flush=True)
for line in sys.stdin:
    delay, folder, *arguments = line.split()
    before = names(folder)
    child = os.fork()
    if not child:
        sys.argv = ["skosh", *arguments]
        devnull = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(devnull, stream)
        main()
    limit = time.monotonic() + 20
    while names(folder) == before and time.monotonic() < limit:
        time.sleep(0.002)  # until it begins to write
    time.sleep(float(delay))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    print("killed", flush=True)
"""


def seconds(limit: float) -> float:
    """So many on a machine that has nothing else to do."""
    return limit * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


@pytest.fixture
def album(tmp_path: Path, photo: Image.Image) -> Path:
    folder = tmp_path / "album"
    folder.mkdir()
    for n in range(24):
        photo.crop((n * 5, n * 3, n * 5 + 64, n * 3 + 64)).save(folder / f"{n:02}.png")
    return folder


def killed(kills: int, album: Path, small: Path) -> int:
    """Start as many batches and kill them at random moments; return how many left a partial file."""
    rng = random.Random(0)
    command = [sys.executable, "-c", FORKER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as forker:
        assert forker.stdin is not None
        assert forker.stdout is not None
        assert forker.stdout.readline() == "ready\n"
        hits = 0
        for _ in range(kills):
            before = len(list(small.glob(".*.partial")))
            print(
                f"{rng.uniform(0, 0.4)} {small} compress {album} -o {small} --skip-existing --workers 2",
                file=forker.stdin,
            )
            assert forker.stdout.readline() == "killed\n"
            hits += len(list(small.glob(".*.partial"))) > before
            found = sorted(small.glob("*.skosh"))
            for path in found:
                skosh.decode(path.read_bytes())
            for path in rng.sample(found, len(found) // 2):
                path.unlink()  # there has to be something left to do
        forker.stdin.close()
    return hits


@pytest.mark.slow
@pytest.mark.parametrize("kills", [10, pytest.param(100, marks=pytest.mark.long)])
def test_a_batch_that_is_killed_leaves_whole_files_only_and_goes_on_from_there(
    album: Path, tmp_path: Path, kills: int
) -> None:
    small = tmp_path / "small"
    hits = killed(kills, album, small)
    assert kills < 100 or hits > kills // 10  # else nothing was tried; ten may all miss on a busy machine
    done = run("compress", album, "-o", small, "--skip-existing")
    assert done.returncode == 0
    assert sorted(path.stem for path in small.glob("*.skosh")) == sorted(path.stem for path in album.iterdir())
    for path in small.glob("*.skosh"):
        assert skosh.decode(path.read_bytes()).size == (64, 64)


def run(*arguments: object) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "skosh", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, timeout=120, check=False)


def started(*arguments: object, stdout: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "skosh", *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE)


def wait_for(path: Path) -> None:
    limit = time.monotonic() + seconds(60)
    while not path.exists():
        assert time.monotonic() < limit
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "status", "workers"),
    [(signal.SIGINT, 130, 1), (signal.SIGINT, 130, 2), (signal.SIGTERM, 143, 1)],
)
def test_an_interrupted_batch_ends_within_two_seconds_even_amid_a_large_picture(
    tmp_path: Path, photo: Image.Image, number: int, status: int, workers: int
) -> None:
    album, small = tmp_path / "album", tmp_path / "small"
    album.mkdir()
    photo.crop((0, 0, 64, 64)).save(album / "a.png")
    photo.resize((5000, 4000)).save(album / "b.bmp")
    photo.resize((5000, 3999)).save(album / "c.bmp")
    process = started("compress", album, "-o", small, "--workers", workers, "--threads", 2, "--json")
    wait_for(small / "a.skosh")
    time.sleep(0.7)
    process.send_signal(number)
    start = time.monotonic()
    out, errors = process.communicate(timeout=60)
    assert time.monotonic() - start < seconds(2)
    assert process.returncode == status
    assert b"interrupted: 1 of 3 done" in errors
    assert b"Traceback" not in errors
    report = json.loads(out)
    assert (report["done"], report["not_done"], report["failed"]) == (1, 2, 0)
    assert [row["status"] for row in report["files"]] == ["done", "not done", "not done"]
    assert [path.name for path in small.iterdir()] == ["a.skosh"]


STUCK = """
import hashlib, sys
from pathlib import Path
from skosh.batch.task import Existing, Job, Made
from skosh.cli import work
def convert(*ignored):  # one call into C, which no signal can end
    print("begun", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"", b"", 1 << 30)
    return Made(b"")
here = Path(sys.argv[1])
if sys.argv[2] == "pipe":
    work.pipe(here, convert, None, Existing.REFUSE)
else:
    work.work([Job(here, here.with_name("b"))], convert, Existing.REFUSE, 1, "compress", False)
"""


@pytest.mark.parametrize("way", ["pipe", "batch"])
def test_ctrl_c_does_not_wait_for_a_call_that_no_signal_can_end(tmp_path: Path, way: str) -> None:
    (tmp_path / "a").write_bytes(b"")
    command = [sys.executable, "-c", STUCK, str(tmp_path / "a"), way]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        process.send_signal(signal.SIGINT)
        start = time.monotonic()
        _, errors = process.communicate(timeout=seconds(2))
        assert time.monotonic() - start < seconds(2)
    finally:
        process.kill()
    assert process.returncode == 130
    assert b"Traceback" not in errors


def test_a_reader_that_is_gone_ends_the_pipe_quietly(tmp_path: Path, photo: Image.Image) -> None:
    (tmp_path / "a.skosh").write_bytes(skosh.encode(photo, 50))
    read_end, write_end = os.pipe()
    os.close(read_end)
    process = started(
        "decompress", tmp_path / "a.skosh", "-o", "-", "--quiet", stdout=write_end
    )  # --quiet: no progress
    os.close(write_end)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (1, b"")
