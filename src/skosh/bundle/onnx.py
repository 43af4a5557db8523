"""The networks of a bundle in ONNX Runtime: opened when they are first run, and only as they were when the bundle was loaded.

Weights in another file than ``synthesis.onnx``, as ONNX's own tools name one, are refused: a guard against mistakes, not against somebody who means to deceive (SECURITY.md).
"""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..errors import BundleError
from ..types import Floats

if TYPE_CHECKING:
    import onnxruntime

ELSEWHERE = b"\x08location"  # in what a graph says of a weight that lies in another file


BESIDE = b"\x0a" + ELSEWHERE + b"\x12\x0esynthesis.onnx"  # a whole entry, as ONNX writes it


NO_MEMORY = "bad_alloc"  # in what ONNX Runtime says where memory ends


class Sessions:
    """The networks of a bundle's folder by the names of their graphs."""

    def __init__(self, folder: Path, files: dict[str, bytes], threads: int, optimise: bool):
        """``files``: name -> SHA-256 of each, when the bundle was loaded. ``threads``: 0 for one a core. ``optimise``: let ONNX Runtime rewrite the graphs."""
        self.folder, self.files, self.threads, self.optimise = folder, files, threads, optimise
        self._opened: dict[str, onnxruntime.InferenceSession] = {}
        self._opening = threading.Lock()

    def run(self, graph: str, *inputs: npt.NDArray[np.generic]) -> list[Floats]:
        """Run a network; inputs and outputs in the order of ``skosh.bundle``'s text."""
        session = self._opened.get(graph) or self._open_once(graph)
        values = [np.ascontiguousarray(value, dtype=np.float32) for value in inputs]
        try:
            feeds = {node.name: value for node, value in zip(session.get_inputs(), values, strict=True)}
            outputs: list[Floats] = session.run(None, feeds)
        except Exception as error:  # onnxruntime's own exceptions have no common class that it documents
            if NO_MEMORY in str(error):
                raise MemoryError(f"no memory to run {graph}.onnx") from error
            raise BundleError(f"can't run {graph}.onnx of the bundle {self.folder}: {error}") from error
        return outputs

    def _open_once(self, graph: str) -> onnxruntime.InferenceSession:
        """The network, read by one thread while the others wait."""
        with self._opening:
            if graph not in self._opened:
                self._opened[graph] = self._open(graph)
            return self._opened[graph]

    def content(self, name: str) -> bytes:
        """A file as it was when the bundle was loaded; BundleError if it has changed since."""
        content = (self.folder / name).read_bytes()
        if hashlib.sha256(content).digest() != self.files.get(name):
            raise BundleError(f"{name} has changed since the bundle was loaded: load it anew")
        return content

    def _open(self, graph: str) -> onnxruntime.InferenceSession:
        ort = _runtime()
        options = ort.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.log_severity_level = 3
        options.enable_cpu_mem_arena = False
        # Each network has threads of its own; left to spin after a run, they take the cores from the next network.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # A plan of memory is kept for every size of input ever seen, which gains nothing here and grows with each new size of picture.
        options.enable_mem_pattern = False
        level = ort.GraphOptimizationLevel
        options.graph_optimization_level = level.ORT_ENABLE_ALL if self.optimise else level.ORT_DISABLE_ALL
        path = self.folder / f"{graph}.onnx"
        try:
            content = self.content(path.name)
            source: bytes | str = content
            if ELSEWHERE in content:
                if content.count(ELSEWHERE) != content.count(BESIDE):  # the content hash would not cover it
                    raise BundleError("it takes weights from another file than synthesis.onnx")
                self.content("synthesis.onnx")
                source = str(path)  # so that the other file is found
            return ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's own exceptions have no common class that it documents
            if isinstance(error, MemoryError) or NO_MEMORY in str(error):
                raise MemoryError(f"no memory to load {path.name}") from error
            raise BundleError(f"can't load {graph}.onnx of the bundle {self.folder}: {error}") from error


def _runtime() -> Any:
    """ONNX Runtime, told to report to nobody: its builds send what they are used for to their makers, and put a number of the machine's into the user's folder, unless this is set before it is loaded."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    return onnxruntime
