"""Many files: which input becomes which output, whole files or none, and one failure that does not stop the rest."""

from __future__ import annotations

import contextlib
import os
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .errors import SkoshError

PICTURES = {
    ".png",
    ".jpg",
    ".jpeg",
    ".jfif",
    ".webp",
    ".avif",
    ".tif",
    ".tiff",
    ".bmp",
    ".gif",
    ".ppm",
    ".pgm",
    ".jp2",
    ".heic",
}
SKOSH = ".skosh"


@dataclass(frozen=True)
class Job:
    """One input and the file that it becomes."""

    source: Path
    target: Path


@dataclass
class Outcome:
    """What became of a job: ``error`` is None if the target was written."""

    job: Job
    note: str = ""  # a line about the result
    error: str | None = None
    warnings: list[str] = field(default_factory=list)


def plan(inputs: Iterable[Path], out: Path | None, accepted: set[str], suffix: str) -> list[Job]:
    """Pair every input with its output.

    A directory stands for all files below it whose suffix is accepted, and is mirrored below ``out``. ``out`` is a file's name if there is a
    single input that is a file and ``out`` is no directory; else a directory. Without ``out``, outputs stand beside their inputs.

    Raises SkoshError for an input that does not exist, a directory without a picture, and two inputs that would write one output.
    """
    inputs = list(inputs)
    alone = len(inputs) == 1 and not inputs[0].is_dir()
    as_file = alone and out is not None and not out.is_dir() and not str(out).endswith(os.sep)
    jobs = []
    for path in inputs:
        if path.is_dir():
            found = sorted(p for p in path.rglob("*") if p.is_file() and p.suffix.lower() in accepted)
            if not found:
                raise SkoshError(f"nothing to do in {path}: no {', '.join(sorted(accepted))} below it")
            jobs += [Job(p, (out or path) / p.relative_to(path).with_suffix(suffix)) for p in found]
        elif not path.exists():
            raise SkoshError(f"{path} does not exist")
        elif as_file and out is not None:
            jobs.append(Job(path, out))
        else:
            jobs.append(Job(path, (out or path.parent) / path.with_suffix(suffix).name))
    _refuse_collisions(jobs)
    return jobs


def _refuse_collisions(jobs: list[Job]) -> None:
    sources = {os.path.realpath(job.source) for job in jobs}
    taken: dict[Path, Path] = {}
    for job in jobs:
        target = Path(os.path.abspath(job.target))
        if os.path.realpath(target) in sources:
            raise SkoshError(f"{job.target} is an input: name another output")
        if target in taken:
            raise SkoshError(f"{taken[target]} and {job.source} would both become {job.target}: rename one of them")
        taken[target] = job.source


def run(jobs: list[Job], convert: Callable[[Path, Path], tuple[bytes, str]], overwrite: bool) -> Iterator[Outcome]:
    """Do the jobs in order. ``convert(source, target)`` returns the target's bytes and a note; what it raises is the job's error."""
    for job in jobs:
        outcome = Outcome(job)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                if job.target.exists() and not overwrite:
                    raise SkoshError(f"{job.target} exists; --force replaces it")
                content, outcome.note = convert(job.source, job.target)
                write_whole(job.target, content)
            except Exception as error:  # whatever one picture does, the others go on
                outcome.error = describe(error)
        outcome.warnings = [str(w.message) for w in caught]
        yield outcome


def describe(error: BaseException) -> str:
    """An error in one line."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    text = " ".join(str(error).split())
    if isinstance(error, SkoshError) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def write_whole(path: Path, content: bytes) -> None:
    """Write beside and rename, so that no reader ever sees half a file; folders are made on the way."""
    if path.exists() and not path.is_file():
        raise SkoshError(f"{path} is no ordinary file")
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(prefix=".skosh-", suffix=".partial", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(partial, 0o666 & ~umask)  # mkstemp makes files that only their owner can read
        os.replace(partial, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(partial)
        raise
