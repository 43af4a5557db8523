"""A bundle: a folder with the networks (ONNX), the integer tables and a manifest; all that a decoder needs to know.

    manifest.json         name, version, licence, content hash, provenance, sizes
    analysis.onnx         x (1, 3, H, W) -> y (1, M, H/16, W/16)
    synthesis.onnx        y_hat, synthesis level -> x_hat
    hyper_analysis.onnx   u -> z (1, N, H/64, W/64)                 | not in a factorised bundle,
    scale_map.onnx        z -> index (1, M, H/16, W/16), exact      | whose y is coded as z is
    mean_first.onnx       z, mean level -> features, means [, steps]|
    mean_second.onnx      features, known half -> means [, steps]   |
    synthesis_gradient.onnx  y_hat, level, x, inside -> gradient of the squared error, and the error: for refinement at the encoder,
                          in bundles that were trained for it alone; its weights are read out of synthesis.onnx
    linear_gradient.onnx  x_hat - x -> gradient of the squared error as it passes through the linear synthesis alone: likewise
    correction.onnx       x_hat with a margin, coefficients -> x_hat corrected    | in bundles whose pictures
    correction_terms.onnx x_hat with a margin -> its terms, at every fifth pixel  | are corrected (correct.py)
    tables.npz            frequency tables, one row of levels for each quality, the scale map's integers, a self-check; in bundles that
                          were trained for it alone also what a squared error is worth in bits, and the curvature of the latents

    training.npz          what only training needs, to go on from the bundle

The content hash is the SHA-256 over the graphs and the tables in the order of their names, each as name, zero byte, size (8 bytes,
little-endian) and content. A file's model id is its first 8 bytes.
"""

from __future__ import annotations

import io
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..container.chunks import QUALITY_UNIT
from ..entropy.coder import Models, check_table
from ..entropy.rate import Costs
from ..entropy.tables import HYPER_SYMBOLS, SCALES, IntTable
from ..errors import BundleError
from ..types import Floats
from .manifest import CORRECTION, GRADIENT, HALO_MAX, LINEAR_GRADIENT, TABLES, content_hash, read_manifest
from .onnx import Sessions
from .scale_map import check_bound, scale_map_reference, shifted

QUALITIES = 101  # rows of levels in a bundle of variable rate


LAST_EIGHTH = (QUALITIES - 1) * QUALITY_UNIT  # quality 100


class Bundle:
    """A loaded bundle. Networks are read when they are first run; what decides symbols is checked at once."""

    def __init__(self, folder: Path, threads: int = 0, optimise: bool = True):
        """``threads``: of the networks, 0 for one a core. ``optimise``: let ONNX Runtime rewrite the graphs.

        Raises BundleError if the content is not what the manifest's hash says, or the scale map is not exact here.
        """
        self.folder, self.threads = folder, threads
        self.manifest = read_manifest(folder)
        files: dict[str, bytes] = {}
        found = content_hash(folder, files)
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
        self.halo: dict[str, int] = self.manifest["halo"]  # how far each network sees, in samples of its coarser side
        self._sessions = Sessions(folder, files, threads, optimise)
        self._models: dict[int, Models] = {}
        try:
            with np.load(io.BytesIO(self._sessions.content(TABLES))) as arrays:
                self.arrays = {name: arrays[name] for name in arrays.files}
            self._check_arrays()
            if self.hyper:
                self._check_scale_map()
        except (BundleError, MemoryError):
            raise
        except Exception as error:  # a damaged archive can fail in many ways
            raise BundleError(f"can't use the tables of the bundle {folder}: {error}") from error

    @property
    def name(self) -> str:
        """Name and version, as the manifest gives them."""
        return f"{self.manifest['name']} {self.manifest['version']}"

    def models(self, quality: float) -> Models:
        """The entropy coder's tables for this quality: those of z are of the nearest of the rows that there are, of 0 to 100."""
        z_tables = self.arrays["z_tables"].reshape(-1, self.hyper or self.latents, HYPER_SYMBOLS)
        row = (round(quality * QUALITY_UNIT) * (len(z_tables) - 1) + LAST_EIGHTH // 2) // LAST_EIGHTH
        if row not in self._models:
            z = [table.astype(np.int64) for table in z_tables[row]]
            self._models[row] = Models(z, self.q_tables, self.correction_tables)
        return self._models[row]

    @cached_property
    def q_tables(self) -> list[IntTable]:
        """The tables of q, one per scale index; none without a hyperprior."""
        if not self.hyper:
            return []
        ends = np.cumsum(self.arrays["q_sizes"])
        return [row.astype(np.int64) for row in np.split(self.arrays["q_tables"], ends[:-1])]

    @cached_property
    def costs(self) -> Costs:
        """What symbols of q cost in bits."""
        return Costs(self.q_tables)

    @property
    def has_gradients(self) -> bool:
        """Whether an encoder can see where other symbols would be better: curvature and both graphs are there."""
        graphs = all((self.folder / f"{name}.onnx").is_file() for name in (GRADIENT, LINEAR_GRADIENT))
        return "curvature" in self.arrays and graphs

    def worth(self, quality: float) -> np.float32:
        """Bits that a squared error of 1 is worth (in one of a pixel's three values, in [0, 1]), as in training."""
        found: np.float32 = self.level("distortion", quality)[0, 0, 0, 0]
        return found

    @property
    def curvature(self) -> Floats:
        """The second derivative of a picture's squared error with respect to each latent, as the linear synthesis alone would have it, (1, M, 1, 1)."""
        found: Floats = self.arrays["curvature"][None, :, None, None]
        return found

    @property
    def corrections(self) -> int:
        """How many coefficients a tile's correction has; 0 where pictures are shown as the synthesis leaves them."""
        return len(self.correction_tables)

    @cached_property
    def correction_tables(self) -> list[IntTable]:
        """One table per coefficient of a correction."""
        return [row.astype(np.int64) for row in self.arrays.get("correction_tables", ())]

    def quality(self, asked: float) -> float:
        """The quality that a file gets which is asked for this one: an eighth; 0 where the bundle has one rate only."""
        return round(asked * QUALITY_UNIT) / QUALITY_UNIT if len(self.arrays["gain"]) == QUALITIES else 0.0

    def level(self, name: str, quality: float) -> Floats:
        """A float row of levels between the two that the quality lies between, shape (1, C, 1, 1)."""
        rows, eighth = self._rows(name, quality)
        part = np.float32(eighth / QUALITY_UNIT)
        row: Floats = rows[0].astype(np.float32) * (1 - part) + rows[1].astype(np.float32) * part
        return row[None, :, None, None]

    def shift(self, quality: float) -> npt.NDArray[np.int64]:
        """The shifts (M,) of the scale index, interpolated in integers: ``floor(((8 - e) a + e b + 4) / 8)``."""
        rows, eighth = self._rows("shift", quality)
        low, high = rows.astype(np.int64)
        shift: npt.NDArray[np.int64] = (
            (QUALITY_UNIT - eighth) * low + eighth * high + QUALITY_UNIT // 2
        ) // QUALITY_UNIT
        return shift

    def _rows(self, name: str, quality: float) -> tuple[npt.NDArray[np.generic], int]:
        """The two rows between which a quality lies, (2, C), and how many eighths of the way it is."""
        rows = self.arrays[name]
        row, eighth = divmod(round(quality * QUALITY_UNIT), QUALITY_UNIT) if len(rows) == QUALITIES else (0, 0)
        return rows[[row, min(row + 1, len(rows) - 1)]], eighth

    def run(self, graph: str, *inputs: npt.NDArray[np.generic]) -> list[Floats]:
        """Run a network; inputs and outputs in the order of the module's text."""
        return self._sessions.run(graph, *inputs)

    def scale_index(self, z: npt.NDArray[np.int32], quality: float) -> npt.NDArray[np.uint8]:
        """z (N, h, w) -> scale index of every latent (M, H, W). The same integers on every machine."""
        (index,) = self.run("scale_map", z[None].astype(np.float32))
        return shifted(index[0], self.shift(quality))

    def mean_first(self, z: npt.NDArray[np.int32], quality: float) -> tuple[Floats, Floats, Floats]:
        """z (N, h, w) -> features, means of the first half and quantisation steps; 1 where the bundle has learned none."""
        features, mean, *step = self.run("mean_first", z[None], self.level("mean_level", quality))
        return features, mean, step[0] if step else np.ones((), np.float32)

    def mean_second(self, features: Floats, known: Floats) -> tuple[Floats, Floats]:
        """Features and the first half of y (zero elsewhere) -> means of the second half and steps, as ``mean_first``."""
        mean, *step = self.run("mean_second", features, known)
        return mean, step[0] if step else np.ones((), np.float32)

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
        if "distortion" in self.arrays:
            due["distortion"] = 1
        for name, width in due.items():
            found = self.arrays[name]
            if found.shape != (rows, width) or not np.isfinite(found).all():
                raise BundleError(f"the array {name} of the bundle {self.folder} is not {rows}x{width} finite numbers")
        channels = self.hyper or self.latents
        if self.arrays["z_tables"].shape[-2:] != (channels, HYPER_SYMBOLS) or len(self.q_tables) != (
            SCALES if self.hyper else 0
        ):
            raise BundleError(f"the bundle {self.folder} has tables for another number of channels or scales")
        if (curvature := self.arrays.get("curvature")) is not None:
            sensible = curvature.shape == (self.latents,) and bool(np.all(np.isfinite(curvature) & (curvature >= 0.0)))
            if not sensible or "distortion" not in self.arrays:
                raise BundleError(f"the bundle {self.folder} misstates the curvature of its latents or lacks its worth")
        if self.corrections:
            halo = self.halo.get(CORRECTION)
            sensible = type(halo) is int and 0 <= halo <= HALO_MAX and self.hyper > 0
            if not sensible or "distortion" not in self.arrays:
                raise BundleError(f"the bundle {self.folder} lacks or misstates the halo or the worth of corrections")
            if any(table.shape != (HYPER_SYMBOLS,) for table in self.correction_tables):
                raise BundleError(f"the bundle {self.folder} has tables of corrections for another number of symbols")
        for table in (
            *self.arrays["z_tables"].reshape(-1, HYPER_SYMBOLS),
            *self.q_tables,
            *self.correction_tables,
        ):
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
