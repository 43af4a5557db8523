"""Many files: which input becomes which output, whole files or none, and one failure that does not stop the rest."""

from __future__ import annotations

import contextlib
import enum
import errno
import os
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import SkoshError

PICTURES = {  # what is looked for in a directory
    *(".apng", ".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".mpo"),
    *(".pbm", ".pgm", ".png", ".pnm", ".ppm", ".qoi", ".tga", ".tif", ".tiff", ".webp"),
}
SKOSH = ".skosh"
LAST_SECOND = 1.0  # seconds that running jobs get to end in after an interruption


class Existing(enum.Enum):
    """What to do about an output that exists."""

    REFUSE = "refuse"
    SKIP = "skip"
    REPLACE = "replace"


@dataclass(frozen=True)
class Job:
    """One input and the file that it becomes."""

    source: Path
    target: Path


@dataclass
class Made:
    """An output in memory, and what to say of it."""

    content: bytes
    note: str = ""  # a line for people
    figures: dict[str, Any] = field(default_factory=dict)  # the same for programs
    warnings: list[str] = field(default_factory=list)


@dataclass
class Outcome:
    """What became of a job: ``error`` says why it failed; ``skipped`` that its target was there already."""

    job: Job
    made: Made | None = None  # without its content
    error: str | None = None
    skipped: bool = False


Convert = Callable[[Path, Path], Made]


def plan(
    inputs: Iterable[Path], out: Path | None, accepted: set[str], suffix: str, as_folder: bool = False
) -> list[Job]:
    """Pair every input with its output.

    A directory stands for all files below it whose suffix is accepted, and is mirrored below ``out``. ``out`` is a file's name if there is a
    single input that is a file and ``out`` is no directory, unless ``as_folder`` says that it is to be one; else a directory. Without ``out``, outputs
    stand beside their inputs.

    An input that does not exist has a job, which will fail. Raises SkoshError for a directory without a picture, for inputs that would write one
    output, and where a file stands in the place of the directory.
    """
    inputs = list(inputs)
    alone = len(inputs) == 1 and not inputs[0].is_dir()
    as_file = alone and out is not None and not out.is_dir() and not as_folder
    if out is not None and not as_file and not out.is_dir():
        if os.path.lexists(out):
            raise SkoshError(f"{out} is no directory, which this takes: name another")
        if not as_folder and out.suffix.lower() in {*PICTURES, SKOSH}:
            raise SkoshError(f"{out} has the name of a file where a directory is due: put a / behind it if it is one")
    jobs = []
    for path in inputs:
        if path.is_dir():
            found = below(path, accepted)
            if not found:
                raise SkoshError(f"nothing to do in {path}: no {', '.join(sorted(accepted))} below it")
            jobs += [Job(p, (out or path) / p.relative_to(path).with_suffix(suffix)) for p in found]
        elif as_file and out is not None:
            jobs.append(Job(path, out))
        else:
            jobs.append(Job(path, (out or path.parent) / path.with_suffix(suffix).name))
    _refuse_collisions(jobs)
    return jobs


def below(folder: Path, accepted: set[str]) -> list[Path]:
    """All files below a folder whose suffix is accepted, sorted, and last the folders that can't be read: their jobs will fail by name.

    Raises OSError if it is the folder itself that can't be read.
    """
    found: list[Path] = []
    closed: list[Path] = []

    def failed(error: OSError) -> None:
        if Path(error.filename) == folder:
            raise error
        closed.append(Path(error.filename))

    for root, _, names in os.walk(folder, onerror=failed):
        files = (Path(root, name) for name in names)
        pictures = (path for path in files if path.suffix.lower() in accepted)
        found += [path for path in pictures if path.is_file() or leads_nowhere(path)]
    return sorted(found) + sorted(closed)


def leads_nowhere(path: Path) -> bool:
    """Whether this is a link to a file that is not there, which is to be told of. Hidden ones are locks and the like of other programs."""
    return path.is_symlink() and not path.exists() and not path.name.startswith(".")


def _refuse_collisions(jobs: list[Job]) -> None:
    sources = {os.path.realpath(job.source) for job in jobs}
    taken: dict[Path, Path] = {}
    pairs = []
    for job in jobs:
        if not os.path.lexists(job.source) or leads_nowhere(job.source):
            continue  # it will fail, and write nothing
        target = Path(os.path.abspath(job.target))
        if os.path.realpath(target) in sources:
            raise SkoshError(f"{job.target} is an input: name another output")
        if target in taken:
            pairs.append(f"{taken[target]} and {job.source} would both become {job.target}")
        taken[target] = job.source
    if pairs:
        raise SkoshError("; ".join(pairs) + ": rename one of them")


def run(jobs: list[Job], convert: Convert, existing: Existing = Existing.REFUSE, workers: int = 1) -> Iterator[Outcome]:
    """Do the jobs, so many at a time, and yield what became of each as it ends. What ``convert(source, target)`` raises is the job's error.

    Jobs run in threads, however few, so that a KeyboardInterrupt is never kept waiting by a network: it goes on to the caller after at most
    ``LAST_SECOND``. Jobs that still run then end with the process, which has to call ``remove_partials`` first.
    """
    waiting = list(reversed(jobs))
    pool = ThreadPoolExecutor(workers)
    running: set[Future[Outcome]] = set()
    try:
        while True:
            while waiting and len(running) < workers:
                running.add(pool.submit(do, waiting.pop(), convert, existing))
            if not running:
                break
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    except KeyboardInterrupt:
        for future in wait(running, LAST_SECOND).done:
            yield future.result()  # it is written, so it counts
        raise
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def apart(work: Callable[[], Made]) -> Made:
    """Do it in another thread, for the same reason as ``run`` does; after a KeyboardInterrupt the process has to be ended."""
    pool = ThreadPoolExecutor(1)
    try:
        return pool.submit(work).result()
    finally:
        pool.shutdown(wait=False)


def do(job: Job, convert: Convert, existing: Existing) -> Outcome:
    """One job; whatever one picture does, the others go on."""
    try:
        if os.path.lexists(job.target) and existing is not Existing.REPLACE:
            if existing is Existing.SKIP:
                return Outcome(job, skipped=True)
            raise SkoshError(
                f"{job.target} exists: name another output with -o; --skip-existing goes on, --force replaces it"
            )
        try:
            os.stat(job.source)
        except FileNotFoundError:
            raise SkoshError("does not exist") from None
        made = convert(job.source, job.target)
        write_whole(job.target, made.content, existing is Existing.REPLACE)
        made.content = b""
        return Outcome(job, made)
    except Exception as error:
        return Outcome(job, error=describe(error))


def describe(error: BaseException) -> str:
    """An error in one line."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    text = " ".join(str(error).split())
    if isinstance(error, SkoshError) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


partials: set[Path] = set()  # files that are being written
_door = threading.Lock()  # held while one is opened; for good once they have been removed


def write_whole(path: Path, content: bytes, replace: bool = True) -> None:
    """Write beside and rename, so that no reader ever sees half a file; folders are made on the way.

    Without ``replace``, a file that has appeared under the name in the meantime is a FileExistsError and stays.
    """
    if path.exists() and not path.is_file():
        raise SkoshError(f"{path} is no ordinary file")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.parent / f".skosh-{secrets.token_hex(8)}.partial"
    try:
        with _door:
            partials.add(partial)
            file = open(partial, "xb")  # noqa: SIM115 (closed below, but opened behind the door)
        with file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        put(partial, path, replace)
    except OSError as error:
        error.filename = os.fspath(path)  # a full disk does not say where, and nobody knows the partial file
        raise
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        partials.discard(partial)


def put(partial: Path, path: Path, replace: bool) -> None:
    """Give a whole file its name, in one step that happens or does not."""
    if not replace:
        try:
            os.link(partial, path)  # unlike a rename, refuses a name that is taken
            return
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            if path.exists():
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(path)) from None
    os.replace(partial, path)


def remove_partials() -> None:
    """For a process that is about to end while its threads still write: no half file stays, and none is begun."""
    _door.acquire()
    for partial in list(partials):
        with contextlib.suppress(OSError):
            partial.unlink()
