"""How far a job is: the codec and the training say what they are at, and whoever wants to show it listens.

A *stage* is a part of a job that may take seconds. Where nobody listens, it costs nothing. ``watched`` sets the
listener for the thread that calls it: the stages that begin in it are told to that listener, whichever threads count
their steps.
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
    """A part of a job. ``done`` counts up to ``total``, which is 0 where nobody knows how many steps there are."""

    def __init__(self, what: str, total: int = 0):
        self.what, self.total, self.done = what, total, 0
        self._lock = threading.Lock()

    def step(self) -> None:
        """One more step is done; any thread may say so."""
        with self._lock:
            self.done += 1

    def counting(self, work: Callable[[A], B]) -> Callable[[A], B]:
        """The same work, of which each call counts as a step."""

        def counted(item: A) -> B:
            found = work(item)
            self.step()
            return found

        return counted


class Watcher(Protocol):
    """Who wants to know. Both are called from the threads that do the work."""

    def began(self, stage: Stage) -> None:
        """A stage has begun; stages may lie inside of others."""

    def ended(self, stage: Stage) -> None:
        """It has ended, or failed."""


_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


@contextlib.contextmanager
def watched(watcher: Watcher | None) -> Iterator[None]:
    """Tell this watcher of the stages that begin in this thread meanwhile."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


@contextlib.contextmanager
def stage(what: str, total: int = 0) -> Iterator[Stage]:
    """A stage, while it lasts."""
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
    """The items, with a stage around them in which each is a step."""
    with stage(what, total) as one:
        for item in items:
            yield item
            one.step()
