"""Plan many files: pair inputs with outputs, and search folders."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from ..errors import SkoshError
from ..files import APPLE_DOUBLE, PICTURES, SKOSH, first_bytes
from .task import Job


def plan(
    inputs: Iterable[Path], out: Path | None, accepted: set[str], suffix: str, as_folder: bool = False
) -> list[Job]:
    """Pair every input with its output.

    A directory stands for all files below it whose suffix is accepted, in linked folders too, and is mirrored below
    ``out``. ``out`` names a file if the single input is a file, ``out`` is no directory and ``as_folder`` is false;
    else it names a directory. Without ``out``, outputs go beside their inputs.

    A missing input gets a job, which will fail. Raises SkoshError for a directory without pictures, for two inputs with
    one output, and where a file stands in a directory's place.
    """
    inputs = list(inputs)
    alone = len(inputs) == 1 and not os.path.isdir(inputs[0])
    as_file = alone and out is not None and not os.path.isdir(out) and not as_folder
    if out is not None and not as_file and not os.path.isdir(out):
        if os.path.lexists(out):
            raise SkoshError(f"{out} is no directory, which this takes: name another")
        if not as_folder and out.suffix.lower() in {*PICTURES, SKOSH}:
            raise SkoshError(f"{out} has the name of a file where a directory is due: put a / behind it if it is one")
    jobs = []
    for path in inputs:
        if os.path.isdir(path):
            try:
                found = below(path, accepted)
            except OSError:
                if len(inputs) == 1:
                    raise
                jobs.append(Job(path, (out or path.parent) / path.name))  # fails by name; the others go on
                continue
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
    """Return all files below a folder whose suffix is accepted, sorted; then the unreadable folders.

    The jobs of unreadable folders will fail by name. Linked folders are followed once each, unless they lie below the
    folder anyway: links in a circle end. Files in which macOS keeps attributes (``._photo.jpg``) do not count. Raises
    OSError if the folder itself can't be read.
    """
    found: list[Path] = []
    closed: list[Path] = []
    links: list[Path] = []
    seen: set[str] = set()  # folders, by their real paths

    def failed(error: OSError) -> None:
        if Path(error.filename) == folder:
            raise error
        closed.append(Path(error.filename))

    def walk(top: Path) -> None:
        for root, folders, names in os.walk(top, onerror=failed):
            seen.add(os.path.realpath(root))
            folders[:] = [
                name for name in folders if os.path.realpath(Path(root, name)) not in seen or _link(root, name)
            ]
            links.extend(sorted(Path(root, name) for name in folders if _link(root, name)))
            files = (Path(root, name) for name in names)
            pictures = (path for path in files if path.suffix.lower() in accepted and not is_apple_double(path))
            found.extend(path for path in pictures if os.path.isfile(path) or leads_nowhere(path))

    walk(folder)
    while links:
        link = links.pop(0)
        real = Path(os.path.realpath(link))
        if str(real) not in seen and not Path(os.path.realpath(folder)).is_relative_to(real):
            walk(link)
    return sorted(found) + sorted(closed)


def _link(root: str, name: str) -> bool:
    return Path(root, name).is_symlink()


def is_apple_double(path: Path) -> bool:
    """Return whether the file holds the attributes that macOS keeps beside a file: no picture, whatever its suffix."""
    if not path.name.startswith("._"):
        return False
    try:
        return os.path.isfile(path) and first_bytes(path, len(APPLE_DOUBLE)) == APPLE_DOUBLE
    except OSError:  # its job will report it
        return False


def leads_nowhere(path: Path) -> bool:
    """Return whether this is a visible broken link. Hidden ones are locks and the like of other programs."""
    return os.path.islink(path) and not os.path.exists(path) and not path.name.startswith(".")


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
