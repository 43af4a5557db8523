"""A loaded bundle: its networks in ONNX Runtime and its tables.

``manifest`` describes the files of its folder, ``graphs`` lists the networks.

``decoder/tables.npz`` holds the frequency tables (``z_tables``; ``q_tables``, concatenated, with ``q_sizes``;
``wiener_tables``), one row of levels for each quality (``gain``, ``inverse``, ``shift``, ``mean_level``,
``synthesis_level``), and the integers of the scale map with a self-check (``scale_weight``, ``scale_bias``,
``scale_bits``, ``check_z``, ``check_index``).

``encoder/tables.npz`` holds the levels of z (``z_level``). Where the encoder can optimise rate and distortion, it also
holds the bits that a squared error is worth at each quality (``lambda``), the curvature of the squared error along
each latent (``curvature``), and, where errors count for less in busy places, how much (``masking``).
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..container.chunks import QUALITY_UNIT
from ..entropy.coder import Models
from ..entropy.rate import Rate
from ..entropy.tables import HYPER_SYMBOLS, SCALES, IntTable, check_table
from ..errors import BundleError
from ..types import Floats
from .graphs import DECODER, ENCODER, HEADS, path_of
from .manifest import DECODER_TABLES, ENCODER_TABLES, content, read_manifest
from .onnx import Sessions
from .point import Point
from .scale_map import check_bound, scale_map_reference

QUALITIES = 101  # rows of levels in a bundle of variable rate
LAST_EIGHTH = (QUALITIES - 1) * QUALITY_UNIT  # quality 100
Arrays = dict[str, npt.NDArray[Any]]


class Bundle:
    """Networks and tables of a bundle. Networks open on their first run; what decides symbols is checked at once."""

    def __init__(self, folder: Path, threads: int = 0, optimise: bool = True):
        """Load a folder.

        ``threads``: of each network, 0 for one a core. ``optimise``: let ONNX Runtime rewrite the graphs.

        Raises BundleError unless the decoder's files match the manifest and the scale map is exact on this machine.
        """
        self.folder, self.threads = folder, threads
        self.manifest = read_manifest(folder)
        decoder = self.manifest[DECODER]
        self.model_id = bytes.fromhex(self.manifest["model_id"])
        self.latents: int = decoder["latent_channels"]
        self.hyper: int = decoder["hyper_channels"]
        self.stride: int = decoder["stride"]  # of y
        self.multiple: int = decoder["multiple"]  # side in samples to which pictures are padded
        self.reduction = self.multiple // self.stride  # samples of y a side for one of z
        others = (self.manifest[role].get("halo", {}) for role in (HEADS, ENCODER))
        self.halo: dict[str, int] = {name: n for one in (*others, decoder["halo"]) for name, n in one.items()}
        self._sessions = Sessions(folder, self.manifest, threads, optimise)
        self._models: dict[int, Models] = {}
        for name in self.manifest["files"]:
            if name.startswith(f"{DECODER}/"):
                content(folder, self.manifest, name)
        self.arrays = self._read(DECODER_TABLES)
        try:
            self._check_arrays()
            if self.hyper:
                self._check_scale_map()
        except (BundleError, MemoryError):
            raise
        except Exception as error:  # a damaged archive can fail in many ways
            raise BundleError(f"can't use {DECODER_TABLES} of the bundle {folder}: {error}") from error

    @property
    def name(self) -> str:
        """Return name and version, as the manifest gives them."""
        return f"{self.manifest['name']} {self.manifest['version']}"

    def has(self, graph: str) -> bool:
        """Return whether the bundle holds this network."""
        return path_of(graph) in self.manifest["files"]

    def at(self, quality: float) -> Point:
        """Return the operating point of a quality, 0 to 100. Levels between two rows are interpolated in eighths."""
        return Point(self, self.quality(quality))

    def quality(self, asked: float) -> float:
        """Return the quality that a file gets: the nearest eighth, or 0 where the bundle has one rate only."""
        return round(asked * QUALITY_UNIT) / QUALITY_UNIT if len(self.arrays["gain"]) == QUALITIES else 0.0

    def models(self, quality: float) -> Models:
        """Return the entropy coder's tables. z has several rows of them for qualities 0 to 100: take the nearest."""
        z_tables = self.arrays["z_tables"].reshape(-1, self.hyper or self.latents, HYPER_SYMBOLS)
        row = (round(quality * QUALITY_UNIT) * (len(z_tables) - 1) + LAST_EIGHTH // 2) // LAST_EIGHTH
        if row not in self._models:
            z = [table.astype(np.int64) for table in z_tables[row]]
            self._models[row] = Models(z, self.q_tables, self.wiener_tables)
        return self._models[row]

    @cached_property
    def q_tables(self) -> list[IntTable]:
        """Return the tables of q, one per scale index; none without a hyperprior."""
        if not self.hyper:
            return []
        ends = np.cumsum(self.arrays["q_sizes"])
        return [row.astype(np.int64) for row in np.split(self.arrays["q_tables"], ends[:-1])]

    @cached_property
    def rate(self) -> Rate:
        """Return the costs of symbols of q in bits."""
        return Rate(self.q_tables)

    @cached_property
    def wiener_tables(self) -> list[IntTable]:
        """Return the tables of a tile's Wiener filter, one per coefficient."""
        return [row.astype(np.int64) for row in self.arrays.get("wiener_tables", ())]

    @property
    def wiener_terms(self) -> int:
        """Return the number of coefficients of a tile's Wiener filter; 0 where the bundle has no filter."""
        return len(self.wiener_tables)

    @cached_property
    def encoder_arrays(self) -> Arrays:
        """Return the encoder's tables. Raises BundleError where they are missing or wrong."""
        if ENCODER_TABLES not in self.manifest["files"]:
            raise BundleError(
                f"the bundle {self.folder} only decodes: it has no {ENCODER}/; name another to encode with"
            )
        arrays, rows = self._read(ENCODER_TABLES), len(self.arrays["gain"])
        due: dict[str, tuple[int, ...]] = {"z_level": (rows, self.hyper)} if self.hyper else {}
        if "curvature" in arrays or "lambda" in arrays or self.wiener_terms:
            due |= {"lambda": (rows, 1)}
        if "curvature" in arrays:
            due |= {"curvature": (self.latents,)}
            if not bool(np.all(arrays["curvature"] >= 0.0)):
                raise BundleError(f"the curvature of the bundle {self.folder} is below 0")
        if "masking" in arrays:
            due |= {"masking": (2,)}
        self._check_shapes(arrays, due, ENCODER_TABLES)
        return arrays

    @property
    def has_gradients(self) -> bool:
        """Return whether an encoder can optimise or refine symbols: curvature and both gradients are there."""
        graphs = self.has("synthesis_gradient") and self.has("linear_gradient")
        return graphs and "curvature" in self.encoder_arrays

    @property
    def curvature(self) -> Floats:
        """Return the second derivative of the squared error along each latent, of the linear synthesis.

        Shape (1, M, 1, 1).
        """
        found: Floats = self.encoder_arrays["curvature"][None, :, None, None]
        return found

    @property
    def masking(self) -> tuple[float, float] | None:
        """Return a and b of ``codec.masking``; None where an error counts the same everywhere."""
        if "masking" not in self.encoder_arrays:
            return None
        height, softness = self.encoder_arrays["masking"]
        return float(height), float(softness)

    def rows(self, array: npt.NDArray[Any], quality: float) -> tuple[npt.NDArray[Any], int]:
        """Return the two rows around a quality, (2, C), and its place between them in eighths."""
        row, eighth = divmod(round(quality * QUALITY_UNIT), QUALITY_UNIT) if len(array) == QUALITIES else (0, 0)
        return array[[row, min(row + 1, len(array) - 1)]], eighth

    def run(self, graph: str, *inputs: npt.NDArray[np.generic], only: tuple[str, ...] = ()) -> list[Floats]:
        """Run a network, with inputs and outputs as in ``graphs.TABLE``. Raises BundleError where it fails.

        ``only``: names of the outputs to give; by default all that the graph has.
        """
        return self._sessions.run(graph, *inputs, only=only)

    def check_shape(self, graph: str, found: Floats, due: tuple[int, ...]) -> None:
        """Raise BundleError unless a network's output has the shape ``due``."""
        if found.shape != due:
            raise BundleError(f"{path_of(graph)} of the bundle {self.folder} gives {found.shape} where {due} is due")

    def _read(self, name: str) -> Arrays:
        """Return the arrays of a file of the bundle."""
        data = content(self.folder, self.manifest, name)
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                return {key: arrays[key] for key in arrays.files}
        except MemoryError:
            raise
        except Exception as error:  # a damaged archive can fail in many ways
            raise BundleError(f"can't read {name} of the bundle {self.folder}: {error}") from error

    def _check_shapes(self, arrays: Arrays, due: Mapping[str, tuple[int, ...]], file: str) -> None:
        for name, shape in due.items():
            found = arrays.get(name)
            if found is None:
                raise BundleError(f"{file} of the bundle {self.folder} lacks {name}")
            if found.shape != shape or found.dtype.kind not in "iuf" or not np.isfinite(found).all():
                size = "x".join(map(str, shape))
                raise BundleError(f"the array {name} of the bundle {self.folder} is not {size} finite numbers")

    def _check_arrays(self) -> None:
        """Check that every array has the shape that the manifest asks for, and that tables are whole."""
        if missing := [name for name in ("gain", "z_tables") if name not in self.arrays]:
            raise BundleError(f"{DECODER_TABLES} of the bundle {self.folder} lacks {', '.join(missing)}")
        rows = len(self.arrays["gain"])
        if rows not in (1, QUALITIES):
            raise BundleError(f"the bundle {self.folder} has {rows} rows of levels where 1 or {QUALITIES} are due")
        if self.hyper:
            due = dict.fromkeys(("gain", "inverse", "shift"), (rows, self.latents))
            widths = {
                name: self.arrays[name].shape[-1] for name in ("mean_level", "synthesis_level") if name in self.arrays
            }
            due |= {"mean_level": (rows, widths.get("mean_level", 1))}
            due |= {name: (rows, width) for name, width in widths.items()}
            self._check_shapes(self.arrays, due, DECODER_TABLES)
        channels = self.hyper or self.latents
        if self.arrays["z_tables"].shape[-2:] != (channels, HYPER_SYMBOLS) or len(self.q_tables) != (
            SCALES if self.hyper else 0
        ):
            raise BundleError(f"the bundle {self.folder} has tables for another number of channels or scales")
        if self.wiener_terms and (not self.hyper or "wiener" not in self.halo or not self.has("wiener")):
            raise BundleError(
                f"the bundle {self.folder} has tables of a Wiener filter, but no filter or no halo for it"
            )
        if any(table.shape != (HYPER_SYMBOLS,) for table in self.wiener_tables):
            raise BundleError(f"the bundle {self.folder} has tables of a Wiener filter for another number of symbols")
        for table in (*self.arrays["z_tables"].reshape(-1, HYPER_SYMBOLS), *self.q_tables, *self.wiener_tables):
            check_table(table)

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
