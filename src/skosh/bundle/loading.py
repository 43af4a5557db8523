"""Bundles that are loaded already, and threads for them."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np

from ..limits import MAX_THREADS, cores
from .bundle import Bundle
from .manifest import find, read_manifest

_loaded: dict[tuple[Path, int, bool], Bundle] = {}


_loading = threading.Lock()


def _after_fork() -> None:
    """In a new process, the lock is free, whoever held it in the old one."""
    global _loading
    _loading = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def check_threads(threads: int) -> None:
    """Raise ValueError unless ``threads`` is an integer from 0 to ``MAX_THREADS``."""
    if not isinstance(threads, (int, np.integer)) or not 0 <= threads <= MAX_THREADS:
        raise ValueError(f"threads are 0 (one a core) to {MAX_THREADS}, not {threads}")


def for_size(model: str | os.PathLike[str] | Bundle | None, threads: int, many_windows: bool) -> tuple[Bundle, int]:
    """A bundle and how many windows of a picture to work on at once, for so many threads (0: one a core).

    A picture of many windows is done several windows at a time, each network on one thread; a small one with all threads in each network. A bundle
    that is loaded already keeps its threads.
    """
    check_threads(threads)
    workers = threads or cores()
    if isinstance(model, Bundle):
        return model, workers if model.threads == 1 else 1
    return (load(model, 1), workers) if many_windows else (load(model, threads), 1)


def load(model: str | os.PathLike[str] | None = None, threads: int = 0, optimise: bool = True) -> Bundle:
    """A bundle by name or path; a second call with the same arguments returns the one already loaded, unless its manifest names other content since.

    Raises BundleError where there is none, and for one that is damaged, of a later version or not exact on this machine; ValueError for threads out of range.
    """
    check_threads(threads)
    key = (find(model).resolve(), threads, optimise)
    due = read_manifest(key[0])["files"]
    found = _loaded.get(key)
    if found is None or found.manifest["files"] != due:
        with _loading:
            found = _loaded.get(key)
            if found is None or found.manifest["files"] != due:
                found = _loaded[key] = Bundle(*key)
    return found
