"""Run one picture through a pipe, or many with progress, a summary and an exit status."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import typer

from ..batch.plan import plan
from ..batch.task import Convert, Existing, Job, Made, Outcome
from ..batch.threads import apart, run, written
from ..errors import SkoshError, describe
from ..files import check_ordinary, from_stdin, read_file, remove_left_partials, remove_partials
from ..limits import cores
from .console import fail, say
from .display import USUAL, Display, Manner, shown, timed
from .options import MAX_WORKERS, STREAM, Output
from .words import duration, shrunk

INTERRUPTED, TERMINATED = 130, 143  # exit status, as in shells


def planned(inputs: list[Path], out: Output | None, accepted: set[str], suffix: str) -> list[Job]:
    """Return the jobs of a call, or end it where they are impossible."""
    try:
        return plan(inputs, out.path if out else None, accepted, suffix, out is not None and out.folder)
    except (SkoshError, OSError) as error:
        fail(describe(error))


def shared_out(threads: int, workers: int, jobs: int) -> tuple[int, int]:
    """Return the number of workers, and threads for each."""
    together = threads or cores()
    most = min(together, MAX_WORKERS) if not workers else min(workers, threads) if threads else workers
    workers = min(most, jobs)
    return workers, max(1, together // workers)


def is_pipe(inputs: list[Path], out: Output | None, report: bool) -> bool:
    """Return whether - stands for input or output.

    It is a usage error beside other inputs, or where standard output would also carry a report.
    """
    to_stdout = out.is_stream if out else STREAM in inputs
    if STREAM not in inputs and not to_stdout:
        return False
    if len(inputs) > 1 or os.path.isdir(inputs[0]):
        raise typer.BadParameter("- goes with one input that is a file or - itself")
    if to_stdout and report:
        raise typer.BadParameter("--json does not go with an output of -: standard output carries the data")
    return True


def pipe(
    source: Path,
    convert: Callable[[bytes], Made],
    out: Output | None,
    existing: Existing,
    report: bool = False,
    manner: Manner = USUAL,
) -> None:
    """Convert one input, a file or -, to standard output or to ``out``."""
    target = STREAM if out is None else out.path
    if out and out.folder:
        raise typer.BadParameter(f"{target}/ names a directory: name the file in it")
    if target == STREAM and sys.stdout.isatty():
        raise typer.BadParameter("standard output is a terminal: name a file with -o, or redirect it")
    job = Job(source, target)
    try:
        with Display(manner=manner) as display:
            outcome = through(job, lambda data: timed(display, called(source), lambda: convert(data)), existing)
    except BrokenPipeError:
        raise  # the reader has seen enough: the command line ends quietly
    except (SkoshError, OSError) as error:
        outcome = Outcome(job, error=describe(error))
    except KeyboardInterrupt as error:
        end_at_once(error)
    if report:
        print(json.dumps(as_json([job], [outcome])), flush=True)
    if outcome.error:
        fail(f"{called(source)}: {outcome.error}")


def called(source: Path) -> str:
    """Return the name of an input in messages; it may be -."""
    return "standard input" if source == STREAM else str(source)


def through(job: Job, convert: Callable[[bytes], Made], existing: Existing) -> Outcome:
    """Run a job whose source, target or both are -."""
    target = job.target
    if target != STREAM and os.path.isdir(target):
        raise SkoshError(f"{target} is a directory: name the file in it")
    if target != STREAM:
        check_ordinary(target)
    if target != STREAM and os.path.lexists(target) and existing is not Existing.REPLACE:
        if existing is Existing.SKIP:
            return Outcome(job, skipped=True)
        raise SkoshError(f"{target} exists: name another output; --force replaces it")
    if target != STREAM:
        remove_left_partials(target.parent)
    data = from_stdin() if job.source == STREAM else read_file(job.source)
    made = apart(lambda: convert(data))
    for warning in made.warnings:
        say(f"{called(job.source)}: {warning}")
    if target == STREAM:
        to_stdout(made.content)
    elif not written(target, made.content, existing):
        return Outcome(job, skipped=True)
    return Outcome(job, made)


def to_stdout(content: bytes) -> None:
    """Write all of the content to standard output, or raise an error that names it."""
    try:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise SkoshError(f"standard output: {describe(error)}") from error


def work(
    jobs: list[Job],
    convert: Convert,
    existing: Existing,
    workers: int,
    verb: str,
    report: bool,
    manner: Manner = USUAL,
) -> None:
    """Run jobs with progress; at the end name the failures, and exit with status 1 if there are any."""
    outcomes: list[Outcome] = []
    start = time.monotonic()
    try:
        with Display(verb, len(jobs) if len(jobs) > 1 else 0, manner) as display:
            for outcome in run(jobs, shown(display, convert), existing, workers):
                outcomes.append(outcome)
                show(outcome, manner)
                display.count(outcome.job.source.name)
    except KeyboardInterrupt as error:
        interrupted(error, jobs, outcomes, report, start)
    failed = summary(jobs, outcomes, report, start, manner)
    if failed:
        raise typer.Exit(1)


def show(outcome: Outcome, manner: Manner) -> None:
    """Write a line for a success, and one for each warning. Failures come at the end."""
    job, made = outcome.job, outcome.made
    for warning in made.warnings if made else []:
        say(f"{job.source}: {warning}")
    if manner.quiet:
        return
    if outcome.skipped:
        say(f"{job.source}: skipped, {job.target} exists")
    elif made:
        more = (
            f", {made.figures['bpp']:.3f} bpp, model {made.figures['model_id']}"
            if manner.verbose and "bpp" in made.figures
            else ""
        )
        say(f"{job.source} -> {job.target}  {made.note}, {duration(made.figures['seconds'])}{more}")


def summary(jobs: list[Job], outcomes: list[Outcome], report: bool, start: float, manner: Manner = USUAL) -> int:
    """Name the failures, write totals and the report, and return the number of failures.

    ``start``: when the work began.
    """
    seconds = time.monotonic() - start
    place = {job: n for n, job in enumerate(jobs)}
    failed = sorted((one for one in outcomes if one.error), key=lambda one: place[one.job])
    for outcome in failed:
        say(f"failed: {outcome.job.source}: {outcome.error}")
    if len(jobs) > 1 and (failed or not manner.quiet):
        say(f"{totals(jobs, outcomes)}, {duration(seconds)}")
    if report:
        print(json.dumps(as_json(jobs, outcomes) | {"seconds": round(seconds, 3)}), flush=True)
    return len(failed)


def totals(jobs: list[Job], outcomes: list[Outcome]) -> str:
    """Return how many files failed, were skipped or done, and their sizes before and after."""
    done = [outcome.made for outcome in outcomes if outcome.made and not outcome.error]
    counts = {
        "failed": sum(outcome.error is not None for outcome in outcomes),
        "skipped": sum(outcome.skipped for outcome in outcomes),
        "done": len(done),
    }
    named = [f"{count} {status}" for status, count in counts.items() if count] or ["0 done"]
    first, *others = named
    number, status = first.split()
    text = ", ".join((f"{number} of {len(jobs)} {status}", *others))
    if not done:
        return text
    before, after = (sum(made.figures.get(key, 0) for made in done) for key in ("source_bytes", "bytes"))
    return f"{text}: {shrunk(before, after)}"


def as_json(jobs: list[Job], outcomes: list[Outcome]) -> dict[str, object]:
    """Return the report: every file, in the order of the call."""
    by_job = {outcome.job: outcome for outcome in outcomes}
    files = []
    for job in jobs:
        row: dict[str, object] = {"source": str(job.source), "target": str(job.target), "status": "not done"}
        outcome = by_job.get(job)
        if outcome:
            row["status"] = "failed" if outcome.error else "skipped" if outcome.skipped else "done"
            row |= {"error": outcome.error} if outcome.error else {}
            row |= {**outcome.made.figures, "warnings": outcome.made.warnings} if outcome.made else {}
        files.append(row)
    counts = {
        status: sum(row["status"] == status for row in files) for status in ("done", "skipped", "failed", "not done")
    }
    return {**{status.replace(" ", "_"): count for status, count in counts.items()}, "files": files}


def interrupted(
    error: KeyboardInterrupt, jobs: list[Job], outcomes: list[Outcome], report: bool, start: float
) -> NoReturn:
    """Report how far the work came, and end."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # pressing Ctrl-C twice must not cut this short
    try:
        summary(jobs, outcomes, report, start)
        further = "; --skip-existing goes on from there" if len(jobs) > 1 else ""
        say(f"interrupted: {len(outcomes)} of {len(jobs)} done{further}")
    finally:
        end_at_once(error)


def end_at_once(error: KeyboardInterrupt) -> NoReturn:
    """End the process, whatever its other threads do; leave no partial file."""
    remove_partials()
    with contextlib.suppress(OSError):
        sys.stderr.flush()
    os._exit(status(error))


def status(error: KeyboardInterrupt) -> int:
    """Return the exit status of an interrupted command."""
    return TERMINATED if isinstance(error, Terminated) else INTERRUPTED


class Terminated(KeyboardInterrupt):
    """SIGTERM: ends the command like Ctrl-C, with another exit status."""


def end_politely() -> None:
    """Let SIGTERM raise Terminated from now on."""

    def terminate(number: int, frame: object) -> NoReturn:
        raise Terminated

    signal.signal(signal.SIGTERM, terminate)
