"""Learn the terms of a bundle's Wiener filters (``codec.wiener``) from a trained network's errors in many pictures.

A full filter is two filters over three colours and 5x5 pixels, each with an offset for each colour: one for all pixels,
and one that grows with the activity around a pixel; 456 numbers together. The terms are a basis of few such filters:
the one in which the best filters of many pictures, each fitted by least squares, save most. Learning starts from the
principal components of those filters and follows the gradient of the mean logarithm of the error that they leave.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..codec.wiener_fit import SAMPLED, SPREAD
from ..entropy.tables import HYPER_LIMIT, HYPER_SYMBOLS, IntTable, integer_table
from ..progress import steps
from ..types import Pixels
from .calibrate import batches_of
from .data import Crops, to_network
from .networks import Network, use_integer_scale

TERMS = 24
REACH = 2  # pixels around the middle
SIDE = 2 * REACH + 1
TAPS = 2 * (3 * SIDE**2 + 1)  # for each colour, plain and busy: all colours of 5x5 pixels, and the offset
BUSY = (3.0 / 255.0) ** 2  # variance around a pixel at which it is half busy
NOISE = 1e-6  # variance of a pixel, and of an error, that counts as zero
SHRINK = 1e-3  # ridge of a single picture's filter, before the principal components
ROUNDS, RATE = 300, 3e-3  # of gradient descent
FEWEST_ROUNDS = 30
PRIOR_SYMBOLS = 500.0  # weight of Laplace's distribution in the table, in symbols
CROP, BATCH, BATCHES = 512, 4, 97
FEWEST = 8  # batches: there must be more crops than terms
EXACT = 1 << 15  # pixels whose products are summed in float32


@dataclass(frozen=True)
class WienerTerms:
    """Terms and tables of a bundle's Wiener filters."""

    kernels: Tensor  # (K, 6, 3, SIDE, SIDE), over x - 0.5, for integer coefficients; plain for each colour, then busy
    offsets: Tensor  # (K, 6)
    tables: list[IntTable]  # K, of HYPER_SYMBOLS each


class WienerGraph(nn.Module):
    """Map x (1, 3, H + 4, W + 4) and coefficients (1, K, 1, 1) to the filtered picture (1, 3, H, W)."""

    def __init__(self, found: WienerTerms):
        super().__init__()
        self.kernels = nn.Parameter(found.kernels, requires_grad=False)
        self.offsets = nn.Parameter(found.offsets, requires_grad=False)
        same = torch.zeros(6, 3, SIDE, SIDE)  # the identity, as a plain filter
        same[range(3), range(3), REACH, REACH] = 1.0
        self.same = nn.Parameter(same, requires_grad=False)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        row = c.reshape(1, -1)
        kernel = (row @ self.kernels.flatten(1)).reshape(6, 3, SIDE, SIDE)
        offset = (row @ self.offsets).reshape(6) - 0.5 * kernel.sum((1, 2, 3))  # kernels apply to x - 0.5
        both = F.conv2d(x, self.same + kernel, offset)
        return both[:, :3] + busyness(x) * both[:, 3:]


class TermsGraph(nn.Module):
    """Map x (1, 3, H + 4, W + 4) to what each term would add at every fifth pixel.

    The output is (1, 3 K, H/5, W/5), rounded up, with the three colours of a term together.
    """

    def __init__(self, found: WienerTerms):
        super().__init__()
        self.kernels = nn.Parameter(found.kernels.flatten(0, 1), requires_grad=False)
        self.offsets = nn.Parameter(found.offsets.flatten(), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        both = F.conv2d(x - 0.5, self.kernels, self.offsets, stride=SAMPLED)  # (1, 6 K, ...)
        both = both.reshape(-1, 2, 3, *both.shape[2:])
        out = both[:, 0] + busyness(x, SAMPLED) * both[:, 1]  # (K, 3, ...)
        return out.flatten(0, 1)[None]


def busyness(x: Tensor, stride: int = 1) -> Tensor:
    """Map (b, 3, H + 4, W + 4) to (b, 1, H, W): 0 where the mean of the colours is flat, towards 1 where it varies."""
    grey = x.mean(1, keepdim=True) - 0.5
    mean = F.avg_pool2d(grey, SIDE, stride)
    variance = (F.avg_pool2d(grey * grey, SIDE, stride) - mean * mean).clamp(min=0.0)
    return variance / (variance + BUSY)


@dataclass(frozen=True)
class Moments:
    """Moments of many crops, each divided by its squared error, so that easy and hard ones count alike."""

    products: Tensor  # (n, TAPS, TAPS), of the neighbouring pixels
    towards: Tensor  # (n, TAPS, 3), of these with the network's error


def learn_wiener_terms(model: Network, pictures: list[Pixels]) -> WienerTerms:
    """Learn the terms from a network's pictures at random levels.

    Scales and tables follow the coefficients that the same pictures would get.
    """
    moments = collect(model, pictures)
    basis = learn_basis(moments, TERMS)
    coefficients = fitted(basis, moments)[1]  # (n, K)
    scale = coefficients.square().mean(0).sqrt() / SPREAD
    symbols = torch.round(coefficients / scale).clamp(-HYPER_LIMIT, HYPER_LIMIT).long() + HYPER_LIMIT
    both = (
        (basis * scale).permute(2, 1, 0).reshape(-1, 3, 2, TAPS // 2).transpose(1, 2).flatten(1, 2)
    )  # (K, 6, TAPS / 2)
    kernels, offsets = both[:, :, :-1].reshape(-1, 6, 3, SIDE, SIDE), both[:, :, -1]
    tables = [table_of(torch.bincount(column, minlength=HYPER_SYMBOLS).numpy()) for column in symbols.T]
    return WienerTerms(kernels.half().float(), offsets.half().float(), tables)


def table_of(counts: npt.NDArray[np.int64]) -> IntTable:
    """Return the table of a coefficient from its symbol counts; both signs count alike."""
    magnitude = np.abs(np.arange(HYPER_SYMBOLS) - HYPER_LIMIT)
    laplace = np.exp(-math.sqrt(2.0) * magnitude / SPREAD)
    return integer_table(0.5 * (counts + counts[::-1]) + PRIOR_SYMBOLS * laplace / laplace.sum())


@torch.no_grad()
def collect(model: Network, pictures: list[Pixels]) -> Moments:
    """Return the moments of crops at random places and levels, with rounded symbols."""
    model.eval()
    use_integer_scale(model, True)
    side = min(CROP, *(min(picture.shape[:2]) // 64 * 64 for picture in pictures))
    crops = Crops(pictures, side, BATCH, seed=0)
    products, towards = [], []
    batches = batches_of(pictures, BATCH * side**2, FEWEST, BATCHES)
    for step in steps(range(batches), "looking at what is left over", batches):
        pixels, levels = crops.draw(step)
        x = to_network(pixels)
        shown = model(x, levels)[0].clamp(0.0, 1.0)
        for rows, left in zip(*observed(shown, x - shown), strict=True):
            error = left.double().square().sum().clamp(min=NOISE * left.numel())
            parts = list(zip(rows.split(EXACT, 1), left.split(EXACT, 1), strict=True))
            noise = NOISE * rows.shape[1] * torch.eye(TAPS, dtype=torch.float64)
            products.append((sum((a @ a.T).double() for a, _ in parts) + noise) / error)
            towards.append(sum((a @ b.T).double() for a, b in parts) / error)
    return Moments(torch.stack(products), torch.stack(towards))


def observed(shown: Tensor, left: Tensor) -> tuple[Tensor, Tensor]:
    """Map the networks' pictures and errors, (b, 3, H, W), to regressors (b, TAPS, H W) and targets (b, 3, H W)."""
    around = F.pad(shown, (REACH,) * 4, mode="replicate")
    taps = F.unfold(around - 0.5, SIDE)
    taps = torch.cat([taps, torch.ones_like(taps[:, :1])], 1)
    return torch.cat([taps, busyness(around).flatten(2) * taps], 1), left.flatten(2)


def learn_basis(moments: Moments, terms: int) -> Tensor:
    """Return terms (TAPS, 3, K) that are orthonormal in the mean of the products."""
    mean = moments.products.mean(0)
    root = torch.linalg.cholesky(mean)

    def colours(white: Tensor) -> Tensor:
        """Map orthonormal rows (K, 3 TAPS) to the basis."""
        rows = white.reshape(-1, TAPS, 3).permute(1, 2, 0)
        out: Tensor = torch.linalg.solve_triangular(root.T, rows.flatten(1), upper=True)
        return out.reshape(rows.shape)

    best = torch.cholesky_solve(moments.towards, torch.linalg.cholesky(moments.products + SHRINK * mean))
    filters = torch.einsum("ij,nio->njo", root, best).flatten(1)
    white = torch.linalg.svd(filters, full_matrices=False)[2][:terms].clone().requires_grad_(True)
    optimiser = torch.optim.Adam([white], RATE)
    share = len(moments.products) / (BATCH * BATCHES)  # fewer crops say less
    rounds = min(ROUNDS, max(FEWEST_ROUNDS, round(ROUNDS * share)))
    for _ in steps(range(rounds), "learning Wiener filters", rounds):
        optimiser.zero_grad()
        left = fitted(colours(orthonormal(white)), moments)[0]
        torch.log(left).mean().backward()
        optimiser.step()
    return colours(orthonormal(white)).detach()


def orthonormal(rows: Tensor) -> Tensor:
    """Return orthonormal rows that span the same space."""
    q: Tensor = torch.linalg.qr(rows.T)[0]
    return q.T


def fitted(basis: Tensor, moments: Moments) -> tuple[Tensor, Tensor]:
    """Return, for each crop, the share of its error that the best coefficients leave, (n,), and those, (n, K)."""
    h = torch.einsum("iok,nij,jol->nkl", basis, moments.products, basis)
    b = torch.einsum("iok,nio->nk", basis, moments.towards)
    c = torch.cholesky_solve(b[:, :, None], torch.linalg.cholesky(h))[:, :, 0]
    return 1.0 - (b * c).sum(1), c
