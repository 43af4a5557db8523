"""Trials in several processes. A codec that kills its process costs that trial and no other."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path

from .results import Result
from .trial import Bench, Trial

DIED = "the codec took its process down"
_bench: Bench | None = None  # of this worker


class Pool:
    """``run`` yields a result for each trial, in the order in which they end."""

    def __init__(self, workers: int, metrics: tuple[str, ...], weights: Path | None = None, threads: int = 1):
        """``threads``: of each worker."""
        self.workers = workers
        self._arguments = (metrics, weights, threads)

    def run(self, trials: Sequence[Trial]) -> Iterator[Result]:
        """Run all trials. Those under way when a process died are tried again one by one."""
        waiting = deque(trials)
        while waiting:
            suspects = yield from self._until_one_dies(waiting)
            for trial in suspects:
                yield self._alone(trial)

    def _until_one_dies(self, waiting: deque[Trial]) -> Generator[Result, None, list[Trial]]:
        """Yield results. Returns the trials that were under way when a process died."""
        running: dict[Future[Result], Trial] = {}
        with self._executor(self.workers) as executor:
            try:
                while waiting or running:
                    while waiting and len(running) < 2 * self.workers:
                        running[executor.submit(_run, waiting[0])] = waiting[0]
                        waiting.popleft()
                    for future in wait(running, return_when=FIRST_COMPLETED).done:
                        result = future.result()
                        del running[future]
                        yield result
            except BrokenProcessPool:
                return list(running.values())
            except BaseException:
                executor.shutdown(wait=False, cancel_futures=True)
                for worker in multiprocessing.active_children():
                    worker.terminate()  # a run that is stopped does not wait for trials whose results it will not take
                raise
        return []

    def _alone(self, trial: Trial) -> Result:
        with self._executor(1) as executor:
            try:
                return executor.submit(_run, trial).result()
            except BrokenProcessPool:
                return replace(trial.result(), error=DIED)

    def _executor(self, workers: int) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")  # networks and their threads do not survive a fork
        return ProcessPoolExecutor(workers, context, _prepare, self._arguments)


def _prepare(metrics: tuple[str, ...], weights: Path | None, threads: int) -> None:
    global _bench
    _bench = Bench(metrics, weights, threads)


def _run(trial: Trial) -> Result:
    assert _bench is not None
    return _bench.run(trial)
