"""Jobs in threads of this process: one failure does not stop the rest, and an interruption loses nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

from ..errors import SkoshError, describe
from ..files import remove_left_partials, similar, write_whole
from ..limits import startable
from .task import Convert, Existing, Job, Made, Outcome

LAST_SECOND = 1.0  # seconds that running jobs get to end in after an interruption


def run(jobs: list[Job], convert: Convert, existing: Existing = Existing.REFUSE, workers: int = 1) -> Iterator[Outcome]:
    """Do the jobs, so many at a time, and yield what became of each as it ends. What ``convert(source, target)`` raises is the job's error.

    Jobs run in threads, however few, so that a KeyboardInterrupt is never kept waiting by a network: it goes on to the caller after at most
    ``LAST_SECOND``. Jobs that still run then end with the process, which has to call ``remove_partials`` first. Where the system refuses threads,
    there are fewer, and the caller's does the work if there is no other.
    """
    for folder in {job.target.parent for job in jobs}:
        remove_left_partials(folder)
    workers = startable(workers)
    if not workers:
        for job in jobs:
            yield do(job, convert, existing)
        return
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
    if not startable(1):
        return work()
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
            raise SkoshError(f"does not exist{similar(job.source)}") from None
        made = convert(job.source, job.target)
        if not written(job.target, made.content, existing):
            return Outcome(job, skipped=True)
        made.content = b""
        return Outcome(job, made)
    except Exception as error:
        return Outcome(job, error=describe(error))


def written(target: Path, content: bytes, existing: Existing) -> bool:
    """Write an output whole. False where another one has appeared under its name, and those that exist are to be skipped."""
    try:
        write_whole(target, content, existing is Existing.REPLACE)
    except FileExistsError:
        if existing is not Existing.SKIP or not target.is_file():
            raise
        return False
    return True
