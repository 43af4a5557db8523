"""Load bundles, keep the loaded ones, and share out threads."""

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
    """Free the lock in a new process: its holder may be left in the old one."""
    global _loading
    _loading = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def check_threads(threads: int) -> None:
    """Raise ValueError unless ``threads`` is an integer from 0 to ``MAX_THREADS``."""
    if not isinstance(threads, (int, np.integer)) or not 0 <= threads <= MAX_THREADS:
        raise ValueError(f"threads are 0 (one a core) to {MAX_THREADS}, not {threads}")


def for_size(model: str | os.PathLike[str] | Bundle | None, threads: int, many_windows: bool) -> tuple[Bundle, int]:
    """Return a bundle, and how many windows of a picture to work on at once.

    ``threads``: 0 for one a core. A picture of many windows runs several windows at once, each network on one thread; a
    small picture uses all threads within each network. A loaded bundle keeps its threads.
    """
    check_threads(threads)
    workers = threads or cores()
    if isinstance(model, Bundle):
        return model, workers if model.threads == 1 else 1
    return (load(model, 1), workers) if many_windows else (load(model, threads), 1)


def load(model: str | os.PathLike[str] | None = None, threads: int = 0, optimise: bool = True) -> Bundle:
    """Load a bundle by name or path.

    A second call with the same arguments returns the loaded bundle, unless its manifest has changed since.

    Raises BundleError for a bundle that is missing, damaged, of a later version or not exact on this machine, and
    ValueError for threads out of range.
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
