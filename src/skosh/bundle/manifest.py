"""The folders of bundles: what a manifest has to say, the content hash, and which bundles are installed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import BundleError, did_you_mean
from ..limits import MAX_MANIFEST, PADDING

MANIFEST = "manifest.json"


TABLES = "tables.npz"


EXTRA = "training.npz"  # parameters that no graph holds, so that training can go on from a bundle


BUNDLE_VERSION = 1


CORRECTED_VERSION = 2  # of a bundle whose pictures are corrected: a decoder that knows only the first would show others


DEFAULT = "flagship"


MODELS = Path(__file__).parents[1] / "models"


REQUIRED = {
    "name": str,
    "version": str,
    "content_sha256": str,
    "latent_channels": int,
    "hyper_channels": int,
    "stride": int,
    "multiple": int,
    "halo": dict,
}


GRAPHS = ("analysis", "synthesis")  # of every bundle


HYPERPRIOR_GRAPHS = ("hyper_analysis", "mean_first", "mean_second")  # of one with a hyperprior, beside the scale map


GRADIENT, LINEAR_GRADIENT = "synthesis_gradient", "linear_gradient"  # of one whose symbols an encoder can improve


CORRECTION, CORRECTION_TERMS = "correction", "correction_terms"  # of one whose pictures are corrected


HALO_MAX = 64  # samples


def content_hash(folder: Path, files: dict[str, bytes] | None = None) -> str:
    """SHA-256 over the bundle's graphs and tables (see ``skosh.bundle``), as 64 hexadecimal digits; ``files`` gets that of each alone, by its name. BundleError for one that can't be read."""
    digest = hashlib.sha256()
    hashed = [path for path in folder.iterdir() if path.suffix == ".onnx" or path.name == TABLES]
    for path in sorted(hashed, key=lambda path: path.name):
        try:
            content = path.read_bytes()
        except OSError as error:  # a link to a file that was not fetched, above all
            raise BundleError(f"can't read {path}: {error.strerror}") from error
        if files is not None:
            files[path.name] = hashlib.sha256(content).digest()
        digest.update(path.name.encode() + b"\0" + len(content).to_bytes(8, "little") + content)
    return digest.hexdigest()


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a bundle; BundleError if there is none, or one that this version can't use."""
    path = folder / MANIFEST
    try:
        if not path.is_file():
            raise BundleError(f"{folder} is no bundle: it has no {MANIFEST}")
        if path.stat().st_size > MAX_MANIFEST:
            raise BundleError(f"{path} is too large to be a manifest")
        manifest = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(f"can't read {path}: {error}") from error
    if not isinstance(manifest, dict) or "bundle_version" not in manifest:
        raise BundleError(f"{path} is no manifest of a bundle")
    if manifest.get("bundle_version") not in (BUNDLE_VERSION, CORRECTED_VERSION):
        raise BundleError(f"{folder}: bundle version {manifest.get('bundle_version')} is not known; update skosh")
    wrong = [key for key, kind in REQUIRED.items() if type(manifest.get(key)) is not kind]
    if wrong or not sensible(manifest["stride"], manifest["multiple"]):
        raise BundleError(f"{path} lacks or misstates {', '.join(wrong) or 'stride and multiple'}")
    graphs = (*GRAPHS, *(HYPERPRIOR_GRAPHS if manifest["hyper_channels"] else ()))
    halos = [manifest["halo"].get(graph) for graph in graphs]
    if not all(type(halo) is int and 0 <= halo <= HALO_MAX for halo in halos):
        raise BundleError(f"{path} lacks or misstates the halo of {', '.join(graphs)}")
    return manifest


def sensible(stride: int, multiple: int) -> bool:
    """Whether a bundle's pictures can be padded to such a multiple: whole latents, and whole in every tile."""
    return 0 < stride <= multiple and multiple % stride == 0 and PADDING % multiple == 0


def installed() -> Iterator[tuple[str, Path, dict[str, Any]]]:
    """Name, folder and manifest of the bundles that come with the package, but for those that this version can't use."""
    for folder, manifest in _folders():
        if not isinstance(manifest, BundleError):
            yield folder.name, folder, manifest


def unusable() -> list[str]:
    """What is wrong with the others."""
    return [str(found) for _, found in _folders() if isinstance(found, BundleError)]


def _folders() -> Iterator[tuple[Path, dict[str, Any] | BundleError]]:
    for folder in sorted(MODELS.iterdir()) if MODELS.is_dir() else ():
        if not folder.is_dir() or folder.name.startswith(("_", ".")):
            continue
        try:
            yield folder, read_manifest(folder)
        except BundleError as error:
            yield folder, error


def find(model: str | os.PathLike[str] | None) -> Path:
    """The folder of a bundle, by the name of an installed one or by path; the default bundle for None."""
    name = DEFAULT if model is None else os.fspath(model)
    if os.sep not in name and os.path.isfile(MODELS / name / MANIFEST):
        return MODELS / name
    if Path(name).is_dir():
        return Path(name)
    known = [found for found, _, _ in installed()]
    suggestion = did_you_mean(name, known)
    listed = ", ".join(known) or "none"
    raise BundleError(f"no model {name!r}: give a bundle's folder or an installed name ({listed}){suggestion}")


def find_by_id(model_id: bytes) -> Path | None:
    """The installed bundle that files with this model id were made with."""
    for _, folder, manifest in installed():
        if manifest["content_sha256"].startswith(model_id.hex()):
            return folder
    return None
