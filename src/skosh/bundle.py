"""A bundle: a folder with the networks (ONNX), the integer tables and a manifest; all that a decoder needs to know.

    manifest.json         name, version, licence, content hash, provenance, sizes
    analysis.onnx         x (1, 3, H, W) -> y (1, M, H/16, W/16)
    synthesis.onnx        y_hat, synthesis level -> x_hat
    hyper_analysis.onnx   u -> z (1, N, H/64, W/64)                 | not in a factorised bundle,
    scale_map.onnx        z -> index (1, M, H/16, W/16), exact      | whose y is coded as z is
    mean_first.onnx       z, mean level -> features, means [, steps]|
    mean_second.onnx      features, known half -> means [, steps]   |
    tables.npz            frequency tables, one row of levels for each quality, the scale map's integers, a self-check

    training.npz          what only training needs, to go on from the bundle

The content hash is the SHA-256 over the graphs and the tables in the order of their names, each as name, zero byte, size (8 bytes,
little-endian) and content. A file's model id is its first 8 bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .entropy import Models
from .errors import BundleError
from .exact import check_bound, scale_map_reference, shifted
from .limits import MAX_MANIFEST
from .tables import SCALES, IntTable

if TYPE_CHECKING:
    import onnxruntime

Floats = npt.NDArray[np.float32]

MANIFEST = "manifest.json"
TABLES = "tables.npz"
BUNDLE_VERSION = 1
DEFAULT = "flagship"
MODELS = Path(__file__).parent / "models"
FACTORISED_GRAPHS = ("analysis", "synthesis")
HYPERPRIOR_GRAPHS = ("analysis", "hyper_analysis", "mean_first", "mean_second", "scale_map", "synthesis")
REQUIRED = {
    "name": str,
    "version": str,
    "content_sha256": str,
    "latent_channels": int,
    "hyper_channels": int,
    "stride": int,
    "multiple": int,
}
QUALITIES = 101  # rows of levels in a bundle of variable rate


def content_hash(folder: Path) -> str:
    """SHA-256 over the bundle's graphs and tables (see the module's text), as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    hashed = [path for path in folder.iterdir() if path.suffix == ".onnx" or path.name == TABLES]
    for path in sorted(hashed, key=lambda path: path.name):
        content = path.read_bytes()
        digest.update(path.name.encode() + b"\0" + len(content).to_bytes(8, "little") + content)
    return digest.hexdigest()


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a bundle; BundleError if there is none, or one that this version can't use."""
    path = folder / MANIFEST
    if not path.is_file():
        raise BundleError(f"{folder} is no bundle: it has no {MANIFEST}")
    try:
        if path.stat().st_size > MAX_MANIFEST:
            raise BundleError(f"{path} is too large to be a manifest")
        manifest = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(f"can't read {path}: {error}") from error
    if not isinstance(manifest, dict) or "bundle_version" not in manifest:
        raise BundleError(f"{path} is no manifest of a bundle")
    if manifest.get("bundle_version") != BUNDLE_VERSION:
        raise BundleError(f"{folder}: bundle version {manifest.get('bundle_version')} is not known; update skosh")
    wrong = [key for key, kind in REQUIRED.items() if type(manifest.get(key)) is not kind]
    if wrong or manifest["stride"] < 1 or manifest["multiple"] % manifest["stride"]:
        raise BundleError(f"{path} lacks or misstates {', '.join(wrong) or 'stride and multiple'}")
    return manifest


def installed() -> Iterator[tuple[str, Path, dict[str, Any]]]:
    """Name, folder and manifest of the bundles that come with the package."""
    if MODELS.is_dir():
        for folder in sorted(MODELS.iterdir()):
            if (folder / MANIFEST).is_file():
                yield folder.name, folder, read_manifest(folder)


def find(model: str | os.PathLike[str] | None) -> Path:
    """The folder of a bundle, by the name of an installed one or by path; the default bundle for None."""
    name = DEFAULT if model is None else os.fspath(model)
    if os.sep not in name and (MODELS / name / MANIFEST).is_file():
        return MODELS / name
    if Path(name).is_dir():
        return Path(name)
    known = ", ".join(found for found, _, _ in installed()) or "none"
    raise BundleError(f"no model {name!r}: give a bundle's folder or an installed name ({known})")


def find_by_id(model_id: bytes) -> Path | None:
    """The installed bundle that files with this model id were made with."""
    for _, folder, manifest in installed():
        if manifest["content_sha256"].startswith(model_id.hex()):
            return folder
    return None


class Bundle:
    """A loaded bundle. Networks are read when they are first run; what decides symbols is checked at once."""

    def __init__(self, folder: Path, threads: int = 0, optimise: bool = True):
        """``threads``: of the networks, 0 for one a core. ``optimise``: let ONNX Runtime rewrite the graphs.

        Raises BundleError if the content is not what the manifest's hash says, or the scale map is not exact here.
        """
        self.folder, self.threads, self.optimise = folder, threads, optimise
        self.manifest = read_manifest(folder)
        found = content_hash(folder)
        if found != self.manifest["content_sha256"]:
            raise BundleError(
                f"the bundle {folder} is damaged: content {found[:16]}, manifest {self.manifest['content_sha256'][:16]}"
            )
        self.model_id = bytes.fromhex(found[:16])
        self.latents: int = self.manifest["latent_channels"]
        self.hyper: int = self.manifest["hyper_channels"]
        self.stride: int = self.manifest["stride"]  # of y
        self.multiple: int = self.manifest["multiple"]  # pictures are padded to this
        self.reduction = self.multiple // self.stride  # y has this many samples a side for one of z
        self._sessions: dict[str, onnxruntime.InferenceSession] = {}
        try:
            with (folder / TABLES).open("rb") as file, np.load(file) as arrays:
                self.arrays = {name: arrays[name] for name in arrays.files}
            self._check_arrays()
            if self.hyper:
                self._check_scale_map()
        except BundleError:
            raise
        except Exception as error:  # a damaged archive can fail in many ways
            raise BundleError(f"can't use the tables of the bundle {folder}: {error}") from error

    @property
    def name(self) -> str:
        """Name and version, as the manifest gives them."""
        return f"{self.manifest['name']} {self.manifest['version']}"

    @cached_property
    def models(self) -> Models:
        """The entropy coder's tables."""
        z = [row.astype(np.int64) for row in self.arrays["z_tables"]]
        q: list[IntTable] = []
        if self.hyper:
            ends = np.cumsum(self.arrays["q_sizes"])
            q = [row.astype(np.int64) for row in np.split(self.arrays["q_tables"], ends[:-1])]
        return Models(z, q)

    def row(self, quality: int) -> int:
        """The row of levels that a quality of 0..100 stands for; a bundle of one rate has one row."""
        return quality if len(self.arrays["gain"]) == QUALITIES else 0

    def level(self, name: str, quality: int) -> Floats:
        """A float row of levels, shape (1, C, 1, 1)."""
        row: Floats = self.arrays[name][self.row(quality)].astype(np.float32)
        return row[None, :, None, None]

    def run(self, graph: str, *inputs: npt.NDArray[np.generic]) -> list[Floats]:
        """Run a network; inputs and outputs in the order of the module's text."""
        session = self._sessions.get(graph)
        if session is None:
            session = self._sessions[graph] = self._open(graph)
        names = [node.name for node in session.get_inputs()]
        feeds = {name: np.ascontiguousarray(value, dtype=np.float32) for name, value in zip(names, inputs, strict=True)}
        try:
            outputs: list[Floats] = session.run(None, feeds)
        except Exception as error:  # onnxruntime's own exceptions have no common class that it documents
            raise BundleError(f"can't run {graph}.onnx of the bundle {self.folder}: {error}") from error
        return outputs

    def scale_index(self, z: npt.NDArray[np.int32], quality: int) -> npt.NDArray[np.uint8]:
        """z (N, h, w) -> scale index of every latent (M, H, W). The same integers on every machine."""
        (index,) = self.run("scale_map", z[None].astype(np.float32))
        return shifted(index[0], self.arrays["shift"][self.row(quality)])

    def mean_first(self, z: npt.NDArray[np.int32], quality: int) -> tuple[Floats, Floats, Floats]:
        """z (N, h, w) -> features, means of the first half and quantisation steps; 1 where the bundle has learned none."""
        features, mean, *step = self.run("mean_first", z[None], self.level("mean_level", quality))
        return features, mean, step[0] if step else np.ones((), np.float32)

    def mean_second(self, features: Floats, known: Floats) -> tuple[Floats, Floats]:
        """Features and the first half of y (zero elsewhere) -> means of the second half and steps, as ``mean_first``."""
        mean, *step = self.run("mean_second", features, known)
        return mean, step[0] if step else np.ones((), np.float32)

    def first_half(self, height: int, width: int) -> npt.NDArray[np.bool_]:
        """The half of the latents (M, height, width) whose means come from z alone: c + i + j is even."""
        odd = [np.arange(n) % 2 == 1 for n in (self.latents, height, width)]
        half: npt.NDArray[np.bool_] = ~(odd[0][:, None, None] ^ odd[1][:, None] ^ odd[2])
        return half

    def _check_arrays(self) -> None:
        """Every array has the shape that the manifest asks for, and whole tables."""
        rows = len(self.arrays["gain"])
        if rows not in (1, QUALITIES):
            raise BundleError(f"the bundle {self.folder} has {rows} rows of levels where 1 or {QUALITIES} are due")
        due = (
            {"gain": self.latents, "inverse": self.latents, "shift": self.latents, "z_level": self.hyper}
            if self.hyper
            else {}
        )
        for name, width in due.items():
            found = self.arrays[name]
            if found.shape != (rows, width) or not np.isfinite(found).all():
                raise BundleError(f"the array {name} of the bundle {self.folder} is not {rows}x{width} finite numbers")
        channels = self.hyper or self.latents
        if len(self.models.z_models) != channels or len(self.models.q_models) != (SCALES if self.hyper else 0):
            raise BundleError(f"the bundle {self.folder} has tables for another number of channels or scales")

    def _check_scale_map(self) -> None:
        weight, bias, bits = self.arrays["scale_weight"], self.arrays["scale_bias"], int(self.arrays["scale_bits"])
        check_bound(weight, bias, bits)
        z = self.arrays["check_z"].astype(np.int32)
        due = scale_map_reference(z, weight, bias, bits, self.reduction)
        (index,) = self.run("scale_map", z[None].astype(np.float32))
        if not np.array_equal(index[0], due) or not np.array_equal(due, self.arrays["check_index"]):
            raise BundleError(
                f"the scale map of {self.folder} is not exact on this machine: files would decode wrongly"
            )

    def _open(self, graph: str) -> onnxruntime.InferenceSession:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.log_severity_level = 3
        # Each network has threads of its own; left to spin after a run, they take the cores from the next network.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        level = ort.GraphOptimizationLevel
        options.graph_optimization_level = level.ORT_ENABLE_ALL if self.optimise else level.ORT_DISABLE_ALL
        try:
            return ort.InferenceSession(str(self.folder / f"{graph}.onnx"), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's own exceptions have no common class that it documents
            raise BundleError(f"can't load {graph}.onnx of the bundle {self.folder}: {error}") from error


_loaded: dict[tuple[Path, int, bool], Bundle] = {}


def load(model: str | os.PathLike[str] | None = None, threads: int = 0, optimise: bool = True) -> Bundle:
    """A bundle by name or path; a second call with the same arguments returns the one already loaded."""
    key = (find(model).resolve(), threads, optimise)
    if key not in _loaded:
        _loaded[key] = Bundle(*key)
    return _loaded[key]
