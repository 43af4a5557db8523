"""Parts that are trained on a frozen codec: heads of its decoder, and other encoders for it.

    frozen codec -> features, faithful picture -> head -> another picture          detail, small, double
    picture -> another analysis -> frozen entropy model -> frozen synthesis        denoise, psnr

A part is a network with its own ``forward``, a ``source`` that turns a crop into what the encoder sees, a ``measure``
for validation, and ``graphs`` for export. Only what it trains has gradients.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor, nn

from ..bundle.graphs import path_of
from ..bundle.manifest import content, find, read_manifest
from ..errors import ConfigError
from ..types import Pixels
from .config import HEADS, Config, from_dict, network_fields
from .data import halved, noisy
from .flagship import Flagship
from .heads import NOISE, Detail, Double, Small, bicubic, doubled
from .hyperprior import STRIDE, Coded
from .init import configuration, start_from
from .loss import Loss, SmallLoss, reduced
from .networks import Network, build, use_integer_scale
from .onnx_export import read_weights
from .ssimulacra2 import SSIMULACRA2, score
from .validate import in_grey_levels, measured, psnr

FACTORS = (2, 4, 8)  # of small pictures
MOVED = 6  # pixels cut off before LPIPS, so that its grid does not lie on the blocks
SIGMA = 25.0  # of the noise that a denoising encoder is validated with, of 255

Inputs: TypeAlias = list[tuple[int, int]]  # of a graph: channels, and samples a side for one of y; 0: a single one
Measured: TypeAlias = dict[str, Tensor]


class Graph(NamedTuple):
    """A network to be exported: its name in ``bundle.graphs.TABLE``, and its inputs."""

    name: str
    network: nn.Module
    inputs: Inputs


class Decoded(NamedTuple):
    """What the frozen codec computes: the faithful picture, features, the level's row and what is coded."""

    x_hat: Tensor
    body: Tensor
    render: Tensor
    level: Tensor
    coded: Coded


class Frozen(nn.Module):
    """A codec that does not learn, with symbols as files have them: no noise, and the scale map in integers."""

    def __init__(self, codec: Flagship):
        super().__init__()
        self.codec = codec.requires_grad_(False).eval()
        use_integer_scale(codec, True)

    def train(self, mode: bool = True) -> Frozen:
        """Stay as in evaluation, whatever ``mode``."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, x: Tensor, t: Tensor) -> Decoded:
        c = self.codec
        y = c.analysis(x)
        with torch.autocast(x.device.type, enabled=False):
            coded, level = c.entropy(y.float(), t), c.synthesis_level(t)
        x_hat, body, render = c.synthesis(coded.y_hat, level)
        return Decoded(x_hat, body, render, level, coded)


class DetailPart(nn.Module):
    """``forward(x, t)`` -> the natural picture (realism 1), what is coded, and the faithful picture."""

    def __init__(self, config: Config, codec: Flagship):
        super().__init__()
        self.frozen = Frozen(codec)
        self.head = Detail(config)
        self.inputs: Inputs = [(config.body_width, 1), (config.render_width, 4), (NOISE, 4), (1, 0)]

    def source(self, target: Tensor) -> Tensor:
        return target

    def forward(self, x: Tensor, t: Tensor) -> tuple[Tensor, Coded, Tensor]:
        found = self.frozen(x, t)
        b, _, h, w = found.render.shape
        noise = 2.0 * torch.rand(b, NOISE, h, w, device=x.device) - 1.0
        detail = self.head(found.body, found.render, noise, noise.new_ones(1, 1, 1, 1))
        return found.x_hat + detail, found.coded, found.x_hat

    def measure(self, loss: Loss, x: Tensor, t: Tensor) -> Measured:
        """Compare realism 0 and 1, with the same noise every time."""
        with torch.random.fork_rng([x.device] if x.is_cuda else []):
            torch.manual_seed(0)
            natural, coded, faithful = self(x, t)
        terms = loss(x, natural, coded, t)
        both = {0: judged(x, faithful, loss), 1: judged(x, natural, loss)}
        figures = {f"{key}_{realism}": value for realism, row in both.items() for key, value in row.items()}
        return {"bpp": terms.bpp[0], **figures, "loss": terms.loss}

    def graphs(self) -> list[Graph]:
        return [Graph("detail", self.head, self.inputs)]


class SmallPart(nn.Module):
    """``forward(x, t)`` -> the pictures reduced by 2, 4 and 8, what is coded, and the faithful picture."""

    def __init__(self, config: Config, codec: Flagship):
        super().__init__()
        self.frozen = Frozen(codec)
        self.heads = nn.ModuleList([Small(config, codec.synthesis.linear, factor) for factor in FACTORS])
        self.inputs: Inputs = [(config.latent_channels, 1), (config.body_width, 0)]

    def source(self, target: Tensor) -> Tensor:
        return target

    def forward(self, x: Tensor, t: Tensor) -> tuple[tuple[Tensor, ...], Coded, Tensor]:
        found = self.frozen(x, t)
        return tuple(head(found.coded.y_hat, found.level) for head in self.heads), found.coded, found.x_hat

    def measure(self, loss: SmallLoss, x: Tensor, t: Tensor) -> Measured:
        """Compare each size with the average of the whole faithful picture, which costs the synthesis."""
        small, coded, faithful = self(x, t)
        terms, figures = loss(x, small, coded, t), {}
        for factor, shown in zip(FACTORS, small, strict=True):
            due, whole = reduced(x, shown), reduced(in_grey_levels(faithful), shown)
            figures[f"psnr_{factor}"] = psnr(due, in_grey_levels(shown))
            figures[f"psnr_{factor}_whole"] = psnr(due, in_grey_levels(whole))
        return {"bpp": terms.bpp[0], **figures, "loss": terms.loss}

    def graphs(self) -> list[Graph]:
        return [Graph(f"small_{factor}", head, self.inputs) for factor, head in zip(FACTORS, self.heads, strict=True)]


class DoublePart(nn.Module):
    """``forward(x, t)`` -> twice the size of x, what is coded, and the faithful picture of x."""

    def __init__(self, config: Config, codec: Flagship):
        super().__init__()
        self.frozen = Frozen(codec)
        self.head = Double(config)
        self.inputs: Inputs = [(config.body_width, 1), (config.render_width, 4), (3, STRIDE)]
        self.register_buffer("bicubic", bicubic(), persistent=False)

    def source(self, target: Tensor) -> Tensor:
        return halved(target)

    def forward(self, x: Tensor, t: Tensor) -> tuple[Tensor, Coded, Tensor]:
        found = self.frozen(x, t)
        return self.head(found.body, found.render, found.x_hat), found.coded, found.x_hat

    def measure(self, loss: Loss, x: Tensor, t: Tensor) -> Measured:
        """Compare with bicubic interpolation of the faithful picture."""
        h, w = (side // (8 * STRIDE) * 8 * STRIDE for side in x.shape[2:])
        target = x[:, :, :h, :w]
        larger, coded, faithful = self(self.source(target), t)
        terms = loss(target, larger, coded, t)
        plain = doubled(in_grey_levels(faithful), self.get_buffer("bicubic"))
        both = {"double": judged(target, larger, loss), "bicubic": judged(target, plain, loss)}
        figures = {f"{key}_{name}": value for name, row in both.items() for key, value in row.items()}
        return {"bpp": terms.bpp[0], **figures, "loss": terms.loss}

    def graphs(self) -> list[Graph]:
        return [Graph("double", self.head, self.inputs)]


class EncoderPart(nn.Module):
    """Another analysis for a frozen codec; its rate and its rounding are modelled as in the training of everything.

    ``forward(x, t)`` -> x_hat, what is coded.
    """

    def __init__(self, config: Config, codec: Flagship):
        super().__init__()
        self.codec = codec.requires_grad_(False)
        self.codec.analysis.requires_grad_(True)
        self.name, self.noisy = f"analysis_{config.part}", bool(config.noise)

    def source(self, target: Tensor) -> Tensor:
        return target

    def forward(self, x: Tensor, t: Tensor) -> tuple[Tensor, Coded]:
        found: tuple[Tensor, Coded] = self.codec(x, t)
        return found

    def measure(self, loss: Loss, x: Tensor, t: Tensor) -> Measured:
        """Measure clean pictures and, where it learns from noisy ones, those with Gaussian noise of sigma 25."""
        figures = measured(self, loss, x, t)
        if not self.noisy:
            return figures
        with torch.random.fork_rng([x.device] if x.is_cuda else []):
            torch.manual_seed(0)
            source = noisy(x, x.new_tensor([[0.0, (SIGMA / 255.0) ** 2]]))
        x_hat, coded = self(source, t)
        terms = loss(x, x_hat, coded, t)
        figures |= {"bpp_noisy": terms.bpp[0], "psnr_noisy": psnr(x, in_grey_levels(x_hat))}
        return figures | {"loss": 0.5 * (figures["loss"] + terms.loss)}

    def graphs(self) -> list[Graph]:
        return [Graph(self.name, self.codec.analysis, [(3, STRIDE)])]


Part: TypeAlias = DetailPart | SmallPart | DoublePart | EncoderPart


def judged(x: Tensor, picture: Tensor, loss: Loss) -> Measured:
    """Return PSNR, SSIMULACRA 2 and, where its weights are there, LPIPS of a picture, its grid moved by 6 pixels."""
    shown = in_grey_levels(picture)
    found = {"psnr": psnr(x, shown), "ssimulacra2": score(SSIMULACRA2().to(x.device)(x, shown))[0]}
    if loss.lpips is not None:
        found["lpips"] = loss.lpips(*(p[..., MOVED:, MOVED:] for p in (x, shown)))[0]
    return found


def settled(config: Config, init: str | Path | None, saved: Config | None) -> Config:
    """Return the configuration of a part with the network of the codec that it belongs to.

    That is the codec of the bundle ``init``, or of the run that is resumed (``saved``). The scale map is in integers
    from the start. The loss of a head has no rate, which a head can't change. Where everything is trained, nothing
    changes. Raises ConfigError where there is no codec.
    """
    if not config.part:
        return config
    if saved is None and init is None:
        raise ConfigError(f"{config.part} is trained on a frozen bundle: name it with --init")
    before = saved or configuration(find(init))
    values = dataclasses.asdict(config) | {name: getattr(before, name) for name in network_fields()}
    values |= {"integer_scale_from": 0.0, "lambda_r": 0.0 if config.part in HEADS else before.lambda_r}
    return from_dict(values)


def started(
    config: Config,
    pictures: list[Pixels] | None,
    init: str | Path | None,
    towards: str | Path | None = None,
    share: float = 0.0,
) -> Network | Part:
    """Return what a run trains: a network, or a part with its frozen codec.

    ``pictures``: for the linear transform of a flagship that starts from nothing. ``init``, ``towards`` and ``share``:
    see ``start_from``. A part goes on from what the bundle ``init`` has of it, if that has its shape.
    """
    codec = build(config, None if config.part else pictures)
    if init:
        start_from(codec, config, init, towards, share)
    if not config.part:
        return codec
    assert isinstance(codec, Flagship)
    part = part_of(config, codec)
    if init:
        go_on_from(part, find(init))
    return part


def part_of(config: Config, codec: Flagship) -> Part:
    """Return a fresh part on a codec."""
    if config.part == "detail":
        return DetailPart(config, codec)
    if config.part == "small":
        return SmallPart(config, codec)
    if config.part == "double":
        return DoublePart(config, codec)
    return EncoderPart(config, codec)


def go_on_from(part: Part, bundle: Path) -> None:
    """Copy weights of a part from a bundle that has them, where all their shapes fit."""
    manifest = read_manifest(bundle)
    for graph in part.graphs():
        if path_of(graph.name) not in manifest["files"]:
            continue
        own, found = graph.network.state_dict(), read_weights(content(bundle, manifest, path_of(graph.name)))
        if all(name in found and found[name].shape == value.shape for name, value in own.items()):
            graph.network.load_state_dict({name: found[name] for name in own})
