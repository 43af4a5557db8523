"""From a bundle back to a network, so that training can go on from weights that were shipped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..bundle import TABLES, Bundle, find
from ..errors import ConfigError
from .config import Config, from_dict
from .export import EXTRA
from .graphs import read_weights
from .hyperprior import Hyperprior, ScaleMap
from .networks import Network, build

GRAPHS = {  # part of the network -> its graph
    "analysis": "analysis",
    "synthesis": "synthesis",
    "entropy.analysis": "hyper_analysis",
    "entropy.mean_first": "mean_first",
    "entropy.mean_second": "mean_second",
}


def restore(bundle: str | Path) -> tuple[Config, Network]:
    """The configuration and the network of a bundle, by an installed one's name or by folder.

    Exporting the network again gives the same bundle. Raises BundleError for a damaged bundle and ConfigError for one whose parts do not fit.
    """
    loaded = Bundle(find(bundle))
    folder, provenance = loaded.folder, loaded.manifest.get("provenance")
    if not isinstance(provenance, dict) or "config" not in provenance:
        raise ConfigError(f"the bundle {folder} does not say how it was trained")
    config = from_dict(provenance["config"])
    model = build(config)
    try:
        model.load_state_dict(read_state(folder, model))
    except (RuntimeError, KeyError, OSError, ValueError) as error:
        raise ConfigError(f"the bundle {folder} does not hold a whole network: {error}") from error
    return config, model


def read_state(folder: Path, model: Network) -> dict[str, Tensor]:
    """The parameters and buffers of a bundle by their names in the network."""
    has_hyperprior = isinstance(model.entropy, Hyperprior)
    state: dict[str, Tensor] = {}
    for part, graph in GRAPHS.items():
        if has_hyperprior or not part.startswith("entropy"):
            weights = read_weights(folder / f"{graph}.onnx")
            state |= {f"{part}.{name}": value for name, value in weights.items()}
    with np.load(folder / EXTRA) as arrays:
        state |= {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    if has_hyperprior:
        with np.load(folder / TABLES) as arrays:
            unit = float(1 << ScaleMap.BITS)
            state["entropy.scale.weight"] = torch.from_numpy(arrays["scale_weight"] / unit).float()[:, :, None, None]
            state["entropy.scale.bias"] = torch.from_numpy(arrays["scale_bias"] / unit).float()
    return state


def start_from(model: Network, bundle: str | Path) -> None:
    """Copy a bundle's weights into a network of the same shape; ConfigError where the shapes differ."""
    _, trained = restore(bundle)
    have, due = trained.state_dict(), model.state_dict()
    wrong = sorted(
        name
        for name in have.keys() | due.keys()
        if name not in have or name not in due or have[name].shape != due[name].shape
    )
    if wrong:
        raise ConfigError(f"the bundle {bundle} has another network than the configuration: {', '.join(wrong[:4])} ...")
    model.load_state_dict(have)
