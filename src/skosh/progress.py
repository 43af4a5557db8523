"""Progress: the codec and the training announce their stages, and a watcher may show them.

A *stage* is a part of a job that may take seconds. Without a watcher it costs nothing. ``watched`` sets the watcher of
the calling thread: it hears of the stages that begin in this thread, whichever threads count their steps.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import Protocol, TypeVar

A = TypeVar("A")
B = TypeVar("B")


class Stage:
    """A part of a job. ``done`` counts up to ``total``, which is 0 where the number of steps is unknown."""

    def __init__(self, what: str, total: int = 0):
        self.what, self.total, self.done = what, total, 0
        self._lock = threading.Lock()

    def step(self) -> None:
        """Count one more step, from any thread."""
        with self._lock:
            self.done += 1

    def counting(self, work: Callable[[A], B]) -> Callable[[A], B]:
        """Return the same function, with each call counted as a step."""

        def counted(item: A) -> B:
            found = work(item)
            self.step()
            return found

        return counted


class Watcher(Protocol):
    """Hears of stages. Both methods are called from the working threads."""

    def began(self, stage: Stage) -> None:
        """Hear that a stage began. Stages may be nested."""

    def ended(self, stage: Stage) -> None:
        """Hear that a stage ended or failed."""


_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


@contextlib.contextmanager
def watched(watcher: Watcher | None) -> Iterator[None]:
    """Send the stages that begin in this thread to this watcher."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


@contextlib.contextmanager
def stage(what: str, total: int = 0) -> Iterator[Stage]:
    """Announce a stage while it lasts."""
    one, watcher = Stage(what, total), _watcher.get()
    if watcher is None:
        yield one
        return
    watcher.began(one)
    try:
        yield one
    finally:
        watcher.ended(one)


def steps(items: Iterable[A], what: str, total: int) -> Iterator[A]:
    """Yield the items within a stage, a step each."""
    with stage(what, total) as one:
        for item in items:
            yield item
            one.step()
