"""Run jobs in threads of this process: a failure does not stop the rest, and an interruption loses nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

from ..errors import SkoshError, describe
from ..files import check_ordinary, remove_left_partials, similar, write_whole
from ..limits import startable
from .task import Convert, Existing, Job, Made, Outcome

LAST_SECOND = 1.0  # seconds that running jobs get to end in after an interruption


def run(jobs: list[Job], convert: Convert, existing: Existing = Existing.REFUSE, workers: int = 1) -> Iterator[Outcome]:
    """Run jobs, ``workers`` at a time, and yield each outcome as it ends.

    An exception of ``convert(source, target)`` becomes the job's error.

    Jobs always run in threads, so that a network never delays a KeyboardInterrupt: it reaches the caller after at most
    ``LAST_SECOND``. Jobs that still run then end with the process, which must call ``remove_partials`` first. Where the
    system refuses threads, fewer run; without any, the caller's thread works.
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
    """Do the work in another thread, as ``run`` does. After a KeyboardInterrupt the process must end."""
    if not startable(1):
        return work()
    pool = ThreadPoolExecutor(1)
    try:
        return pool.submit(work).result()
    finally:
        pool.shutdown(wait=False)


def do(job: Job, convert: Convert, existing: Existing) -> Outcome:
    """Do one job. No exception of one picture stops the others."""
    try:
        check_ordinary(job.target)
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
    """Write an output whole. Return False where an existing one was to be skipped."""
    try:
        write_whole(target, content, existing is Existing.REPLACE)
    except FileExistsError:
        if existing is not Existing.SKIP or not target.is_file():
            raise
        return False
    return True
