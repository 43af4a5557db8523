"""Threads and processes: how many, what happens where the system refuses them, and what forked processes can do."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import skosh
from skosh.bundle.graphs import TABLE, path_of
from skosh.bundle.manifest import find, read_manifest
from skosh.limits import MAX_THREADS, cores, cpu_quota, startable

unix = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts threads as Linux does")

PICTURE = (
    "import numpy as np, skosh; picture = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)\n"
)


def python(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


FORKED = (
    PICTURE
    + """
import multiprocessing, os, signal, sys
from skosh.bundle.loading import load
threads = int(sys.argv[1])
held = load(None, threads)
data = skosh.encode(picture, threads=threads)
due = skosh.decode(data, held).tobytes()
def code(_):
    signal.alarm(60)  # a process that waits for threads that are not there never ends
    assert skosh.encode(picture, threads=threads) == data
    return skosh.decode(data, held).tobytes() == due and skosh.decode(data, threads=threads).tobytes() == due
if not (child := os.fork()):
    sys.exit(0 if code(0) else 3)
print(os.waitpid(child, 0)[1])
if not (child := os.fork()):
    sys.exit()  # without any work of its own
print(os.waitpid(child, 0)[1])
with multiprocessing.get_context("fork").Pool(2) as pool:
    print(pool.map(code, range(3)))
print(code(0))
"""
)


@pytest.mark.slow
@unix
@pytest.mark.parametrize("threads", [1, 2, 4])
def test_processes_made_by_fork_code_pictures_and_end(threads: int) -> None:
    done = python(FORKED, threads)
    assert done.stdout.splitlines() == ["0", "0", "[True, True, True]", "True"], done.stderr
    assert (done.returncode, done.stderr) == (0, "")


BUSY = (
    PICTURE
    + """
import os, signal, sys, threading, time
data = skosh.encode(picture, threads=2)
end = threading.Event()
def decode():
    while not end.is_set():
        skosh.decode(data, threads=2)
thread = threading.Thread(target=decode)
thread.start()
for _ in range(4):
    time.sleep(0.05)
    if not (child := os.fork()):
        signal.alarm(60)
        skosh.decode(data, threads=2)
        sys.exit()
    print(os.waitpid(child, 0)[1])
end.set()
thread.join()
"""
)


@pytest.mark.slow
@unix
def test_a_fork_while_another_thread_decodes_leaves_a_child_that_decodes() -> None:
    done = python(BUSY)
    assert (done.returncode, done.stdout.split()) == (0, ["0"] * 4), done.stderr


COUNTED = (
    PICTURE
    + """
import os
before = len(os.listdir("/proc/self/task"))
data = skosh.encode(picture, threads=64)
skosh.decode(data, threads=64)
skosh.encode(picture, threads=64, effort=1)
print(len(os.listdir("/proc/self/task")) - before)
"""
)


@linux
def test_sixty_four_threads_do_not_become_hundreds() -> None:
    done = python(COUNTED)
    assert done.returncode == 0, done.stderr
    networks = [graph for graph in TABLE if path_of(graph.name) in read_manifest(find(None))["files"]]
    assert 0 < int(done.stdout) <= sum(graph.threads - 1 for graph in networks) < 128


LIMITED = (
    PICTURE
    + """
import os, resource, sys
import onnxruntime
from skosh.codec.boxes import each, split, whole
from skosh.limits import startable
data = skosh.encode(picture, threads=1)
skosh.decode(data, threads=1)
if not os.geteuid():
    os.setresuid(65_534, 65_534, 65_534)  # root is refused nothing
def tasks():
    for entry in os.scandir("/proc"):
        try:
            if entry.name.isdigit() and entry.stat().st_uid == os.getuid():
                yield len(os.listdir(f"/proc/{entry.name}/task"))
        except OSError:
            pass
limit = sum(tasks()) + int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_NPROC, (limit, limit))
print(startable(40))
assert skosh.encode(picture, threads=8) == data
assert skosh.decode(data, threads=8).size == (400, 300)
done = []
each(split(whole(8, 8), 1), done.append, 40)
print(len(done))
"""
)


@linux
@pytest.mark.parametrize("more", [0, 5])
def test_where_the_system_refuses_threads_there_are_fewer_and_nothing_hangs(more: int) -> None:
    done = python(LIMITED, more)
    assert done.returncode == 0, done.stderr
    allowed, boxes = map(int, done.stdout.split())
    assert boxes == 64
    if allowed > 8:
        pytest.skip("other processes of this user ended meanwhile")
    assert "the system allows no more threads (a limit on processes): going on with" in done.stderr


def test_the_first_error_of_many_threads_is_the_one_that_is_raised() -> None:
    from skosh.codec.boxes import Box, each, split, whole

    seen = []

    def work(box: Box) -> None:
        seen.append(box)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        each(split(whole(100, 100), 1), work, 4)
    assert len(seen) <= 4


@pytest.mark.parametrize("threads", [-1, MAX_THREADS + 1, 1 << 40, 2.0, "2"])
def test_a_number_of_threads_that_can_not_be_meant_is_refused(threads: int) -> None:
    picture = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(ValueError, match=f"to {MAX_THREADS}, not"):
        skosh.encode(picture, threads=threads)
    with pytest.raises(ValueError, match=f"to {MAX_THREADS}, not"):
        skosh.decode(skosh.encode(picture), threads=threads)


def test_threads_that_can_be_started_are_counted() -> None:
    assert startable(0) == 0
    assert startable(-1) == 0
    assert 1 <= startable(3) <= 3
    assert 1 <= cores() <= MAX_THREADS


def write(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


@pytest.mark.parametrize(
    ("files", "due"),
    [
        ({}, math.inf),
        ({"proc/self/cgroup": "0::/\n"}, math.inf),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}, math.inf),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "150000 100000\n"}, 1.5),
        (  # the limit of a group counts for those inside it
            {
                "proc/self/cgroup": "0::/a/b\n",
                "sys/fs/cgroup/a/cpu.max": "200000 100000\n",
                "sys/fs/cgroup/a/b/cpu.max": "max 100000\n",
            },
            2.0,
        ),
        (
            {
                "proc/self/cgroup": "3:cpu,cpuacct:/docker/abc\n0::/\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "50000\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            },
            0.5,
        ),
        (
            {
                "proc/self/cgroup": "5:cpuset:/x\n1:cpu:/x\n",
                "sys/fs/cgroup/cpu/x/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/x/cpu.cfs_period_us": "100000\n",
            },
            math.inf,
        ),
        ({"proc/self/cgroup": "nonsense\n\n0::/\n", "sys/fs/cgroup/cpu.max": "words\n"}, math.inf),
    ],
)
def test_a_container_s_share_of_time_counts(files: dict[str, str], due: float, tmp_path: Path) -> None:
    assert cpu_quota(write(tmp_path, files)) == due
