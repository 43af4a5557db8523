"""Arrays by their shapes and types."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Symbols = npt.NDArray[np.int32]


Pixels = npt.NDArray[np.uint8]  # (H, W, 3), RGB


Plane = npt.NDArray[np.uint8]  # (H, W)


Floats = npt.NDArray[np.float32]
