"""Measure how far a network sees: the halo a window needs for its core to come out as in the whole picture."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from .hyperprior import REDUCTION, STRIDE, Hyperprior
from .networks import Network

CELLS = 33  # samples a side of the coarser of a network's two grids; the middle one is examined


def halos(model: Network) -> dict[str, int]:
    """The halo of every network of a bundle, as the manifest gives it."""
    m, entropy = model.latent_channels, model.entropy
    found = {"analysis": halo(model.analysis, [(3, STRIDE)])}
    level = model.synthesis_level
    found["synthesis"] = halo(model.synthesis, [(m, 1)] if level is None else [(m, 1), (level.rows.shape[1], 0)])
    if isinstance(entropy, Hyperprior):
        hyper, features = entropy.z_level.rows.shape[1], entropy.mean_level.rows.shape[1]
        found["hyper_analysis"] = halo(entropy.analysis, [(m, REDUCTION)])
        found["mean_first"] = halo(entropy.mean_first, [(hyper, 1), (features, 0)])
        found["mean_second"] = halo(entropy.mean_second, [(features, 1), (m, 1)])
    return found


def halo(network: nn.Module, inputs: list[tuple[int, int]]) -> int:
    """Return how many samples of the coarser grid around its own an output depends on.

    ``inputs``: for every input its channels, and how many values a side it has for one sample of the coarser grid; 0
    for a row of levels, which is the same everywhere. The middle outputs do not depend on an input where their gradient
    is zero. The kernels are random, since trained or fresh ones may be zero.
    """
    network = copy.deepcopy(network).eval()
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.dim() == 4:  # of a convolution
                parameter.normal_(std=0.5 * parameter[0].numel() ** -0.5)  # small: inverse GDN squares what is large
    seen = [torch.randn(1, channels, *(CELLS * fine or 1,) * 2) for channels, fine in inputs]
    for x in seen:
        x.requires_grad_()
    outputs = network(*seen)
    middles = [_middle(out) for out in (outputs if isinstance(outputs, tuple) else (outputs,))]
    gradients = torch.autograd.grad(torch.stack(middles).sum(), seen)
    assert all(torch.isfinite(g).all() for g in gradients)
    return max(_reach(g, fine) for g, (_, fine) in zip(gradients, inputs, strict=True) if fine)


def _middle(out: Tensor) -> Tensor:
    """Return the sum of all outputs over the middle cell."""
    fine = out.shape[2] // CELLS
    start = CELLS // 2 * fine
    return out[:, :, start : start + fine, start : start + fine].sum()


def _reach(gradient: Tensor, fine: int) -> int:
    """Return how many cells from the middle one a gradient of (1, C, CELLS * fine, CELLS * fine) is not zero."""
    used = (gradient != 0).any(1)[0].reshape(CELLS, fine, CELLS, fine).any(3).any(1)
    rows, columns = torch.nonzero(used, as_tuple=True)
    return int(max((rows - CELLS // 2).abs().max(), (columns - CELLS // 2).abs().max()))
