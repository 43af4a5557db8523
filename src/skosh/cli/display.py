"""Progress of a command: a bar on a terminal, a line now and then in a log, nothing for short jobs."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..batch.task import Convert, Made
from ..progress import Stage, watched
from .console import console, printable, say
from .words import duration

if TYPE_CHECKING:
    from rich.progress import Progress

LIVE, REFRESH = 1.0, 0.1  # seconds before a bar appears, and between its updates
TELLING = 5  # things that must be done before the time left is estimated
BRIEF = 0.05  # seconds: shorter stages get no line
FIRST, EVERY = 2.0, 10.0  # seconds before the first line in a log, and between lines


class Manner(NamedTuple):
    """How much a command says."""

    quiet: bool = False  # only warnings and failures
    verbose: bool = False  # also how long each stage took


USUAL = Manner()


class Running(NamedTuple):
    """A stage that has begun."""

    label: str  # of the file
    stage: Stage
    since: float


class Display:
    """Shows the stages that its watchers hear of, and how many of ``total`` things are done.

    ``steady``: whether the bar stays between two stages. Where it does not, others may write to the terminal meanwhile.
    """

    def __init__(self, label: str = "", total: int = 0, manner: Manner = USUAL, steady: bool = True):
        self.label, self.total, self.manner, self.steady = label, total, manner, steady
        self.done, self.last = 0, ""  # things done, and the last one's name
        self.live = console.is_terminal and not console.is_dumb_terminal
        self._running: list[Running] = []
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._bar: Progress | None = None
        self._thread = threading.Thread(target=self._show, daemon=True)

    def __enter__(self) -> Display:
        self.start = time.monotonic()
        if not self.manner.quiet:
            with contextlib.suppress(RuntimeError):  # the system refuses threads: show nothing
                self._thread.start()
        return self

    def __exit__(self, *ignored: object) -> None:
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._hide()

    def count(self, last: str = "") -> None:
        """Count one more thing as done."""
        self.done, self.last = self.done + 1, last

    def part(self, label: str) -> Part:
        """Return a watcher of one file's stages."""
        return Part(self, label)

    def began(self, running: Running) -> None:
        """Note that a stage began."""
        with self._lock:
            self._running.append(running)

    def ended(self, stage: Stage) -> None:
        """Note that a stage ended."""
        with self._lock:
            (one,) = (running for running in self._running if running.stage is stage)
            self._running.remove(one)
            if not self._running and not self.steady:
                self._hide()
        took = time.monotonic() - one.since
        if self.manner.verbose and took >= BRIEF:
            say(f"{one.label}: {stage.what}, {duration(took)}")

    def _show(self) -> None:
        wait = LIVE if self.live else FIRST
        with contextlib.suppress(OSError, ValueError):  # standard error is closed
            while not self._over.wait(wait):
                wait = REFRESH if self.live else EVERY
                with self._lock:
                    if self.live:
                        self._draw()
                    elif text := self._line():
                        say(f"skosh: {text}")

    def _now(self) -> tuple[str, Stage | None]:
        """Return what is being done: the newest file's stages, and the innermost of those that count steps."""
        if not self._running:
            return "", None
        label = self._running[-1].label
        own = [one.stage for one in self._running if one.label == label]
        text = ": ".join((label, *dict.fromkeys(one.what for one in own)))
        return text, next((one for one in reversed(own) if one.total), None)

    def _line(self) -> str:
        text, stage = self._now()
        share = f" {100 * stage.done // stage.total} %" if stage else ""
        if not self.total:
            return f"{text}{share}, {self._time()}" if text else ""
        return f"{self.label}: {self.done} of {self.total}, {self._time()}; {text or self.last}{share}".rstrip("; ")

    def _time(self) -> str:
        """Return the time taken, and an estimate of the time left."""
        took = time.monotonic() - self.start
        left = took / self.done * (self.total - self.done) if self.done >= TELLING else 0.0
        return duration(took) + (f", about {duration(left)} left" if left else "")

    def _draw(self) -> None:
        text, stage = self._now()
        if not (text or self.total or self._bar):
            return
        if self._bar is None:
            self._bar = bar_of(bool(self.total))
            self._bar.add_task("", total=None, time="")
            self._bar.start()
        total: float | None
        if self.total:
            text, total, done = f"{self.label}  {text or self.last}", self.total, float(self.done)
        else:
            total, done = (stage.total, float(stage.done)) if stage else (None, 0.0)
        done = min(done, total - 1e-3) if total else done  # else rich would take it to be finished
        shown = printable(text)
        self._bar.update(self._bar.task_ids[0], description=shown, total=total, completed=done, time=self._time())

    def _hide(self) -> None:
        with self._lock:
            if self._bar:
                self._bar.stop()
                self._bar = None


def bar_of(counted: bool) -> Progress:
    """Return a bar that counts things, or shares of a stage."""
    from rich.progress import (
        BarColumn,
        Progress,
        SpinnerColumn,
        TaskProgressColumn,
        TextColumn,
    )

    text, clock = (TextColumn(f"{{task.{name}}}", markup=False) for name in ("description", "fields[time]"))
    share = TextColumn("{task.completed:.0f}/{task.total}") if counted else TaskProgressColumn()
    return Progress(SpinnerColumn(), BarColumn(bar_width=24), share, clock, text, console=console, transient=True)


class Part:
    """Tells a display of one file's stages."""

    def __init__(self, display: Display, label: str):
        self.display, self.label = display, label

    def began(self, stage: Stage) -> None:
        """Hear that a stage began."""
        self.display.began(Running(self.label, stage, time.monotonic()))

    def ended(self, stage: Stage) -> None:
        """Hear that a stage ended or failed."""
        self.display.ended(stage)


def timed(display: Display, label: str, work: Callable[[], Made]) -> Made:
    """Do the work, show its stages, and note its time."""
    start = time.monotonic()
    with watched(display.part(label)):
        made = work()
    made.figures["seconds"] = round(time.monotonic() - start, 3)
    return made


def shown(display: Display, convert: Convert) -> Convert:
    """Return the same conversion, with stages shown and time noted."""

    def observed(source: Path, target: Path) -> Made:
        return timed(display, source.name, lambda: convert(source, target))

    return observed
