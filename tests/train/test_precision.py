from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from skosh.train.init import restore
from skosh.train.validate import to_tensor


def test_bfloat16_does_not_reach_rounding_or_rates(tiny_bundle: Path, photo: Image.Image) -> None:

    _, model = restore(tiny_bundle)
    model.eval()
    x, t = to_tensor(np.asarray(photo)), torch.tensor([0.5])
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        coded = model(x, t)[1]
        gain = model.entropy.log_gain(t)
    assert coded.y_hat.dtype == coded.bits_y.dtype == coded.bits_z.dtype == torch.float32
    assert (
        gain.dtype != torch.float32
    )  # outside of the guarded part autocast does reach the levels, so the guard matters
    with torch.no_grad():
        plain = model(x, t)[1]
    assert torch.allclose(coded.bits_y, plain.bits_y, rtol=0.05)
