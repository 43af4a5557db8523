"""The folders of bundles: what a manifest has to say, the model id, and which bundles are installed.

    manifest.json     name, version, licence, model id, sizes and halos, the SHA-256 of every file, provenance
    decoder/          graphs and tables that decide symbols and the faithful picture: complete by itself
    encoder/          graphs and tables that find symbols
    heads/            graphs that make other pictures of a decoded latent
    training.npz      parameters that no graph holds, so that training can go on

The *model id* in a file is the first 8 bytes of a SHA-256, over ``{"decoder": ..., "files": ...}`` as JSON with sorted
keys and no spaces. ``decoder`` is the manifest's field (all that a decoder obeys: sizes, halos); ``files`` has the hash
of every file below ``decoder/``. Nothing else counts.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import BundleError, did_you_mean
from ..files import read_ordinary
from ..limits import MAX_BUNDLE_FILE, MAX_MANIFEST, PADDING
from .graphs import DECODER, ENCODER, HEADS, ROLES, due

MANIFEST = "manifest.json"
TABLES = "tables.npz"
DECODER_TABLES, ENCODER_TABLES = f"{DECODER}/{TABLES}", f"{ENCODER}/{TABLES}"
EXTRA = "training.npz"
BUNDLE_VERSION = 3
DEFAULT = "skosh"
MODELS = Path(__file__).parents[1] / "models"
FIELDS = {"name": str, "version": str, "model_id": str, DECODER: dict, ENCODER: dict, HEADS: dict, "files": dict}
SIZES = ("latent_channels", "hyper_channels", "stride", "multiple")
CHANNELS_MAX = 4096
HALO_MAX = 64  # samples
ID_DIGITS = 16  # hexadecimal


def model_id(manifest: dict[str, Any]) -> str:
    """Return the id of what a manifest says of the decoder, as 16 hexadecimal digits."""
    files = {name: digest for name, digest in manifest["files"].items() if name.startswith(f"{DECODER}/")}
    text = json.dumps({DECODER: manifest[DECODER], "files": files}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:ID_DIGITS]


def hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of a bundle but its manifest, by path. Stray files are left out."""
    paths = [path for role in ROLES for path in (folder / role).glob("*") if path.is_file()]
    paths += [folder / EXTRA] if (folder / EXTRA).is_file() else []
    own = sorted(path for path in paths if not path.name.startswith("."))
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in own}


def seal(folder: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    """Write a manifest with the hashes of the folder's files and the model id, and return it."""
    whole = manifest | {"files": hashes(folder)}
    whole = {"bundle_version": BUNDLE_VERSION, **whole, "model_id": model_id(whole)}
    (folder / MANIFEST).write_text(json.dumps(whole, indent=1) + "\n")
    return whole


def reseal(folder: Path, **changes: Any) -> dict[str, Any]:
    """Make a manifest match files that were changed on purpose, set the fields ``changes``, and return it."""
    return seal(folder, json.loads((folder / MANIFEST).read_text()) | changes)


def content(folder: Path, manifest: dict[str, Any], name: str) -> bytes:
    """Return the bytes of a bundle's file.

    Raises BundleError if it is missing, no ordinary file, too large, or differs from the manifest's hash.
    """
    path = folder / name
    if name not in manifest["files"]:
        raise BundleError(f"the bundle {folder} has no {name}")
    try:
        found = read_ordinary(path, MAX_BUNDLE_FILE)
    except OSError as error:
        raise BundleError(f"can't read {path}: {error.strerror or error}") from error
    if hashlib.sha256(found).hexdigest() != manifest["files"][name]:
        raise BundleError(
            f"{path} is damaged, or has changed since the bundle was loaded: its hash is not the manifest's"
        )
    return found


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a bundle. Raises BundleError if it is missing or unusable for this version."""
    path = folder / MANIFEST
    try:
        if not os.path.lexists(path):
            raise BundleError(f"{folder} is no bundle: it has no {MANIFEST}")
        manifest = json.loads(read_ordinary(path, MAX_MANIFEST))
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(f"can't read {path}: {error}") from error
    if not isinstance(manifest, dict) or "bundle_version" not in manifest:
        raise BundleError(f"{path} is no manifest of a bundle")
    if manifest["bundle_version"] != BUNDLE_VERSION:
        raise BundleError(
            f"{folder}: bundle version {manifest['bundle_version']} is not known (this skosh reads {BUNDLE_VERSION}): "
            "update skosh, or export the bundle anew"
        )
    wrong = [key for key, kind in FIELDS.items() if type(manifest.get(key)) is not kind]
    if not wrong:
        wrong = _senseless(manifest)
    if wrong:
        raise BundleError(f"{path} lacks or misstates {', '.join(wrong)}")
    if manifest["model_id"] != model_id(manifest):
        raise BundleError(f"{path} names model id {manifest['model_id']}, but its decoder's is {model_id(manifest)}")
    return manifest


def _senseless(manifest: dict[str, Any]) -> list[str]:
    """Return the names of the manifest's impossible statements."""
    decoder, files = manifest[DECODER], manifest["files"]
    if not all(_is_hash(value) and _stays_inside(name) for name, value in files.items()):
        return ["files"]
    if not all(type(decoder.get(key)) is int and 0 <= decoder[key] <= CHANNELS_MAX for key in SIZES):
        return [f"{DECODER}: {', '.join(SIZES)}"]
    hyperprior = decoder["hyper_channels"] > 0
    if not decoder["latent_channels"] or not _fits(decoder["stride"], decoder["multiple"]):
        return ["latent_channels, stride or multiple"]
    wrong = [] if DECODER_TABLES in files else [DECODER_TABLES]
    for role in ROLES:
        halo = manifest[role].get("halo", {})
        present = any(name.startswith(f"{role}/") for name in files)
        graphs = due(role, hyperprior) if present else []
        wrong += [f"{role}/{graph.name}.onnx" for graph in graphs if f"{role}/{graph.name}.onnx" not in files]
        if type(halo) is not dict or not all(type(n) is int and 0 <= n <= HALO_MAX for n in halo.values()):
            wrong.append(f"the halos of {role}")
        else:
            wrong += [f"the halo of {graph.name}" for graph in graphs if graph.halo and graph.name not in halo]
    return wrong + _senseless_heads(manifest[HEADS])


def _senseless_heads(heads: dict[str, Any]) -> list[str]:
    """Return the names of impossible statements about heads, as ``heads.py`` lists them."""
    realism, made_for = heads.get("realism", 0.0), heads.get("made_for", {})
    knots = realism if type(realism) is list and realism else [realism]
    sound = all(type(value) in (int, float) and 0.0 <= value <= 1.0 for value in knots)
    wrong = [] if sound else [f"the realism of {HEADS}"]
    return wrong + ([] if type(made_for) is dict else [f"made_for of {HEADS}"])


def _is_hash(value: object) -> bool:
    return isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef")


def _stays_inside(name: str) -> bool:
    """Return whether a path of the manifest stays inside of the bundle's folder."""
    return "\\" not in name and not name.startswith("/") and not {"", ".", ".."} & set(name.split("/"))


def _fits(stride: int, multiple: int) -> bool:
    """Return whether pictures can be padded to this multiple: latents and tiles stay whole."""
    return 0 < stride <= multiple and multiple % stride == 0 and PADDING % multiple == 0


def installed() -> Iterator[tuple[str, Path, dict[str, Any]]]:
    """Yield name, folder and manifest of each installed bundle that this version can use."""
    for folder, manifest in _folders():
        if not isinstance(manifest, BundleError):
            yield folder.name, folder, manifest


def unusable() -> list[str]:
    """Return what is wrong with each installed bundle that it cannot use."""
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
    """Return the folder of a bundle, by an installed name or a path. None stands for the default."""
    name = DEFAULT if model is None else os.fspath(model)
    if os.sep not in name and os.path.isfile(MODELS / name / MANIFEST):
        return MODELS / name
    if os.path.isdir(name):
        return Path(name)
    if not MODELS.is_dir():  # imported from an archive
        raise BundleError(
            f"no model {name!r}: {MODELS} is no folder; install skosh unpacked, or give a bundle's folder"
        )
    known = [found for found, _, _ in installed()]
    suggestion = did_you_mean(name, known)
    listed = ", ".join(known) or "none"
    raise BundleError(f"no model {name!r}: give a bundle's folder or an installed name ({listed}){suggestion}")


def find_by_id(wanted: bytes) -> Path | None:
    """Return the installed bundle that decodes files of this model id, or None."""
    for _, folder, manifest in installed():
        if manifest["model_id"] == wanted.hex():
            return folder
    return None
