"""The entropy model, and what stands for rounding in training."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from skosh.train import flagship, hyperprior, run, validate
from skosh.train.hyperprior import MeanSecond, ScaleMap
from skosh.train.layers import start_at_zero
from skosh.train.quantise import add_noise, between, round_through

from .shape import GateBlock, gentle
from .variant import Variant


def scale_in_floats() -> None:
    """The scale map is never in integers, not at validation either: what exactness costs."""
    run.use_integer_scale = validate.use_integer_scale = lambda model, on: None  # type: ignore[attr-defined]


class DeepScaleMap(ScaleMap):
    """Adds a map with a hidden layer over 3x3 z to the linear one; it starts at zero.

    In floats, to be compared with ``float-scale``.
    """

    def __init__(self, hyper: int, latents: int):
        super().__init__(hyper, latents)
        self.look = nn.Conv2d(hyper, 2 * hyper, 3, padding=1)
        self.more = nn.Conv2d(2 * hyper, hyper, 1)
        start_at_zero(self.more)

    def forward(self, z: Tensor) -> Tensor:
        return super().forward(z + self.more(F.relu(self.look(z))))


def deep_scale() -> None:
    scale_in_floats()
    gentle()
    hyperprior.ScaleMap = DeepScaleMap  # type: ignore[misc]


class DeepExactScaleMap(DeepScaleMap):
    """The same in integers: 3x3 z -> 0..127 -> an addition to z before the linear map; weights in 1/64.

    Exact wherever the linear map is.
    """

    def forward(self, z: Tensor) -> Tensor:
        hidden = between(self.layer(self.look, z, 1), 0.0, 127.0)
        return ScaleMap.forward(self, z + self.layer(self.more, hidden, 0))

    def layer(self, conv: nn.Conv2d, x: Tensor, padding: int) -> Tensor:
        """A convolution, in integers of 1/64 and rounded once the map is in integers."""
        if not self.integer:
            return F.conv2d(x, conv.weight, conv.bias, padding=padding)
        assert conv.bias is not None
        unit = float(1 << self.BITS)
        weight = between(round_through(conv.weight * unit), -self.WEIGHT_MAX, self.WEIGHT_MAX)
        return round_through(F.conv2d(x, weight, round_through(conv.bias * unit), padding=padding) / unit)


def deep_exact() -> None:
    gentle()
    hyperprior.ScaleMap = DeepExactScaleMap  # type: ignore[misc]


class Blind(MeanSecond):
    """Sees z alone, as the first half does."""

    def forward(self, h: Tensor, known: Tensor) -> tuple[Tensor, ...]:
        return super().forward(h, torch.zeros_like(known))


def no_context() -> None:
    hyperprior.MeanSecond = Blind  # type: ignore[misc]


def halves(of: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Callable[[], None]:
    """Other halves; ``of(c, i, j)`` is even in the first."""

    def first_half(latents: int, height: int, width: int, device: torch.device) -> Tensor:
        c = torch.arange(latents, device=device)[:, None, None]
        i = torch.arange(height, device=device)[None, :, None]
        j = torch.arange(width, device=device)[None, None, :]
        half = (of(c, i, j).expand(latents, height, width) % 2 == 0)[None]
        return half.contiguous(memory_format=torch.channels_last)

    def apply() -> None:
        hyperprior.first_half = first_half

    return apply


def noise_everywhere() -> None:
    """In training, add noise where a batch would be rounded, z included; the integer map's weights are still rounded.

    The second half's means and the decoder see the first half with noise of their own.
    """

    def noisy(x: Tensor) -> Tensor:
        is_weight = x.dim() == 4 and x.shape[2:] == (1, 1)
        return add_noise(x) if x.requires_grad and x.dim() == 4 and not is_weight else round_through(x)

    hyperprior.round_through = noisy  # type: ignore[attr-defined]


def noise_for_the_synthesis() -> None:
    """Only the synthesis sees noise in place of rounding; z and the input of the second half's means are rounded."""

    class Noisy(hyperprior.Hyperprior):
        def quantise(
            self, u: Tensor, z_hat: Tensor, index: Tensor, gain: Tensor, inverse: Tensor, t: Tensor
        ) -> hyperprior.Quantised:
            found = super().quantise(u, z_hat, index, gain, inverse, t)
            if not self.training:
                return found
            return found._replace(u_hat=add_noise(found.residual) * found.steps + found.means)

    flagship.Hyperprior = Noisy  # type: ignore[attr-defined]


def gate_the_means() -> None:
    hyperprior.MixBlock = GateBlock  # type: ignore[attr-defined]


ENTROPY: dict[str, Variant] = {
    "float-scale": Variant("Entropy", "scale map in floats", apply=scale_in_floats),
    "deep-scale": Variant("Entropy", "scale map with a hidden layer over 3x3 z, in floats", apply=deep_scale),
    "deep-exact": Variant("Entropy", "scale map with a hidden layer over 3x3 z, in integers", apply=deep_exact),
    "no-context": Variant("Entropy", "both halves from z alone", apply=no_context),
    "spatial": Variant("Entropy", "checkerboard of places alone", apply=halves(lambda c, i, j: i + j)),
    "slices": Variant("Entropy", "even channels, then odd ones", apply=halves(lambda c, i, j: c + 0 * (i + j))),
    "laplace": Variant("Entropy", "Laplace's distribution", {"exponent": 1.0}),
    "generalised": Variant("Entropy", "generalised normal distribution, exponent 1.5", {"exponent": 1.5}),
    "no-step": Variant("Entropy", "no learned step", {"learned_step": False}),
    "gated-means": Variant("Entropy", "gated channels in the means' networks", apply=gate_the_means),
    "noise": Variant("Entropy", "noise in place of rounding, z too", apply=noise_everywhere),
    "noise-late": Variant("Entropy", "noise for the synthesis alone", apply=noise_for_the_synthesis),
}
