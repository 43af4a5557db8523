"""Export a run as a bundle: averaged weights in few bytes, integer tables, levels of all qualities, a manifest."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ..bundle.bundle import QUALITIES
from ..bundle.graphs import DECODER, ENCODER, GRAPHS, ROLES
from ..bundle.manifest import (
    DECODER_TABLES,
    ENCODER_TABLES,
    EXTRA,
    MANIFEST,
    find,
    read_manifest,
    seal,
)
from ..bundle.scale_map import check_bound, scale_map_reference
from ..entropy.tables import HYPER_LIMIT
from ..errors import BundleError, ConfigError
from ..progress import stage
from . import checkpoint
from .calibrate import CROP, Tables, calibrated_tables
from .config import Config
from .data import load_pictures
from .flagship import Flagship
from .gradient import curvature
from .hyperprior import REDUCTION, STRIDE, FactorisedLatent, Hyperprior, Levels, ScaleMap
from .init import blend
from .likelihood import symbol_tables
from .networks import Network, build
from .onnx_export import has_long_rows, rounded_rows, write_gradients, write_graphs, write_wiener
from .provenance import provenance
from .receptive import halos
from .wiener_terms import REACH, WienerTerms, learn_wiener_terms

# What SSIMULACRA 2 adds to an error's weight, for each part of its weight beside the squared error's (experiment 55)
MASKING, MASKING_SOFTNESS = 3.0, 8.0  # grey levels
HALVES = {"mean_level", "synthesis_level"}  # rows for which 11 bits are enough; a gain and its inverse need more
EIGHT_BITS = tuple(  # layers at 1/8 and 1/16, but for the linear transform
    f"{part}.{layer}."
    for part, layers in {
        "analysis": ("down8", "blocks8", "down16", "blocks16", "leave"),
        "synthesis": ("enter", "body", "up"),
    }.items()
    for layer in layers
)


def export(
    run: str | Path,
    out: str | Path,
    version: str = "1",
    force: bool = False,
    calibrate: str | Path | None = None,
    licence: str = "unstated",
    towards: str | Path | None = None,
    share: float = 0.1,
) -> dict[str, Any]:
    """Export the averaged weights of a run's checkpoint to the folder ``out`` and return the manifest.

    ``calibrate``: a folder of training pictures. Frequency tables are fitted to them, and the terms of the Wiener
    filters are learned from them if the network was trained for the squared error. Without it, tables follow the
    distribution that counts bits in training, and there are no Wiener filters.

    ``towards``: a bundle; weights move a ``share`` of the way to its weights (``blend``).

    The folder is written beside and renamed. Raises ConfigError where there is no checkpoint or ``out`` exists (unless
    ``force``), and BundleError where the scale map can't be exact.
    """
    target = check_target(run, out, force)
    state = checkpoint.load(run)
    config: Config = state["config"]
    if config.part:
        raise ConfigError(f"{run} trained {config.part} alone: export it --into the bundle that it was trained on")
    model = averaged_model(config, state)
    origin = provenance(Path(run), state)
    if towards:
        blend(model, config, towards, share)
        other = read_manifest(find(towards))
        named = {key: other[key] for key in ("name", "version", "model_id")}
        origin |= {"blend": {**named, "share": share}, "validation": None}
    tables, found = None, None
    if calibrate:
        if not isinstance(model.entropy, Hyperprior):
            raise ConfigError("a network without a hyperprior has no tables to calibrate")
        round_weights(model)
        pictures = load_pictures(calibrate, CROP)
        tables = calibrated_tables(model, pictures)
        if refinable(config) and not config.weight_ssimulacra2:  # the filters are fitted to the squared error
            found = learn_wiener_terms(model, pictures)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as beside:
        fresh, old = Path(beside, "new"), Path(beside, "old")
        fresh.mkdir()
        with stage("writing the networks"):
            manifest = write_bundle(model, config, fresh, version, origin, tables, licence, found)
        check_target(run, out, force)  # again: the export may have taken minutes
        swap(fresh, target, old)
    return manifest


def swap(fresh: Path, target: Path, old: Path) -> None:
    """Rename a folder to ``target``, and what is there to ``old``; if that fails, all stays as it is."""
    if target.exists():
        os.replace(target, old)
    try:
        os.replace(fresh, target)
    except OSError:
        if old.exists():
            os.replace(old, target)
        raise


def check_target(run: str | Path, out: str | Path, force: bool) -> Path:
    """Return the folder of a new bundle. Raises ConfigError where writing it would lose something."""
    target = Path(out).resolve()
    checkpoint.find(run)
    if Path(run).resolve().is_relative_to(target):
        raise ConfigError(f"{target} is or holds the run itself")
    if target.exists():
        if not force:
            raise ConfigError(f"{target} exists: name another folder, or add --force to replace it")
        if not target.is_dir() or not is_bundle_alone(target):
            raise ConfigError(
                f"{target} is no bundle, or holds other files beside one, and --force replaces bundles only"
            )
    return target


def is_bundle_alone(folder: Path) -> bool:
    """Return whether a folder is empty or holds only a bundle's files."""
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    with contextlib.suppress(BundleError):
        return not names or names <= {MANIFEST, *read_manifest(folder)["files"]}
    return False


def write_bundle(
    model: Network,
    config: Config,
    folder: Path,
    version: str,
    provenance: dict[str, Any],
    tables: Tables | None = None,
    licence: str = "unstated",
    terms: WienerTerms | None = None,
) -> dict[str, Any]:
    """Write a network as a bundle into an empty folder. Weights are rounded on the way (``round_weights``).

    ``tables``: by default the learned ones of z, and for q those of the distribution that counts bits in training.
    """
    round_weights(model)
    write_graphs(model, folder)
    decoder, encoder = table_arrays(model, tables), encoder_arrays(model)
    measured = halos(model)
    sizes = {
        "latent_channels": config.latent_channels,
        "hyper_channels": config.hyper_channels,
        "stride": STRIDE,
        "multiple": STRIDE * REDUCTION if config.hyper_channels else STRIDE,
    }
    roles: dict[str, Any] = {role: {"halo": {}} for role in ROLES}
    if refinable(config):
        assert isinstance(model, Flagship)
        roles[ENCODER]["borrowed"] = write_gradients(model, folder)
        encoder |= {"lambda": lambda_row(config), "curvature": curvature(model.synthesis.linear).numpy()}
        if config.weight_ssimulacra2:
            share = config.weight_ssimulacra2 / config.weight_mse
            encoder |= {"masking": np.array([MASKING * share, MASKING_SOFTNESS], np.float32)}
    if terms:
        write_wiener(terms, folder)
        decoder["wiener_tables"] = np.array(terms.tables, np.int32)
        measured["wiener"] = REACH
    for name, reach in measured.items():
        roles[GRAPHS[name].role]["halo"][name] = reach
    save_arrays(folder / DECODER_TABLES, decoder)
    save_arrays(folder / ENCODER_TABLES, encoder)
    save_arrays(folder / EXTRA, {k: v.numpy() for k, v in extra_state(model).items()})
    return seal(
        folder,
        {
            "name": config.name,
            "version": version,
            "licence": licence,
            "network": config.network,
            **roles,
            DECODER: sizes | roles[DECODER],
            "provenance": provenance,
        },
    )


def save_arrays(path: Path, arrays: dict[str, Any]) -> None:
    """Write arrays as an archive whose bytes depend on nothing else."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.save(buffer, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), buffer.getvalue(), zipfile.ZIP_DEFLATED)


def refinable(config: Config) -> bool:
    """Return whether an encoder can follow the gradient.

    It can for a network of several rates that was trained for the squared error, or for that and SSIMULACRA 2, whose
    part ``codec.masking`` stands for.
    """
    perceptual = (config.weight_ms_ssim, config.weight_lpips, config.weight_wasserstein)
    others = (config.weight_mae, *perceptual, config.weight_drift, config.weight_adversary, config.weight_matching)
    return (
        config.network == "flagship"
        and config.levels > 1
        and config.weight_mse > 0 < config.lambda_r
        and not any(others)
    )


def lambda_row(config: Config) -> npt.NDArray[np.float32]:
    """Return the bits that a squared error of 1 is worth at each quality, (QUALITIES, 1).

    The error is that of one of a pixel's three values, in [0, 1].
    """
    lambdas = np.geomspace(config.lambda_min, config.lambda_max, QUALITIES)
    worth = lambdas * config.weight_mse * 255.0**2 / (3.0 * config.lambda_r)
    return worth[:, None].astype(np.float32)


def averaged_model(config: Config, state: dict[str, Any]) -> Network:
    """Return the network of a checkpoint with its averaged weights."""
    model = build(config)
    model.load_state_dict(averaged_state(state))
    return model.eval()


def averaged_state(state: dict[str, Any]) -> dict[str, Tensor]:
    """Return the averaged weights of a checkpoint by their names in what it trained."""
    prefix = "module."
    return {k.removeprefix(prefix): v for k, v in state["averaged"].items() if k.startswith(prefix)}


def round_weights(model: Network) -> None:
    """Round weights to values that a graph stores in few bytes, so that PyTorch and the bundle agree.

    Most layers of the flagship's two transforms take 8 bits and a scale for each row, without a measurable change
    (docs/experiments.md, 30). All else takes float16: near the pixels and in the entropy model, 8 bits would be
    measurable.
    """
    kept = {*extra_state(model), "entropy.scale.weight", "entropy.scale.bias"}  # the scale map is rounded to integers
    state = {name: value for name, value in model.state_dict().items() if name not in kept}
    round_state(state, EIGHT_BITS if isinstance(model, Flagship) else ())


@torch.no_grad()
def round_state(state: dict[str, Tensor], eight_bits: tuple[str, ...]) -> None:
    """Round parameters in place: to 8 bits and a scale for each row, where names begin so, else to float16."""
    for name, value in state.items():
        if value.numel() == 1:
            continue
        if name.startswith(eight_bits) and has_long_rows(value):
            value.copy_(torch.from_numpy(rounded_rows(value.numpy())))
        else:
            value.copy_(value.half().float())


def extra_state(model: nn.Module) -> dict[str, Tensor]:
    """Return the parameters in no graph and no table: factorised priors and levels."""
    owners = {name for name, part in model.named_modules() if isinstance(part, Levels)}
    owners |= {
        f"{name}.prior" for name, part in model.named_modules() if isinstance(part, (Hyperprior, FactorisedLatent))
    }
    return {k: v for k, v in model.state_dict().items() if any(k.startswith(owner + ".") for owner in owners)}


@torch.no_grad()
def table_arrays(model: Network, tables: Tables | None = None) -> dict[str, Any]:
    """Return the arrays of ``decoder/tables.npz``."""
    entropy = model.entropy
    if tables is None:
        q_tables = symbol_tables(entropy.likelihood) if isinstance(entropy, Hyperprior) else []
        tables = Tables([entropy.prior.tables()], q_tables)
    arrays: dict[str, Any] = {"z_tables": np.array(tables.z, np.int32)}
    if not isinstance(entropy, Hyperprior):
        return arrays | {"gain": np.ones((1, 1), np.float32)}
    arrays["q_tables"] = np.concatenate(tables.q).astype(np.int32)
    arrays["q_sizes"] = np.array([table.size for table in tables.q])
    arrays |= level_arrays(model)
    weight, bias = (part.numpy().astype(np.int32) for part in entropy.scale.integers())
    weight = weight[:, :, 0, 0]
    check_bound(weight, bias, ScaleMap.BITS)
    z = np.random.default_rng(0).integers(-HYPER_LIMIT, HYPER_LIMIT + 1, (weight.shape[1], 2, 3))
    z[:, 0, 0], z[:, 0, 1] = HYPER_LIMIT, -HYPER_LIMIT
    index = scale_map_reference(z, weight, bias, ScaleMap.BITS, REDUCTION)
    return arrays | {
        "scale_weight": weight.astype(np.int8),  # at most ScaleMap.WEIGHT_MAX
        "scale_bias": bias,
        "scale_bits": np.array(ScaleMap.BITS),
        "check_z": z.astype(np.int8),
        "check_index": index.astype(np.uint8),
    }


@torch.no_grad()
def encoder_arrays(model: Network) -> dict[str, Any]:
    """Return the arrays of ``encoder/tables.npz`` that every encoder has: the levels of z."""
    entropy = model.entropy
    if not isinstance(entropy, Hyperprior):
        return {}
    return {"z_level": entropy.z_level(quality_axis(entropy))[:, :, 0, 0].numpy()}


def quality_axis(entropy: nn.Module) -> Tensor:
    """Return the level of each quality with a row, in 0..1: 101 of them, or one where the network has one level."""
    qualities = QUALITIES if entropy.log_gain.rows.shape[0] > 1 else 1
    return torch.arange(qualities, dtype=torch.float32) / max(qualities - 1, 1)


def level_arrays(model: Network) -> dict[str, Any]:
    """Return gains, integer shifts and biases: a row for each quality 0..100, or one where there is one level."""
    entropy = model.entropy
    t = quality_axis(entropy)
    levels = {
        "gain": torch.exp(entropy.log_gain(t)),
        "inverse": torch.exp(entropy.log_inverse(t)),
        "mean_level": entropy.mean_level(t),
    }
    if model.synthesis_level is not None:
        levels["synthesis_level"] = model.synthesis_level(t)
    arrays: dict[str, Any] = {name: rows[:, :, 0, 0].numpy() for name, rows in levels.items()}
    for name in HALVES & arrays.keys():
        arrays[name] = arrays[name].astype(np.float16)
    arrays["shift"] = np.rint(entropy.shift(t)[:, :, 0, 0].numpy()).astype(np.int16)
    return arrays
