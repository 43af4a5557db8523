"""Pixels -> latent y -> hyper symbols z, window by window."""

from __future__ import annotations

import numpy as np

from ..bundle.bundle import Bundle
from ..bundle.point import Point
from ..entropy.tables import HYPER_LIMIT
from ..errors import BundleError
from ..types import Floats, Pixels, Symbols
from .boxes import Box, each, whole
from .planes import padded, to_network
from .tiling import latent_windows


def analyse(bundle: Bundle, pixels: Pixels, workers: int, graph: str = "analysis") -> Floats:
    """Pixels (H, W, 3) -> y (M, H/16, W/16) of the padded picture, by one of the analysis networks."""
    grid = whole(*(padded(n, bundle.multiple) // bundle.stride for n in pixels.shape[:2]))
    y = np.empty((bundle.latents, grid.height, grid.width), np.float32)

    def work(core: Box) -> None:
        outer = core.grown(bundle.halo[graph], grid)
        seen = outer.times(bundle.stride)
        part = pixels[seen.top : seen.bottom, seen.left : seen.right]
        (found,) = bundle.run(graph, to_network(part, seen.height, seen.width))
        bundle.check_shape(graph, found, (1, bundle.latents, outer.height, outer.width))
        core.of(y)[:] = core.inside(outer).of(found)[0]

    each(latent_windows(bundle, grid), work, workers, "analysis")
    if not np.isfinite(y).all():
        raise BundleError(f"the model {bundle.name} gave values that are no numbers for this picture")
    return y


def hyper_symbols(at: Point, y: Floats, workers: int) -> Symbols:
    """y (M, H, W) -> z (N, h, w)."""
    bundle, grid = at.bundle, whole(*y.shape[1:])
    z = np.empty((bundle.hyper, grid.height // bundle.reduction, grid.width // bundle.reduction), np.int32)

    def work(core: Box) -> None:
        cells = core.over(bundle.reduction)
        outer = cells.grown(bundle.halo["hyper_analysis"], whole(*z.shape[1:]))
        (found,) = bundle.run("hyper_analysis", outer.times(bundle.reduction).of(y) * at.gain)
        bundle.check_shape("hyper_analysis", found, (1, bundle.hyper, outer.height, outer.width))
        cells.of(z)[:] = to_hyper_symbols(cells.inside(outer).of(found + at.z_level)[0])

    each(latent_windows(bundle, grid), work, workers, "hyper analysis")
    return z


def to_hyper_symbols(values: Floats) -> Symbols:
    """Round and clamp to the alphabet of z."""
    rounded: Symbols = np.clip(np.rint(values), -HYPER_LIMIT, HYPER_LIMIT).astype(np.int32)
    return rounded
