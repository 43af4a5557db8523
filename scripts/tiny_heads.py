"""Give the small bundles of tests/bundles heads and encoders for a purpose, with fixed weights and without training.

    python scripts/tiny_heads.py

``tiny.py`` calls it. The codec's tests so see every rendition without PyTorch:

- ``detail`` adds a texture of noise and features; ``double`` adds one to the enlarged picture;
- the small pictures are the linear transform's, reduced exactly, with a trace of their neighbours;
- ``analysis_denoise`` and ``analysis_psnr`` are the linear transform's, the first of a blurred picture.
"""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper
from torch import Tensor, nn

from skosh.bundle.graphs import ENCODER, GRAPHS, HEADS, path_of
from skosh.bundle.manifest import MANIFEST, reseal
from skosh.train.flagship import Flagship, LinearAnalysis, LinearSynthesis
from skosh.train.init import restore
from skosh.train.onnx_export import rounded_rows, write_graph
from skosh.train.receptive import halo

BUNDLES = Path(__file__).parents[1] / "tests" / "bundles"
STRENGTH = 0.04  # of textures, in units of the picture's range
TRACE = 0.01  # of a latent's neighbours in a small picture
CELLS = (4, 6)  # rows and columns of latents, for tracing
NOISE = 4  # channels


class Texture(nn.Module):
    """Body (1, B, H, W), render (1, R, 4 H, 4 W) and noise -> a texture of 4 ``by`` times the side of render."""

    def __init__(self, body: int, render: int, noise: int, by: int):
        super().__init__()
        self.by = 4 * by
        self.spread = nn.Conv2d(body, 16 * 2, 1)
        self.mix = nn.Conv2d(2 + render + noise, 8, 3, padding=4, dilation=4)  # sees all of its halo
        self.leave = nn.Conv2d(8, 3 * self.by**2, 1)

    def forward(self, body: Tensor, *fine: Tensor) -> Tensor:
        f = torch.cat([F.pixel_shuffle(self.spread(body), 4), *fine], 1)
        return STRENGTH * torch.tanh(3.0 * F.pixel_shuffle(self.leave(F.leaky_relu(self.mix(f))), self.by))


class Detail(nn.Module):
    """The head ``detail``."""

    def __init__(self, body: int, render: int):
        super().__init__()
        self.texture = Texture(body, render, NOISE, 1)

    def forward(self, body: Tensor, render: Tensor, noise: Tensor, realism: Tensor) -> Tensor:
        out: Tensor = self.texture(body, render, noise) * realism
        return out


class Double(nn.Module):
    """The head ``double``: every pixel four times, and a texture."""

    def __init__(self, body: int, render: int):
        super().__init__()
        self.texture = Texture(body, render, 0, 2)

    def forward(self, body: Tensor, render: Tensor, x_hat: Tensor) -> Tensor:
        out: Tensor = F.pixel_shuffle(x_hat.repeat_interleave(4, 1), 2) + self.texture(body, render)
        return out


class Small(nn.Module):
    """A head ``small_N``: means over N x N pixels of the linear synthesis, themselves linear in y_hat."""

    def __init__(self, linear: LinearSynthesis, by: int):
        super().__init__()
        side = 16 // by
        basis = linear.basis.detach()[:, :, 0, 0].reshape(3, side, by, side, by, -1).mean((2, 4))
        self.side, channels = side, basis.shape[-1]
        weight = basis.reshape(3 * side * side, channels) * scale_of(linear)
        self.weight = nn.Parameter(weight[..., None, None].half().float())
        self.around = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)

    def forward(self, y_hat: Tensor, level: Tensor) -> Tensor:
        y = y_hat + TRACE * self.around(y_hat) + TRACE * level.mean(1, keepdim=True)
        return F.pixel_shuffle(F.conv2d(y, self.weight), self.side) + 0.5


class Blurred(nn.Module):
    """The encoder ``analysis_denoise``: the linear analysis of a picture blurred over 3 x 3 and then 2 x 2 pixels."""

    def __init__(self, linear: LinearAnalysis):
        super().__init__()
        weight = linear.basis.detach().reshape(-1, 3, 8, 2, 8, 2).sum((3, 5)) * scale_of(linear)[:, None, None, None]
        self.weight = nn.Parameter(weight.half().float())

    def forward(self, x: Tensor) -> Tensor:
        blurred = F.avg_pool2d(F.avg_pool2d(x, 3, 1, 1, count_include_pad=False), 2)
        return F.conv2d(blurred - 0.5, self.weight, stride=8)


class Linear(nn.Module):
    """The encoder ``analysis_psnr``: the linear analysis alone, in 8 bits."""

    def __init__(self, linear: LinearAnalysis):
        super().__init__()
        basis = linear.basis.detach() * scale_of(linear)[:, None, None, None]
        self.weight = nn.Parameter(torch.from_numpy(rounded_rows(basis.numpy())))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x - 0.5, self.weight, stride=16)


def scale_of(linear: LinearAnalysis | LinearSynthesis) -> Tensor:
    """Return the scale of each coefficient, (M,)."""
    assert isinstance(linear.scale, Tensor)
    return linear.scale[0, :, 0, 0]


def add_heads(folder: Path, encoders: bool) -> None:
    """Add all heads to a bundle, and encoders for a purpose. Its synthesis then gives features as well."""
    config, model = restore(folder)
    assert isinstance(model, Flagship)
    give_features(folder / path_of("synthesis"), config.body_width, config.render_width)
    m, body, render = config.latent_channels, config.body_width, config.render_width
    features = [(body, 1), (render, 4)]
    parts: dict[str, tuple[nn.Module, list[tuple[int, int]]]] = {
        "detail": (Detail(body, render), [*features, (NOISE, 4), (1, 0)]),
        "double": (Double(body, render), [*features, (3, 16)]),
    }
    parts |= {f"small_{by}": (Small(model.synthesis.linear, by), [(m, 1), (body, 0)]) for by in (2, 4, 8)}
    if encoders:
        parts["analysis_denoise"] = Blurred(model.analysis.linear), [(3, 16)]
        parts["analysis_psnr"] = Linear(model.analysis.linear), [(3, 16)]
    manifest = json.loads((folder / MANIFEST).read_text())
    for name, (module, inputs) in parts.items():
        fix_weights(module)
        shapes = [[fine * side or 1 for side in CELLS] for _, fine in inputs]
        zeros = tuple(torch.zeros(1, channels, *shape) for (channels, _), shape in zip(inputs, shapes, strict=True))
        write_graph(module, zeros, folder / path_of(name))
        manifest[GRAPHS[name].role]["halo"][name] = halo(module, inputs)
    made_for = reseal(folder, **{role: manifest[role] for role in (ENCODER, HEADS)})["model_id"]
    heads = [name for name in parts if GRAPHS[name].role == HEADS]
    reseal(folder, heads=manifest[HEADS] | {"made_for": dict.fromkeys(heads, made_for)})


def fix_weights(module: nn.Module) -> None:
    """Draw the weights of convolutions anew, always the same ones, of 16 bits."""
    torch.manual_seed(0)
    with torch.no_grad():
        for part in module.modules():
            if isinstance(part, nn.Conv2d):
                part.weight.normal_(std=part.weight[0].numel() ** -0.5)
                part.weight.copy_(part.weight.half().float())
                if part.bias is not None:
                    part.bias.zero_()


def give_features(path: Path, body: int, render: int) -> None:
    """Let a synthesis give what enters its layers ``up`` and ``leave``, unless it does."""
    before = path.read_bytes()
    model = onnx.load_from_string(before)
    if len(model.graph.output) > 1:
        return
    entering = {node.input[1]: node.input[0] for node in model.graph.node if node.op_type == "Conv"}
    for layer, channels in (("up", body), ("leave", render)):
        name = entering[f"{layer}.weight"]
        model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, None, None]))
    onnx.checker.check_model(model)
    content = model.SerializeToString(deterministic=True)
    last = model.graph.initializer[-1].raw_data
    if content.index(last) != before.index(last):
        raise SystemExit(f"{path}: weights have moved, from where the gradients borrow them")
    path.write_bytes(content)


def main() -> None:
    for folder in sorted(BUNDLES.iterdir()):
        add_heads(folder, encoders=folder.name == "tiny")
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        print(f"{folder}: {size:,} bytes")


if __name__ == "__main__":
    main()
