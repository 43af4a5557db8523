from __future__ import annotations

import torch
from torch import nn

from skosh.train.receptive import halo


def test_a_chain_of_convolutions_sees_as_far_as_its_kernels_reach() -> None:
    chain = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(), nn.Conv2d(3, 1, 5, padding=2))
    assert halo(chain, [(2, 1)]) == 3


def test_weights_of_zero_do_not_hide_how_far_a_network_sees() -> None:
    layer = nn.Conv2d(1, 1, 7, padding=3)
    torch.nn.init.zeros_(layer.weight)
    assert halo(layer, [(1, 1)]) == 3
    assert not layer.weight.any()  # a copy was looked at


def test_a_patch_sees_itself_alone_and_its_pixels_count_as_one_cell() -> None:
    assert halo(nn.Conv2d(3, 4, 8, stride=8), [(3, 8)]) == 0
    assert halo(nn.Conv2d(3, 4, 9, stride=8, padding=1), [(3, 8)]) == 1
    up = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.PixelShuffle(4))
    assert halo(up, [(3, 1)]) == 1
