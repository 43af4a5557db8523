"""The synthesis backwards, as a graph that an encoder can run without PyTorch.

It tells how the squared error of a picture changes with its latent. It is written out by hand, because an ONNX graph
has no gradients. A convolution goes back as a convolution with the transposed kernel (flipped, too, if it is larger
than 1x1), a leaky ReLU as a factor of 1 or 0.1. It need not equal the decoder's floats bit for bit: it only guides the
encoder's choice of symbols.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .flagship import PATCH, LinearSynthesis, Synthesis
from .layers import LEAK, MixBlock

RENDER = 4  # pixels a side for each sample of the renderer


class SynthesisGradient(nn.Module):
    """The gradient of a picture's squared error with respect to its latent, and the error.

    y_hat (1, M, h, w), the level's row (1, body, 1, 1), x (1, 3, H, W) in [0, 1] and ``inside`` (1, 1, H, W) ->
    gradient (1, M, h, w) and error (1,). The error is the sum of ``(inside * (x_hat - x))^2`` over all values.
    ``inside`` is 0 on the picture's padding, and elsewhere the square root of an error's weight.
    """

    def __init__(self, synthesis: Synthesis):
        super().__init__()
        self.synthesis = synthesis

    def forward(self, y_hat: Tensor, level: Tensor, x: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
        s = self.synthesis
        f, body = forward_all(s.body, s.enter(y_hat) + level)
        blocks = s.linear(y_hat)
        shown = F.pixel_shuffle(s.up(f), RENDER) + s.look(blocks)
        f, render = forward_all(s.render, shown)
        difference = inside * (blocks + F.pixel_shuffle(s.leave(f), RENDER) + 0.5 - x)

        g_x = 2.0 * inside * difference  # (1, 3, H, W)
        g = back(s.leave, F.pixel_unshuffle(g_x, RENDER))
        g = backward_all(s.render, render, g)  # at 1/4
        g_blocks = g_x + F.conv_transpose2d(g, s.look.weight, stride=RENDER)
        g = back(s.up, F.pixel_unshuffle(g, RENDER))
        g = backward_all(s.body, body, g)  # at 1/16
        return back(s.enter, g) + through(s.linear, g_blocks), (difference * difference).sum().reshape(1)


class LinearGradient(nn.Module):
    """The gradient of the squared error through the linear synthesis alone.

    x_hat - x (1, 3, H, W), 0 where it does not count -> gradient (1, M, H/16, W/16) of the sum of its squares.
    """

    def __init__(self, linear: LinearSynthesis):
        super().__init__()
        self.linear = linear

    def forward(self, difference: Tensor) -> Tensor:
        return 2.0 * through(self.linear, difference)


def through(linear: LinearSynthesis, g: Tensor) -> Tensor:
    """Return the gradient at the input of the linear synthesis from the one at its output."""
    kernel = linear.basis.transpose(0, 1).reshape(-1, 3, PATCH, PATCH)
    return F.conv2d(g, kernel, stride=PATCH) * linear.scale


@torch.no_grad()
def curvature(linear: LinearSynthesis) -> Tensor:
    """Return the second derivative of the sum of squares with respect to each latent, (M,), as ``LinearGradient``."""
    return 2.0 * ((linear.basis * linear.scale) ** 2).sum((0, 2, 3))


Slopes = tuple[Tensor, Tensor]  # of a block's two nonlinearities


def forward_all(blocks: nn.Module, x: Tensor) -> tuple[Tensor, list[Slopes]]:
    """Return the output of ``blocks`` for x, and the slopes of their nonlinearities on the way."""
    slopes = []
    for block in blocks.children():
        assert isinstance(block, MixBlock)
        before = block.spatial(block.enter(x))
        x = x + block.leave(F.leaky_relu(before, LEAK))
        wide = block.widen(x)
        x = x + block.narrow(F.leaky_relu(wide, LEAK))
        slopes.append((slope(before), slope(wide)))
    return x, slopes


def backward_all(blocks: nn.Module, slopes: list[Slopes], g: Tensor) -> Tensor:
    """Return the gradient at the input of ``blocks`` from the one at their output."""
    for block, (before, wide) in zip(reversed(list(blocks.children())), reversed(slopes), strict=True):
        assert isinstance(block, MixBlock)
        g = g + back(block.widen, wide * back(block.narrow, g))
        spatial = block.spatial
        inside = F.conv2d(
            before * back(block.leave, g), spatial.weight.flip(2, 3), padding=spatial.padding, groups=spatial.groups
        )
        g = g + back(block.enter, inside)
    return g


def back(layer: nn.Module, g: Tensor) -> Tensor:
    """The gradient at the input of a 1x1 convolution."""
    assert isinstance(layer, nn.Conv2d)
    return F.conv2d(g, layer.weight.transpose(0, 1))


def slope(x: Tensor) -> Tensor:
    """The slope of the leaky ReLU at x."""
    return torch.where(x > 0, 1.0, LEAK)
