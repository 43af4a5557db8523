"""LPIPS (AlexNet, v0.1): a perceptual distance by Zhang et al. 2018, for the loss and for evaluation.

The published weights are not part of skosh. They come from an ``.npz`` file (``--lpips-weights`` or
``SKOSH_LPIPS_WEIGHTS``), or from the packages ``lpips`` and ``torchvision`` if they are installed.
"""

from __future__ import annotations

import importlib.util
import os
import zipfile
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import ConfigError, DependencyError

ENVIRONMENT = "SKOSH_LPIPS_WEIGHTS"
STRIDES = (4, 1, 1, 1, 1)  # of the five convolutions
PADDINGS = (2, 2, 1, 1, 1)
NAMES = {f"conv{i}.{part}" for i in range(1, 6) for part in ("weight", "bias")} | {
    f"lin{i}.weight" for i in range(1, 6)
}
POOL_BEFORE = (1, 2)  # 3x3 max pooling of stride 2 before these layers


class LPIPS(nn.Module):
    """``forward(x, y)``: RGB pictures (B, 3, H, W) in [0, 1] -> distance (B,); 0 where they are the same."""

    shift: Tensor
    scale: Tensor

    def __init__(self, weights: dict[str, np.ndarray]):
        """``weights``: ``conv1.weight`` .. ``conv5.bias`` of AlexNet and ``lin1.weight`` .. ``lin5.weight``."""
        super().__init__()
        self.register_buffer("shift", torch.tensor([-0.030, -0.088, -0.188])[None, :, None, None])
        self.register_buffer("scale", torch.tensor([0.458, 0.448, 0.450])[None, :, None, None])
        for name, values in weights.items():
            values = np.asarray(values, dtype=np.float32)
            flat = values.reshape(-1) if name.startswith("lin") else values
            self.register_buffer(name.replace(".", "_"), torch.from_numpy(flat.copy()))

    def features(self, x: Tensor, layers: int = 5) -> list[Tensor]:
        """The ReLU outputs of AlexNet's first layers, each of unit length over its channels."""
        x = (2.0 * x - 1.0 - self.shift) / self.scale
        found = []
        for i in range(layers):
            if i in POOL_BEFORE:
                x = F.max_pool2d(x, 3, 2)
            weight, bias = self.get_buffer(f"conv{i + 1}_weight"), self.get_buffer(f"conv{i + 1}_bias")
            x = F.relu(F.conv2d(x, weight, bias, STRIDES[i], PADDINGS[i]))
            wide = x.float()  # of autocast's bfloat16
            # the inner 1e-20 only keeps the gradient finite where all channels are 0
            found.append(wide / (torch.sqrt((wide * wide).sum(1, keepdim=True) + 1e-20) + 1e-10))
        return found

    def weights(self, layer: int) -> Tensor:
        """How much each channel of a layer, 0 to 4, counts: (1, C, 1, 1)."""
        return self.get_buffer(f"lin{layer + 1}_weight")[None, :, None, None]

    def distance(self, features: list[Tensor], others: list[Tensor]) -> Tensor:
        """The distance (B,) of two pictures by their features."""
        total = torch.zeros(len(features[0]), device=features[0].device)
        for i, (f, g) in enumerate(zip(features, others, strict=True)):
            total = total + (self.weights(i) * (f - g) ** 2).sum(1).mean((1, 2))
        return total

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.distance(self.features(x), self.features(y))


def load_lpips(path: str | Path | None = None) -> LPIPS:
    """Load LPIPS with weights from ``path``, else from ``SKOSH_LPIPS_WEIGHTS``, else from the packages.

    Raises ConfigError for a named file that can't be read, and DependencyError if there are no weights; its message
    says what to do.
    """
    path = path or os.environ.get(ENVIRONMENT)
    if path:
        return LPIPS(_from_file(Path(path)))
    if importlib.util.find_spec("lpips") and importlib.util.find_spec("torchvision"):
        return LPIPS(_from_packages())
    raise DependencyError(
        f"LPIPS needs its published weights: name an .npz file with --lpips-weights or {ENVIRONMENT}, "
        "or install the packages lpips and torchvision"
    )


def _from_file(path: Path) -> dict[str, np.ndarray]:
    try:
        with path.open("rb") as file, np.load(file) as arrays:
            weights = {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError, TypeError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise ConfigError(f"can't read LPIPS weights from {path}: {error}") from error
    missing = sorted(NAMES - weights.keys())
    if missing:
        raise ConfigError(f"{path} holds no LPIPS weights: it lacks {', '.join(missing)}")
    return weights


def _from_packages() -> dict[str, np.ndarray]:
    import lpips

    state = {k: v.numpy() for k, v in lpips.LPIPS(net="alex", verbose=False).state_dict().items()}
    weights = {}
    for i, layer in enumerate((0, 3, 6, 8, 10)):  # places of the convolutions in torchvision's AlexNet
        for part in ("weight", "bias"):
            weights[f"conv{i + 1}.{part}"] = state[f"net.slice{i + 1}.{layer}.{part}"]
        weights[f"lin{i + 1}.weight"] = state[f"lin{i}.model.1.weight"]
    return weights
