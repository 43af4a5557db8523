"""Building blocks of both networks. All tensors are (B, C, H, W)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .quantise import lower_bound

LEAK = 0.1  # slope of the leaky ReLU below 0
PEDESTAL = 2.0**-36  # keeps the square-root parametrisation of GDN away from a zero gradient


def start_at_zero(layer: nn.Module) -> None:
    """Set every parameter to 0, so that a branch starts silent."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)


class GDN(nn.Module):
    """Generalised divisive normalisation (Ballé et al. 2016, eq. 4).

    ``y_i = x_i / sqrt(beta_i + sum_j gamma_ij x_j^2)``; ``inverse=True`` multiplies instead of divides. beta and gamma
    stay positive because each is the square of a bounded parameter, which also makes small values move slowly.
    """

    def __init__(self, channels: int, inverse: bool = False, beta_min: float = 1e-6, gamma_start: float = 0.1):
        super().__init__()
        self.inverse = inverse
        self.beta_bound = (beta_min + PEDESTAL) ** 0.5
        self.gamma_bound = PEDESTAL**0.5
        self.beta = nn.Parameter(torch.full((channels,), (1.0 + PEDESTAL) ** 0.5))
        self.gamma = nn.Parameter(torch.sqrt(gamma_start * torch.eye(channels) + PEDESTAL))

    def forward(self, x: Tensor) -> Tensor:
        beta = lower_bound(self.beta, self.beta_bound) ** 2 - PEDESTAL
        gamma = lower_bound(self.gamma, self.gamma_bound) ** 2 - PEDESTAL
        norm = F.conv2d(x * x, gamma[:, :, None, None], beta)  # (B, C, H, W)
        return x * torch.sqrt(norm) if self.inverse else x * torch.rsqrt(norm)


@contextlib.contextmanager
def full_precision(x: Tensor) -> Iterator[None]:
    """Leave autocast, for code that rounds or counts bits: the eight bits of bfloat16 are too few for that.

    On a GPU, PyTorch's float32 convolutions are TF32 unless told otherwise.
    """
    if torch.is_autocast_enabled(x.device.type):
        with torch.autocast(x.device.type, enabled=False):
            yield
    else:
        yield


def activation(kind: str, channels: int, inverse: bool = False) -> nn.Module:
    """Return the nonlinearity named ``gdn``, ``prelu`` or ``leaky``; ``inverse`` matters to GDN only."""
    if kind == "gdn":
        return GDN(channels, inverse)
    if kind == "prelu":
        return nn.PReLU(channels)
    if kind == "leaky":
        return nn.LeakyReLU(LEAK)
    raise ValueError(f"unknown activation {kind!r}: choose gdn, prelu or leaky")


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions, each followed by its nonlinearity, and a skip.

    ``stride=2`` halves the size, skip included.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1, kind: str = "gdn", inverse: bool = False):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1)
        self.act1 = activation(kind, outputs, inverse)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1)
        self.act2 = activation(kind, outputs, inverse)
        same = inputs == outputs and stride == 1
        self.skip = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        # A strided 1x1 convolution, written as subsampling and a plain one: with stride 2, 3 inputs and channels_last,
        # PyTorch 2.13 on the CPU frees memory twice in the backward pass.
        kept = x if self.stride == 1 else x[:, :, :: self.stride, :: self.stride]
        out: Tensor = self.skip(kept) + self.act2(self.conv2(self.act1(self.conv1(x))))
        return out


class SubpixelBlock(nn.Module):
    """Upsampling by 2: a 3x3 convolution to 4C channels and a pixel shuffle, nonlinearity, 3x3.

    The skip is subpixel, too.
    """

    def __init__(self, inputs: int, outputs: int, kind: str = "gdn"):
        super().__init__()
        self.up = nn.Sequential(nn.Conv2d(inputs, 4 * outputs, 3, 1, 1), nn.PixelShuffle(2))
        self.act1 = activation(kind, outputs, inverse=True)
        self.conv = nn.Conv2d(outputs, outputs, 3, 1, 1)
        self.act2 = activation(kind, outputs, inverse=True)
        self.skip = nn.Sequential(nn.Conv2d(inputs, 4 * outputs, 1), nn.PixelShuffle(2))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.skip(x) + self.act2(self.conv(self.act1(self.up(x))))
        return out


class SimplifiedAttention(nn.Module):
    """A convolution and a sigmoid mask the features, in residual form: ``x + x * sigmoid(conv(x))``."""

    def __init__(self, channels: int):
        super().__init__()
        self.mask = nn.Conv2d(channels, channels, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + x * torch.sigmoid(self.mask(x))


class MixBlock(nn.Module):
    """The flagship's block.

    1x1, depthwise 3x3 and 1x1 with a skip, then two 1x1 of ``expand`` times the width with a skip.
    """

    def __init__(self, channels: int, expand: int = 2, kernel: int = 3):
        super().__init__()
        self.enter = nn.Conv2d(channels, channels, 1)
        self.spatial = nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels)
        self.leave = nn.Conv2d(channels, channels, 1)
        self.widen = nn.Conv2d(channels, expand * channels, 1)
        self.narrow = nn.Conv2d(expand * channels, channels, 1)
        for last in (self.leave, self.narrow):  # a block starts close to the identity
            start_at_zero(last)
            nn.init.normal_(last.weight, std=0.2 * channels**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.leave(F.leaky_relu(self.spatial(self.enter(x)), LEAK))
        out: Tensor = x + self.narrow(F.leaky_relu(self.widen(x), LEAK))
        return out
