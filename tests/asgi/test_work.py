"""The queue of jobs and the memory of their results."""

from __future__ import annotations

import asyncio
import threading

import pytest

from skosh.asgi.lru import Lru
from skosh.asgi.work import OVERHEAD, BusyError, Work, awaited

SECONDS = 20.0


def test_what_was_used_last_stays_and_the_limit_holds() -> None:
    kept: Lru[bytes] = Lru(10, len)
    kept.put("a", b"1234")
    kept.put("b", b"1234")
    assert kept.get("a") == b"1234"
    kept.put("c", b"1234")
    assert [kept.get(key) for key in "abc"] == [b"1234", None, b"1234"]
    kept.put("a", b"12345678")
    assert (len(kept), kept.total) == (1, 8)
    kept.put("d", b"12345678901")
    assert kept.get("d") is None
    assert kept.get("a") == b"12345678"
    kept.put("a", b"12345678901")
    assert (len(kept), kept.total) == (0, 0)


def test_a_job_runs_once_while_others_ask_for_it_even_if_nothing_is_kept() -> None:
    work, hold, runs = Work(1, 5, 0), threading.Event(), []

    def job() -> bytes:
        runs.append(1)
        assert hold.wait(SECONDS)
        return b"made"

    first = work.start("key", job)
    assert all(work.start("key", job) is first for _ in range(10))
    hold.set()
    assert first.result(SECONDS) == b"made"
    assert len(runs) == 1
    assert work.start("key", job).result(SECONDS) == b"made"
    assert len(runs) == 2
    work.close()


def test_results_are_kept_up_to_a_limit_of_bytes() -> None:
    work = Work(2, 100, 3 * (1000 + OVERHEAD))
    for key in "abcd":
        work.start(key, lambda: bytes(1000)).result(SECONDS)
    assert [work.result(key) is not None for key in "abcd"] == [False, True, True, True]
    assert work.cache.total <= work.cache.limit
    work.start("large", lambda: bytes(1_000_000)).result(SECONDS)
    assert work.result("large") is None
    work.close()


def test_a_failed_job_is_told_to_all_who_wait_and_tried_again_later() -> None:
    work, hold = Work(1, 5, 1000), threading.Event()

    def job() -> bytes:
        hold.wait(SECONDS)
        raise KeyError("no")

    futures = [work.start("key", job) for _ in range(3)]
    hold.set()
    for future in futures:
        with pytest.raises(KeyError):
            future.result(SECONDS)
    assert work.start("key", lambda: b"made").result(SECONDS) == b"made"
    work.close()


def test_jobs_beyond_the_queue_are_refused_and_never_more_run_than_there_are_threads() -> None:
    work, hold = Work(2, 3, 0), threading.Event()
    lock, running, most = threading.Lock(), 0, 0

    def job() -> bytes:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        hold.wait(SECONDS)
        with lock:
            running -= 1
        return b""

    futures = [work.start(str(n), job) for n in range(5)]
    with pytest.raises(BusyError):
        work.start("one too many", job)
    assert work.start("0", job) is futures[0]
    hold.set()
    assert [future.result(SECONDS) for future in futures] == [b""] * 5
    assert most == 2
    work.start("later", job).result(SECONDS)
    work.close()


def test_who_stops_waiting_does_not_stop_the_job() -> None:
    work, hold = Work(1, 5, 10_000), threading.Event()

    def job() -> bytes:
        hold.wait(SECONDS)
        return b"made"

    async def impatient() -> None:
        for wait in (0.05, SECONDS):
            task = asyncio.create_task(awaited(work.start("key", job), wait))
            await asyncio.sleep(0.02)
            if wait == SECONDS:
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            else:
                with pytest.raises(TimeoutError):
                    await task

    asyncio.run(impatient())
    hold.set()
    assert asyncio.run(awaited(work.start("key", job), SECONDS)) == b"made"
    assert work.result("key") == b"made"
    work.close()


def test_closing_drops_what_waits_and_work_can_begin_again() -> None:
    work, hold, begun = Work(1, 5, 0), threading.Event(), threading.Event()

    def job() -> bytes:
        begun.set()
        hold.wait(SECONDS)
        return b""

    running, waiting = work.start("a", job), work.start("b", job)
    assert begun.wait(SECONDS)
    work.close()
    assert waiting.cancelled()
    hold.set()
    assert running.result(SECONDS) == b""
    assert work.start("b", lambda: b"made").result(SECONDS) == b"made"
    work.close()
