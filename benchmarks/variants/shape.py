"""What the transforms are made of."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from skosh.train import flagship, hyperprior, run
from skosh.train.config import Config
from skosh.train.layers import GDN, LEAK, MixBlock, SimplifiedAttention, start_at_zero

from .variant import Variant, both


def block(kind: type[nn.Module]) -> Callable[[], None]:
    """Replaces the block everywhere."""

    def apply() -> None:
        flagship.MixBlock = kind  # type: ignore[attr-defined, assignment]
        hyperprior.MixBlock = kind  # type: ignore[attr-defined, assignment]

    return apply


def mix_with(make: Callable[[int], nn.Module], outer: Callable[[int], nn.Module] | None = None) -> type[MixBlock]:
    """Return the block with another nonlinearity in both places, ``make(channels)``.

    With ``outer``, that one stands in the second place, which has twice the channels.
    """
    second = outer or make

    class Block(MixBlock):
        def __init__(self, channels: int, expand: int = 2, kernel: int = 3):
            super().__init__(channels, expand, kernel)
            self.inner, self.outer = make(channels), second(expand * channels)

        def forward(self, x: Tensor) -> Tensor:
            x = x + self.leave(self.inner(self.spatial(self.enter(x))))
            out: Tensor = x + self.narrow(self.outer(self.widen(x)))
            return out

    return Block


class GateBlock(MixBlock):
    """No nonlinearity between the last two convolutions: one part of the channels times a sigmoid of the other.

    Equal products. (With ``1 + g`` in place of ``sigmoid(g)``, SOAP at this learning rate went to infinity in 132
    steps.)
    """

    def __init__(self, channels: int, expand: int = 2, kernel: int = 3):
        super().__init__(channels, expand, kernel)
        inner = channels * 4 // 3
        self.widen = nn.Conv2d(channels, 2 * inner, 1)
        self.narrow = nn.Conv2d(inner, channels, 1)
        start_at_zero(self.narrow)
        nn.init.normal_(self.narrow.weight, std=0.2 * channels**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.leave(F.leaky_relu(self.spatial(self.enter(x)), LEAK))
        value, gate = self.widen(x).chunk(2, 1)
        out: Tensor = x + self.narrow(2.0 * value * torch.sigmoid(gate))
        return out


class DenseBlock(nn.Module):
    """Two dense 3x3 convolutions with half of the channels between.

    1.5 times the products of a ``MixBlock``, about its time.
    """

    def __init__(self, channels: int, expand: int = 2, kernel: int = 3):
        super().__init__()
        self.enter = nn.Conv2d(channels, channels // 2, 3, padding=1)
        self.leave = nn.Conv2d(channels // 2, channels, 3, padding=1)
        start_at_zero(self.leave)
        nn.init.normal_(self.leave.weight, std=0.1 * channels**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.leave(F.leaky_relu(self.enter(x), LEAK))
        return out


class OneResolution(flagship.Synthesis):
    """No renderer: everything at 1/16, and one pixel shuffle by 16."""

    def __init__(self, config: Config, basis: Tensor, std: Tensor):
        super().__init__(config, basis, std)
        del self.up, self.look, self.render
        self.leave = nn.Conv2d(config.body_width, flagship.PATCH_VALUES, 1)
        start_at_zero(self.leave)

    def forward(self, y_hat: Tensor, level: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        body = self.body(self.enter(y_hat) + level)
        return self.linear(y_hat) + F.pixel_shuffle(self.leave(body), flagship.PATCH) + 0.5, body, body


class Stepwise(flagship.Synthesis):
    """1/16, 1/8 and 1/4 in turn, with blocks at each."""

    def __init__(self, config: Config, basis: Tensor, std: Tensor):
        super().__init__(config, basis, std)
        between = config.body_width * 3 // 8
        self.up8 = nn.Conv2d(config.body_width, 4 * between, 1)
        self.blocks8 = nn.Sequential(*[MixBlock(between) for _ in range(2)])
        self.up = nn.Conv2d(between, 4 * config.render_width, 1)

    def forward(self, y_hat: Tensor, level: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        body = self.body(self.enter(y_hat) + level)
        f = self.blocks8(F.pixel_shuffle(self.up8(body), 2))
        blocks = self.linear(y_hat)
        f = self.render(F.pixel_shuffle(self.up(f), 2) + self.look(blocks))
        return blocks + F.pixel_shuffle(self.leave(f), 4) + 0.5, body, f


class Attentive(flagship.Synthesis):
    """The published network's attention at the end of the body."""

    def __init__(self, config: Config, basis: Tensor, std: Tensor):
        super().__init__(config, basis, std)
        self.body.append(SimplifiedAttention(config.body_width))


def gentle() -> None:
    """A third of the learning rate for dense 3x3 layers, of which a row has thousands of weights."""
    plain = run.make_optimiser

    def make(config: Config, model: nn.Module) -> torch.optim.Optimizer:
        optimiser = plain(config, model)
        (rest, *_) = optimiser.param_groups
        dense = [p for p in rest["params"] if p.dim() == 4 and p.shape[2] == 3 and p.shape[1] > 1]
        chosen = set(map(id, dense))
        rest["params"] = [p for p in rest["params"] if id(p) not in chosen]
        optimiser.add_param_group({"params": dense, "relative": 1 / 3})
        return optimiser

    run.make_optimiser = make


def synthesis(kind: type[flagship.Synthesis]) -> Callable[[], None]:
    """Replaces the synthesis."""

    def apply() -> None:
        flagship.Synthesis = kind  # type: ignore[misc]

    return apply


SHAPE: dict[str, Variant] = {
    "dense": Variant("Shape", "dense 3x3 convolutions", apply=both(block(DenseBlock), gentle)),
    "silu": Variant("Shape", "SiLU", apply=block(mix_with(lambda channels: nn.SiLU()))),
    "prelu": Variant("Shape", "PReLU", apply=block(mix_with(lambda channels: nn.PReLU(channels, init=LEAK)))),
    "gdn": Variant(
        "Shape",
        "GDN behind the depthwise convolutions",
        apply=block(mix_with(GDN, lambda channels: nn.LeakyReLU(LEAK))),
    ),
    "gate": Variant("Shape", "channels gated by others", apply=block(GateBlock)),
    "one-resolution": Variant("Shape", "no renderer", {"body_width": 264}, synthesis(OneResolution)),
    "stepwise": Variant("Shape", "1/16, 1/8, 1/4 in turn", {"body_blocks": 3, "render_blocks": 1}, synthesis(Stepwise)),
    "attention": Variant(
        "Shape", "attention for one and a half blocks", {"body_blocks": 4}, both(synthesis(Attentive), gentle)
    ),
    "sender-2": Variant("Shape", "twice the blocks in the sender", {"blocks_4": 2, "blocks_8": 4, "blocks_16": 8}),
    "sender-4": Variant(
        "Shape", "four times the blocks in the sender", {"blocks_4": 4, "blocks_8": 8, "blocks_16": 16}
    ),
}
