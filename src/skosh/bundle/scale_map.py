"""The integer scale map: from z to the scale index, with sums that no machine rounds differently.

One linear map per position of z. Weights, biases and z are integers, small enough that every partial sum is exact in
float32. So it may run in any float kernel that multiplies and adds. This module checks the bound and holds the int64
reference.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..entropy.tables import HYPER_LIMIT, SCALES
from ..errors import BundleError

EXACT_MAX = 1 << 24  # every integer below this is exact in float32
MAP_MAX = 255  # the map's output is clamped to 0..MAP_MAX


Integers = npt.NDArray[np.int64]


def check_bound(weight: npt.NDArray[np.integer], bias: npt.NDArray[np.integer], shift: int) -> int:
    """Return the largest value that a sum can reach. Raises BundleError if it is not exact in float32.

    ``weight``: (outputs, inputs). ``bias``: (outputs,). The rounding term ``2^(shift - 1)`` is included.
    """
    reach = np.abs(weight.astype(np.int64)).sum(1) * HYPER_LIMIT + np.abs(bias.astype(np.int64)) + (1 << shift >> 1)
    worst = int(reach.max())
    if worst >= EXACT_MAX:
        raise BundleError(f"output {int(reach.argmax())} of the scale map can reach {worst}, not exact in float32")
    return worst


def scale_map_reference(
    z: npt.NDArray[np.integer],
    weight: npt.NDArray[np.integer],
    bias: npt.NDArray[np.integer],
    shift: int,
    reduction: int,
) -> Integers:
    """Map z (N, h, w) to (M, reduction h, reduction w) in int64, exactly.

    Computes ``clip(floor((W z + b + 2^(shift - 1)) / 2^shift), 0, 255)``. Output ``m * reduction^2 + r * reduction +
    s`` belongs to channel m at row r and column s under a z.
    """
    n, h, w = z.shape
    total = weight.astype(np.int64) @ z.reshape(n, h * w).astype(np.int64) + bias.astype(np.int64)[:, None]
    index = np.clip((total + (1 << shift >> 1)) >> shift, 0, MAP_MAX)
    blocks = index.reshape(-1, reduction, reduction, h, w).transpose(0, 3, 1, 4, 2)
    latents: Integers = blocks.reshape(-1, reduction * h, reduction * w)
    return latents


def shifted(index: npt.NDArray[np.generic], shift: npt.NDArray[np.integer]) -> npt.NDArray[np.uint8]:
    """Return the scale index of every latent: the map's output (M, H, W) plus the shift (M,), clamped to the grid."""
    moved = index.astype(np.int16) + shift.astype(np.int16)[:, None, None]
    indices: npt.NDArray[np.uint8] = np.clip(moved, 0, SCALES - 1).astype(np.uint8)
    return indices
