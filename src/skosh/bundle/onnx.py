"""The networks of a bundle in ONNX Runtime: each opened on its first run, and checked against the manifest as loaded.

The gradients of the synthesis borrow its weights: the manifest says where in ``decoder/synthesis.onnx`` they lie. All
other external weights are refused. This guards against mistakes, not against attackers (SECURITY.md).
"""

from __future__ import annotations

import ctypes
import math
import os
import threading
import warnings
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..errors import BundleError
from ..limits import cores, startable
from ..types import Floats
from .graphs import ENCODER, GRAPHS, path_of
from .manifest import content

if TYPE_CHECKING:
    import onnxruntime

ELSEWHERE = b"\x08location"  # marks, in a graph, a weight that lies in another file
NO_MEMORY = "bad_alloc"  # in ONNX Runtime's message when memory runs out
TYPES = {"int8": np.int8, "float16": np.float16, "float32": np.float32}  # of borrowed weights
LENDER = path_of("synthesis")


class Sessions:
    """Networks of a bundle's folder, by the names of their graphs."""

    def __init__(self, folder: Path, manifest: dict[str, Any], threads: int, optimise: bool):
        """``threads``: 0 for one a core. ``optimise``: let ONNX Runtime rewrite the graphs."""
        self.folder, self.manifest, self.threads, self.optimise = folder, manifest, threads, optimise
        self._opened: dict[str, onnxruntime.InferenceSession] = {}
        self._opening = threading.Lock()
        _all.add(self)

    def forget(self) -> None:
        """Open every network anew on its next run.

        The open ones are never freed: in a forked process their threads are gone, and freeing would wait for them.
        """
        for session in self._opened.values():
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(session))
        self._opened = {}
        self._opening = threading.Lock()

    def run(self, graph: str, *inputs: npt.NDArray[np.generic], only: tuple[str, ...] = ()) -> list[Floats]:
        """Run a network, with inputs and outputs as in ``graphs.TABLE``. Raises BundleError where that fails.

        ``only``: names of the outputs to give; by default all that the graph has. ONNX Runtime computes the whole graph
        in any case: an optional output should be a value on the way to the first one.
        """
        session = self._opened.get(graph) or self._open_once(graph)
        values = [np.ascontiguousarray(value, dtype=np.float32) for value in inputs]
        try:
            feeds = {node.name: value for node, value in zip(session.get_inputs(), values, strict=True)}
            outputs: list[Floats] = session.run(_names(session, graph, only) if only else None, feeds)
        except Exception as error:  # ONNX Runtime documents no common class of its exceptions
            if NO_MEMORY in str(error):
                raise MemoryError(f"no memory to run {graph}.onnx") from error
            raise BundleError(f"can't run {graph}.onnx of the bundle {self.folder}: {error}") from error
        self._check_outputs(graph, outputs, only or GRAPHS[graph].outputs)
        return outputs

    def _check_outputs(self, graph: str, outputs: list[Floats], names: tuple[str, ...]) -> None:
        least = sum(not name.startswith("[") for name in names)
        if not least <= len(outputs) <= len(names) or any(out.dtype != np.float32 for out in outputs):
            raise BundleError(
                f"{path_of(graph)} of the bundle {self.folder} does not give {', '.join(names)} in float32"
            )

    def _open_once(self, graph: str) -> onnxruntime.InferenceSession:
        """Open a network in one thread, while others wait."""
        with self._opening:
            if graph not in self._opened:
                self._opened[graph] = self._open(graph)
            return self._opened[graph]

    def _open(self, graph: str) -> onnxruntime.InferenceSession:
        ort = _runtime()
        options = ort.SessionOptions()
        options.intra_op_num_threads = self._threads_for(graph)
        options.log_severity_level = 3
        options.enable_cpu_mem_arena = False
        # Each network has its own threads. Spinning after a run, they would take the cores from the next network.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # ONNX Runtime would keep a memory plan for every size of input: no gain here, and growing memory.
        options.enable_mem_pattern = False
        level = ort.GraphOptimizationLevel
        options.graph_optimization_level = level.ORT_ENABLE_ALL if self.optimise else level.ORT_DISABLE_ALL
        model = content(self.folder, self.manifest, path_of(graph))
        try:
            borrowed = self._borrowed(graph)
            if model.count(ELSEWHERE) != len(borrowed):  # the manifest's hashes would not cover the others
                raise BundleError(f"it takes weights from another file than {LENDER}")
            if borrowed:
                values = [ort.OrtValue.ortvalue_from_numpy(value) for value in borrowed.values()]
                options.add_external_initializers(list(borrowed), values)
            return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime documents no common class of its exceptions
            if isinstance(error, MemoryError) or NO_MEMORY in str(error):
                raise MemoryError(f"no memory to load {path_of(graph)}") from error
            raise BundleError(f"can't load {graph}.onnx of the bundle {self.folder}: {error}") from error

    def _borrowed(self, graph: str) -> dict[str, npt.NDArray[Any]]:
        """Return the weights that a graph borrows from the synthesis, by name, as the manifest lists them."""
        rows = self.manifest[ENCODER].get("borrowed", {}).get(graph, [])
        lender = content(self.folder, self.manifest, LENDER) if rows else b""
        found = {}
        for name, kind, shape, offset in rows:
            count = math.prod(shape)
            if not 0 <= offset <= offset + count * np.dtype(TYPES[kind]).itemsize <= len(lender):
                raise BundleError(f"its weight {name} lies outside of {LENDER}")
            found[name] = np.frombuffer(lender, TYPES[kind], count, offset).reshape(shape)
        return found

    def _threads_for(self, graph: str) -> int:
        """Return how many threads a network gets.

        Warns and returns fewer where the system refuses some: ONNX Runtime would hang.
        """
        wanted = min(self.threads or cores(), GRAPHS[graph].threads)
        found = 1 + startable(wanted - 1)  # the first is the caller's
        if found < wanted:
            warnings.warn(
                f"the system allows no more threads (a limit on processes): going on with {found}", stacklevel=2
            )
        return found


def _names(session: onnxruntime.InferenceSession, graph: str, only: tuple[str, ...]) -> list[str]:
    """Return what a graph calls some of its outputs, which are known by their places in the table."""
    found = [node.name for node in session.get_outputs()]
    known = dict(zip((name.strip("[]") for name in GRAPHS[graph].outputs), found, strict=False))
    if missing := [name for name in only if name not in known]:
        raise ValueError(f"it has no output {', '.join(missing)}")
    return [known[name] for name in only]


_all: weakref.WeakSet[Sessions] = weakref.WeakSet()


def _after_fork() -> None:
    for sessions in list(_all):
        sessions.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _runtime() -> Any:
    """Import ONNX Runtime with its telemetry off.

    Its builds report usage to their makers, and write a machine number into the user's folder. The variable must be set
    before the import.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    return onnxruntime
