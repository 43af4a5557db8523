"""From a bundle back to a network: go on training from shipped weights."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..bundle.bundle import Bundle
from ..bundle.graphs import path_of
from ..bundle.manifest import EXTRA, content, find, read_manifest
from ..errors import ConfigError
from .config import Config, from_dict
from .hyperprior import Hyperprior, ScaleMap
from .networks import Network, build
from .onnx_export import read_weights

GRAPHS = {  # part of the network -> its graph
    "analysis": "analysis",
    "synthesis": "synthesis",
    "entropy.analysis": "hyper_analysis",
    "entropy.mean_first": "mean_first",
    "entropy.mean_second": "mean_second",
}
FIXED = ("hyper_channels", "mean_width", "mean_features", "mean_context")
KEPT = (".rows", ".linear.basis", ".linear.scale")  # their second axis is not an axis of inputs


def restore(bundle: str | Path) -> tuple[Config, Network]:
    """Return the configuration and the network of a bundle, by an installed name or a folder.

    Exporting the network again gives the same bundle, but for what ``--calibrate`` fitted beside it (frequency tables
    and Wiener filters). Raises BundleError for a damaged bundle and ConfigError for one whose parts do not fit.
    """
    loaded = Bundle(find(bundle))
    config = configuration(loaded.folder)
    model = build(config)
    try:
        model.load_state_dict(read_state(loaded, model))
    except (RuntimeError, KeyError, OSError, ValueError) as error:
        raise ConfigError(f"the bundle {loaded.folder} does not hold a whole network: {error}") from error
    return config, model


def configuration(folder: Path) -> Config:
    """Return the configuration that a bundle was trained with. Raises BundleError or ConfigError if it has none."""
    provenance = read_manifest(folder).get("provenance")
    if not isinstance(provenance, dict) or "config" not in provenance:
        raise ConfigError(f"the bundle {folder} does not say how it was trained")
    return from_dict(provenance["config"])


def read_state(bundle: Bundle, model: Network) -> dict[str, Tensor]:
    """Return a bundle's parameters and buffers by their names in the network."""
    has_hyperprior = isinstance(model.entropy, Hyperprior)
    state: dict[str, Tensor] = {}
    for part, graph in GRAPHS.items():
        if has_hyperprior or not part.startswith("entropy"):
            weights = read_weights(content(bundle.folder, bundle.manifest, path_of(graph)))
            state |= {f"{part}.{name}": value for name, value in weights.items()}
    with np.load(io.BytesIO(content(bundle.folder, bundle.manifest, EXTRA))) as arrays:
        state |= {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    if has_hyperprior:
        unit = float(1 << ScaleMap.BITS)
        weight, bias = bundle.arrays["scale_weight"], bundle.arrays["scale_bias"]
        state["entropy.scale.weight"] = torch.from_numpy(weight / unit).float()[:, :, None, None]
        state["entropy.scale.bias"] = torch.from_numpy(bias / unit).float()
    return state


def start_from(
    model: Network, config: Config, bundle: str | Path, towards: str | Path | None = None, share: float = 0.0
) -> None:
    """Copy a bundle's weights into a network made from ``config``. Raises ConfigError where they do not fit.

    Rows of levels move to the lambdas of ``config``. A step size that the bundle lacks stays at 1. The transforms may
    be wider or deeper than the bundle's, and the latent may have more channels. New parts add nothing at first, but for
    new channels of the latent, which code what the linear transform has left over. ``towards`` and ``share``: see
    ``blend``.
    """
    before, trained = restore(bundle)
    if towards:
        blend(trained, before, towards, share)
    have, due = trained.state_dict(), model.state_dict()
    have |= {name: value for name, value in due.items() if ".step.leave." in name and name not in have}
    have |= {name: move_levels(rows, before, config) for name, rows in have.items() if name.endswith(".rows")}
    if may_grow(before, config):
        have |= {name: grown(name, have.get(name), value) for name, value in due.items()}
    refuse_other_shapes(bundle, have, due)
    model.load_state_dict(have)


def refuse_other_shapes(bundle: str | Path, have: dict[str, Tensor], due: dict[str, Tensor]) -> None:
    """Raise ConfigError unless a bundle's parameters have the names and shapes that are due."""
    wrong = sorted(
        name
        for name in have.keys() | due.keys()
        if name not in have or name not in due or have[name].shape != due[name].shape
    )
    if wrong:
        raise ConfigError(f"the bundle {bundle} has another network than the configuration: {', '.join(wrong[:4])} ...")


@torch.no_grad()
def blend(model: Network, config: Config, bundle: str | Path, share: float) -> None:
    """Move a network's weights a ``share`` (0 to 1) of the way to a bundle's: WiSE-FT (Wortsman et al. 2022).

    Meant for the bundle that a fine-tuning began with: points in between trade the strengths of the two
    (docs/experiments.md, 38). Raises ConfigError where shapes differ.
    """
    before, start = restore(bundle)
    towards, own = start.state_dict(), model.state_dict()
    towards |= {name: move_levels(rows, before, config) for name, rows in towards.items() if name.endswith(".rows")}
    refuse_other_shapes(bundle, towards, own)
    for name, value in own.items():
        value.lerp_(towards[name], share)


def may_grow(before: Config, now: Config) -> bool:
    """Return whether two configurations differ, in what shapes a network, only in what ``grown`` can enlarge."""
    return before.network == now.network == "flagship" and all(
        getattr(before, key) == getattr(now, key) for key in FIXED
    )


def grown(name: str, old: Tensor | None, new: Tensor) -> Tensor:
    """Return a parameter of a larger network, after Net2Net (Chen et al. 2016).

    Weights from new inputs to old outputs are 0, and so is what a new block adds. New outputs keep their initial
    values, from which the gradients of their readers grow. New channels of the latent begin as further coefficients of
    the linear transform, of a scale that does not depend on z. A parameter of equal size is returned unchanged.
    """
    if old is None:
        return torch.zeros_like(new) if ".leave." in name or ".narrow." in name else new
    if (
        old.shape == new.shape
        or (name.endswith(".rows") and len(old) != len(new))
        or old.dim() != new.dim()
        or any(o > n for o, n in zip(old.shape, new.shape, strict=True))
    ):
        return old
    if name == "entropy.analysis.enter.weight":  # its inputs are two concatenated rows of latents
        halves = zip(old.chunk(2, 1), new.chunk(2, 1), strict=True)
        return torch.cat([grown("", *half) for half in halves], 1)
    larger = torch.zeros_like(new) if name == "entropy.scale.weight" else new.clone()
    if old.dim() > 1 and not name.endswith(KEPT):
        larger[: old.shape[0], old.shape[1] :] = 0.0
    larger[tuple(slice(side) for side in old.shape)] = old
    return larger


def move_levels(rows: Tensor, before: Config, now: Config) -> Tensor:
    """Return rows of levels (knots, C) at another configuration's lambdas: linear in log lambda."""
    axis = (before.lambda_min, before.lambda_max, before.levels)
    if axis == (now.lambda_min, now.lambda_max, now.levels) or len(rows) < 2 or now.levels < 2:
        return rows
    low, high = math.log(before.lambda_min), math.log(before.lambda_max)
    due = torch.linspace(math.log(now.lambda_min), math.log(now.lambda_max), now.levels)
    place = (due - low) / (high - low) * (len(rows) - 1)  # in knots; continued beyond 0..knots - 1
    left = place.floor().clamp(0, len(rows) - 2).long()
    return torch.lerp(rows[left], rows[left + 1], (place - left)[:, None])
