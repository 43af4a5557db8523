"""Work in a few threads: one job a key at a time, a bounded queue, and a bounded memory of results."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from .lru import Lru

OVERHEAD = 1024  # bytes that count for an entry besides its content: key, objects


class BusyError(Exception):
    """There are too many jobs already."""


class Work:
    """Runs jobs that make bytes, and keeps what they made. Safe between threads and event loops."""

    def __init__(self, threads: int, waiting: int, cache_bytes: int):
        """``waiting``: jobs that may be queued besides those that run."""
        self.threads, self.most = threads, threads + waiting
        self.cache: Lru[bytes] = Lru(cache_bytes, lambda content: len(content) + OVERHEAD)
        self._jobs: dict[str, Future[bytes]] = {}  # queued and running
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    def result(self, key: str) -> bytes | None:
        """Return what an earlier job of this key made, if it is still kept."""
        with self._lock:
            return self.cache.get(key)

    def start(self, key: str, job: Callable[[], bytes]) -> Future[bytes]:
        """Return the future of a job: of one with this key that has begun already, else of a new one.

        Raises BusyError where the queue is full or no thread can start.
        """
        with self._lock:
            if (content := self.cache.get(key)) is not None:
                made: Future[bytes] = Future()
                made.set_result(content)
                return made
            if (found := self._jobs.get(key)) is not None:
                return found
            if len(self._jobs) >= self.most:
                raise BusyError
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self.threads, "skosh-decode")
            try:
                future = self._jobs[key] = self._pool.submit(self._run, key, job)
            except RuntimeError:  # the system refuses threads
                raise BusyError from None
            return future

    def _run(self, key: str, job: Callable[[], bytes]) -> bytes:
        content = None
        try:
            content = job()
            return content
        finally:
            with self._lock:  # at once, so that nobody finds neither the job nor its result
                self._jobs.pop(key, None)
                if content is not None:
                    self.cache.put(key, content)

    def close(self) -> None:
        """Drop queued jobs and let running ones end. Later jobs begin with new threads."""
        with self._lock:
            pool, self._pool = self._pool, None
            self._jobs.clear()
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)


async def awaited(future: Future[bytes], timeout: float) -> bytes:
    """Return the result of a future. Raises TimeoutError after ``timeout`` seconds, and what the job raised.

    The job goes on after a timeout: others may wait for it, and its result is kept. That is why this is not
    ``asyncio.wrap_future``, whose cancellation cancels the job.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    def tell() -> None:
        if not ended.done():
            ended.set_result(None)

    def wake(_: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(tell)

    future.add_done_callback(wake)
    await asyncio.wait([ended], timeout=timeout)
    if not future.done():
        raise TimeoutError
    return future.result()
