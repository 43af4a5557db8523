"""The changes that ``ablation.py`` compares: each a few settings, or a part of the flagship replaced before it is built.

A variant is applied in a process of its own, which is why it may simply replace names of the training half. ``soap_max_side`` goes with the width, so that
SOAP preconditions the same sides of the same layers; dense 3x3 layers, whose rows are long, get a third of the learning rate.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from scipy.fft import dct
from torch import Tensor, nn

from skosh.train import flagship, hyperprior, networks, run, validate
from skosh.train.config import Config
from skosh.train.data import Crops, Pixels, patch_transform
from skosh.train.hyperprior import MeanSecond, ScaleMap
from skosh.train.layers import GDN, LEAK, MixBlock, SimplifiedAttention, start_at_zero
from skosh.train.quantise import add_noise, between, round_through


@dataclass(frozen=True)
class Variant:
    """One change. ``apply`` replaces parts; ``pictures`` changes what is trained on."""

    group: str
    what: str  # in the table
    settings: dict[str, Any] = field(default_factory=dict)
    apply: Callable[[], None] = lambda: None
    pictures: Callable[[list[Pixels]], list[Pixels]] = list


# Size


def wide(receiver: int, blocks: int, sender: int, mean: int, max_side: int) -> dict[str, Any]:
    """Settings of a whole network of another size."""
    widths = {"body_width": receiver, "body_blocks": blocks, "width_16": sender, "mean_width": mean}
    return {**widths, "soap_max_side": max_side}


def after_build(change: Callable[[flagship.Flagship, list[Pixels]], None]) -> Callable[[], None]:
    """Changes the network when it has been built from the pictures."""

    def apply() -> None:
        plain = networks.build

        def build(config: Config, pictures: list[Pixels] | None = None) -> networks.Network:
            model = plain(config, pictures)
            assert isinstance(model, flagship.Flagship)
            assert pictures is not None
            change(model, pictures)
            return model

        run.build = build  # type: ignore[attr-defined]

    return apply


# Start


class Nothing(nn.Module):
    """Stands where a linear transform stood, which gave ``channels`` at ``factor`` times the size."""

    def __init__(self, channels: int, factor: float):
        super().__init__()
        self.channels, self.factor = channels, factor

    def forward(self, x: Tensor) -> Tensor:
        b, _, h, w = x.shape
        return x.new_zeros(b, self.channels, round(h * self.factor), round(w * self.factor))


def no_shortcut(model: flagship.Flagship, pictures: list[Pixels]) -> None:
    """y = N(x), without linear transforms. The last layers start as any other, then so that y has unit variance; one gain for all channels."""
    model.analysis.linear = Nothing(model.latent_channels, 1 / flagship.PATCH)  # type: ignore[assignment]
    model.synthesis.linear = Nothing(3, flagship.PATCH)  # type: ignore[assignment]
    model.synthesis.look.requires_grad_(False)  # sees nothing but zeros
    for half in (model.analysis, model.synthesis):
        half.leave.reset_parameters()
    crops = np.stack([picture[:256, :256] for picture in pictures if min(picture.shape[:2]) >= 256][:16])
    with torch.no_grad():
        y = model.analysis(torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255.0)
        model.analysis.leave.weight /= y.std((0, 2, 3))[:, None, None, None]
        nn.init.zeros_(model.analysis.leave.bias)  # type: ignore[arg-type]
        for rows in (model.entropy.log_gain.rows, model.entropy.log_inverse.rows, model.entropy.shift.rows):
            rows.copy_(rows.mean(1, keepdim=True).expand_as(rows))


def cosines(pictures: list[Pixels], size: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """As ``patch_transform``, but the discrete cosine transform of luma and two differences of colour, by falling variance."""
    vectors, variances = patch_transform(pictures, size)
    one = dct(np.eye(size), axis=0, norm="ortho")
    colour = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3.0], [2.0], [6.0]])
    basis = np.kron(colour, np.kron(one, one))
    found = ((basis @ vectors.T) ** 2 * variances).sum(1)
    order = np.argsort(found)[::-1]
    return basis[order].astype(np.float32), found[order].astype(np.float32)


def start_from_cosines() -> None:
    networks.patch_transform = cosines  # type: ignore[attr-defined, assignment]


def fixed_transform(model: flagship.Flagship, pictures: list[Pixels]) -> None:
    """The linear transforms are no parameters any more, so that they cost the optimiser nothing."""
    model.analysis.linear.requires_grad_(False)
    model.synthesis.linear.requires_grad_(False)


def first_step(factor: float) -> Callable[[], None]:
    """Quantisation steps that start so many times as large."""

    def apply() -> None:
        plain = flagship.start_log_gain
        flagship.start_log_gain = lambda config, std: plain(config, std) - math.log(factor)

    return apply


def one_scale(model: flagship.Flagship, pictures: list[Pixels]) -> None:
    """The coefficients keep their variances: one scale for all, of unit variance in the mean. Everything else starts as it does in the flagship."""
    analysis, synthesis = (half.linear.get_buffer("scale") for half in (model.analysis, model.synthesis))
    std = synthesis.clone()  # (1, M, 1, 1), as it was
    one = std.square().mean().sqrt()
    analysis.copy_(1.0 / one)
    synthesis.copy_(one)
    log_ratio = torch.log(one / std).reshape(1, -1)
    with torch.no_grad():
        model.entropy.log_gain.rows.add_(log_ratio)
        model.entropy.log_inverse.rows.sub_(log_ratio)


def hyper_start(factor: float) -> Callable[[flagship.Flagship, list[Pixels]], None]:
    """z starts so many times as large."""

    def change(model: flagship.Flagship, pictures: list[Pixels]) -> None:
        with torch.no_grad():
            for parameter in model.entropy.analysis.leave.parameters():
                parameter.mul_(factor)

    return change


# Shape


def block(kind: type[nn.Module]) -> Callable[[], None]:
    """Replaces the block everywhere."""

    def apply() -> None:
        flagship.MixBlock = kind  # type: ignore[attr-defined, assignment]
        hyperprior.MixBlock = kind  # type: ignore[attr-defined, assignment]

    return apply


def mix_with(make: Callable[[int], nn.Module], outer: Callable[[int], nn.Module] | None = None) -> type[MixBlock]:
    """The block with another nonlinearity in both places, ``make(channels)``, or with ``outer`` in the second, which has twice the channels."""
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
    """Instead of a nonlinearity between the last two convolutions, one part of the channels times a sigmoid of the other; equal products.

    (Without the sigmoid, and one added, SOAP at this learning rate led to infinity within 132 steps.)
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


def gate_the_means() -> None:
    hyperprior.MixBlock = GateBlock  # type: ignore[attr-defined]


class DenseBlock(nn.Module):
    """Two dense 3x3 convolutions with half of the channels between: 1.5 times the products of a ``MixBlock``, about its time."""

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

    def forward(self, y_hat: Tensor, level: Tensor) -> Tensor:
        f = self.leave(self.body(self.enter(y_hat) + level))
        out: Tensor = self.linear(y_hat) + F.pixel_shuffle(f, flagship.PATCH) + 0.5
        return out


class Stepwise(flagship.Synthesis):
    """1/16, 1/8 and 1/4 in turn, with blocks at each."""

    def __init__(self, config: Config, basis: Tensor, std: Tensor):
        super().__init__(config, basis, std)
        between = config.body_width * 3 // 8
        self.up8 = nn.Conv2d(config.body_width, 4 * between, 1)
        self.blocks8 = nn.Sequential(*[MixBlock(between) for _ in range(2)])
        self.up = nn.Conv2d(between, 4 * config.render_width, 1)

    def forward(self, y_hat: Tensor, level: Tensor) -> Tensor:
        f = self.body(self.enter(y_hat) + level)
        f = self.blocks8(F.pixel_shuffle(self.up8(f), 2))
        blocks = self.linear(y_hat)
        f = self.render(F.pixel_shuffle(self.up(f), 2) + self.look(blocks))
        out: Tensor = blocks + F.pixel_shuffle(self.leave(f), 4) + 0.5
        return out


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


def both(*changes: Callable[[], None]) -> Callable[[], None]:
    """Several changes, one after the other."""

    def apply() -> None:
        for change in changes:
            change()

    return apply


def synthesis(kind: type[flagship.Synthesis]) -> Callable[[], None]:
    """Replaces the synthesis."""

    def apply() -> None:
        flagship.Synthesis = kind  # type: ignore[misc]

    return apply


# Entropy


def scale_in_floats() -> None:
    """The scale map is never in integers, not at validation either: what exactness costs."""
    run.use_integer_scale = validate.use_integer_scale = lambda model, on: None  # type: ignore[attr-defined]


class DeepScaleMap(ScaleMap):
    """Beside the linear map one with a hidden layer that sees 3x3 z, which starts at zero; in floats, to be compared with ``float-scale``."""

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
    """The same in whole numbers: 3x3 z -> 0..127 -> what is added to z, weights in 1/64, before the linear map. Exact wherever the linear one is."""

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
    """Where a batch is rounded in training, z too, noise is added instead (weights of the integer map are still rounded).

    What the second half's means see of the first and what the decoder sees of it have noise of their own.
    """

    def noisy(x: Tensor) -> Tensor:
        is_weight = x.dim() == 4 and x.shape[2:] == (1, 1)
        return add_noise(x) if x.requires_grad and x.dim() == 4 and not is_weight else round_through(x)

    hyperprior.round_through = noisy  # type: ignore[attr-defined]


def noise_for_the_synthesis() -> None:
    """The synthesis alone sees noise in place of rounding; z and what the second half's means see are rounded."""

    class Noisy(hyperprior.Hyperprior):
        def quantise(
            self, u: Tensor, z_hat: Tensor, index: Tensor, gain: Tensor, inverse: Tensor, t: Tensor
        ) -> hyperprior.Quantised:
            found = super().quantise(u, z_hat, index, gain, inverse, t)
            if not self.training:
                return found
            return found._replace(u_hat=add_noise(found.residual) * found.steps + found.means)

    flagship.Hyperprior = Noisy  # type: ignore[attr-defined]


# Optimiser and data


def adamw() -> None:
    plain = run.make_optimiser

    def make(config: Config, model: nn.Module) -> torch.optim.Optimizer:
        groups = []
        for group in plain(config, model).param_groups:
            for decay, matrix in ((0.01, True), (0.0, False)):
                params = [p for p in group["params"] if (p.dim() == 4) == matrix]
                groups.append({"params": params, "relative": group["relative"], "weight_decay": decay})
        return torch.optim.AdamW([group for group in groups if group["params"]], lr=config.learning_rate)

    run.make_optimiser = make


def as_matrix(weight: Tensor) -> Tensor:
    """(outputs, inputs, h, w) -> (outputs, h w inputs): the same memory, where that is channels last."""
    return weight.permute(0, 2, 3, 1).reshape(len(weight), -1)


class MuonAndAdamW(torch.optim.Optimizer):
    """PyTorch's Muon for the matrices of 1x1 convolutions and of patches, AdamW for everything else, one learning rate for both."""

    def __init__(self, groups: list[dict[str, Any]], lr: float):
        super().__init__([dict(group) for group in groups], {"lr": lr})
        matrices, others = [], []
        self.views: list[tuple[nn.Parameter, nn.Parameter]] = []  # a weight, and the same memory with two axes
        for group in self.param_groups:
            chosen = [p for p in group["params"] if p.dim() == 4 and p.shape[1] > 1]
            flat = [nn.Parameter(as_matrix(p.detach())) for p in chosen]
            assert all(p.data_ptr() == seen.data_ptr() for p, seen in zip(chosen, flat, strict=True))
            self.views += zip(chosen, flat, strict=True)
            rest = set(map(id, chosen))
            matrices.append({"params": flat, "relative": group["relative"]})
            others.append({"params": [p for p in group["params"] if id(p) not in rest], "relative": group["relative"]})
        self.muon = torch.optim.Muon(matrices, lr=lr, weight_decay=0.01, adjust_lr_fn="match_rms_adamw")
        self.adamw = torch.optim.AdamW([group for group in others if group["params"]], lr=lr, weight_decay=0.0)

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """One update."""
        rate = self.param_groups[0]["lr"] / self.param_groups[0]["relative"]
        for optimiser in (self.muon, self.adamw):
            for group in optimiser.param_groups:
                group["lr"] = rate * group["relative"]
        for weight, flat in self.views:
            flat.grad = None if weight.grad is None else as_matrix(weight.grad)
        self.muon.step()  # type: ignore[no-untyped-call]
        self.adamw.step()


def muon() -> None:
    plain = run.make_optimiser

    def make(config: Config, model: nn.Module) -> torch.optim.Optimizer:
        return MuonAndAdamW(plain(config, model).param_groups, config.learning_rate)

    run.make_optimiser = make


def growing_crops() -> None:
    """18 crops of 128x128 for the first half of the steps, then what the configuration says."""
    plain, small = run.Run.step, (128, 18)

    def step(self: run.Run) -> run.Batch:
        config, early = self.config, 2 * self.done < self.steps
        crop, batch = small if early else (config.crop, config.batch)
        if self.crops.crop != crop:
            self.crops.crop, self.crops.batch, self.crops.share = crop, batch, range(batch)
            self.pixels_a_step = batch * crop**2
        return plain(self)

    run.Run.step = step  # type: ignore[method-assign]


class Reduced(Crops):
    """All crops of a step are reduced by the same random factor of 1 to 2."""

    def draw(self, step: int) -> tuple[Tensor, Tensor]:
        side = self.crop
        self.crop = round(side * np.random.default_rng((self.seed, step, 1)).uniform(1.0, 2.0))
        try:
            cut, levels = super().draw(step)
        finally:
            self.crop = side
        x = cut.permute(0, 3, 1, 2).float()
        x = F.interpolate(x, (side, side), mode="bicubic", antialias=True)
        return x.round().clamp(0.0, 255.0).to(torch.uint8).permute(0, 2, 3, 1), levels


def reduce_at_random() -> None:
    run.Crops = Reduced  # type: ignore[attr-defined]


def large_enough(pictures: list[Pixels]) -> list[Pixels]:
    """Those of which a crop can be cut that is twice as large."""
    return [picture for picture in pictures if min(picture.shape[:2]) >= 384]


def with_reductions(pictures: list[Pixels]) -> list[Pixels]:
    """Every picture also reduced by 1.4 and by 2, where it stays large enough."""
    found = list(pictures)
    for picture in pictures:
        for factor in (2.0**0.5, 2.0):
            height, width = (int(side / factor) for side in picture.shape[:2])
            if min(height, width) >= 256:
                found.append(np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS)))
    return found


VARIANTS: dict[str, Variant] = {
    "base": Variant("", "the flagship"),
    "size-5": Variant("Size", "body of 4 blocks of 128, sender and means of 128", wide(128, 4, 128, 128, 200)),
    "size-8": Variant("Size", "body of 5 blocks of 192", wide(192, 5, 192, 192, 300)),
    "size-20": Variant("Size", "body of 6 blocks of 320, sender of 256", wide(320, 6, 256, 192, 500)),
    "no-shortcut": Variant("Start", "no linear transform", apply=after_build(no_shortcut)),
    "cosines": Variant("Start", "cosine transform instead of Karhunen-Loève", apply=start_from_cosines),
    "linear-rate-1": Variant("Start", "linear transform at the full learning rate", {"linear_rate": 1.0}),
    "linear-rate-0": Variant("Start", "linear transform fixed", apply=after_build(fixed_transform)),
    "steps-half": Variant("Start", "quantisation steps that start half as large", apply=first_step(0.5)),
    "steps-twice": Variant("Start", "quantisation steps that start twice as large", apply=first_step(2.0)),
    "one-scale": Variant("Start", "one scale for all of the linear transform", apply=after_build(one_scale)),
    "hyper-0": Variant("Start", "z starts at 0", apply=after_build(hyper_start(0.0))),
    "hyper-4": Variant("Start", "z starts four times as large", apply=after_build(hyper_start(4.0))),
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
    "adam": Variant("Optimiser", "Adam at 1e-3", {"optimiser": "adam", "learning_rate": 1e-3}),
    "adamw": Variant("Optimiser", "AdamW at 1e-3", {"learning_rate": 1e-3}, adamw),
    "muon": Variant("Optimiser", "Muon for matrices, AdamW for the rest, at 1e-3", {"learning_rate": 1e-3}, muon),
    "no-average": Variant("Optimiser", "no averaged weights", {"ema": 0.0}),
    "crops-128": Variant("Optimiser", "18 crops of 128x128", {"crop": 128, "batch": 18}),
    "crops-384": Variant("Optimiser", "2 crops of 384x384", {"crop": 384, "batch": 2}),
    "crops-grow": Variant("Optimiser", "18 crops of 128x128 for the first half", apply=growing_crops),
    "reduced": Variant("Optimiser", "crops reduced at random by 1 to 2", apply=reduce_at_random, pictures=large_enough),
    "reductions": Variant("Optimiser", "pictures also reduced by 1.4 and 2", pictures=with_reductions),
}
