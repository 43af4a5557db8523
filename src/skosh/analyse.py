"""A picture becomes symbols: pixels -> y -> z -> q, window by window. Where they end, the entropy coder begins."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .boxes import Box, each, split, whole
from .bundle import Bundle
from .correct import SMALLEST, Corrections, Equations, Place, equations, parts_of, sampled, solve, with_margin
from .entropy import SYMBOL_MAX, Symbols
from .errors import BundleError
from .latents import WINDOW, decoded, first_half, second_half, shown, windows
from .pixels import Floats, Pixels, padded, to_network
from .tables import HYPER_LIMIT


class Coded(NamedTuple):
    """The symbols of a picture."""

    z: Symbols  # (N, h, w)
    q: npt.NDArray[np.int16] | None  # (M, H, W), with a hyperprior only
    y_hat: Floats | None = None  # (1, M, H, W), what they stand for, where it costs little to remember that


def analyse(bundle: Bundle, pixels: Pixels, workers: int) -> Floats:
    """Pixels (H, W, 3) -> y (M, H/16, W/16) of the padded picture."""
    grid = whole(*(padded(n, bundle.multiple) // bundle.stride for n in pixels.shape[:2]))
    y = np.empty((bundle.latents, grid.height, grid.width), np.float32)

    def work(core: Box) -> None:
        outer = core.grown(bundle.halo["analysis"], grid)
        seen = outer.times(bundle.stride)
        part = pixels[seen.top : seen.bottom, seen.left : seen.right]
        (found,) = bundle.run("analysis", to_network(part, seen.height, seen.width))
        core.of(y)[:] = core.inside(outer).of(found)[0]

    each(windows(bundle, grid), work, workers)
    if not np.isfinite(y).all():
        raise BundleError(f"the model {bundle.name} gave values that are no numbers for this picture")
    return y


def symbols(bundle: Bundle, y: Floats, quality: float, workers: int = 1) -> Coded:
    """y (M, H, W) -> z and q; without a hyperprior the rounded y alone."""
    if not bundle.hyper:
        return Coded(to_hyper_symbols(y), None)
    return residual_symbols(bundle, y, hyper_symbols(bundle, y, quality, workers), quality, workers)


def residual_symbols(bundle: Bundle, y: Floats, z: Symbols, quality: float, workers: int = 1) -> Coded:
    """y (M, H, W) and z (N, h, w) -> those and q (M, H, W), the first half and then the second."""
    boxes = windows(bundle, whole(*y.shape[1:]))
    y_hat = None
    q = np.zeros(y.shape, np.int16)
    gain = bundle.level("gain", quality)

    def quantised(box: Box, mean: Floats, step: Floats) -> Symbols:
        coded = bundle.scale_index(box.over(bundle.reduction).of(z), quality) > 0  # the rest is known to be 0
        values = np.rint((box.of(y) * gain - mean) / step)[0] * coded
        clipped: Symbols = np.clip(values, -SYMBOL_MAX, SYMBOL_MAX).astype(np.int32)
        return clipped

    def first(box: Box) -> None:
        half = first_half(bundle, z, box, quality)
        box.of(q)[:] = quantised(box, half.mean, half.step) * bundle.first_half(box)

    def second(box: Box) -> None:
        nonlocal y_hat
        half = second_half(bundle, z, q, box, quality)
        box.of(q)[:] += (quantised(box, half.mean, half.step) * ~half.first).astype(np.int16)
        if len(boxes) == 1:
            y_hat = half.latent(q, bundle.level("inverse", quality))

    each(boxes, first, workers)
    each(boxes, second, workers)
    return Coded(z, q, y_hat)


def hyper_symbols(bundle: Bundle, y: Floats, quality: float, workers: int) -> Symbols:
    """y (M, H, W) -> z (N, h, w)."""
    grid = whole(*y.shape[1:])
    z = np.empty((bundle.hyper, grid.height // bundle.reduction, grid.width // bundle.reduction), np.int32)
    gain, level = bundle.level("gain", quality), bundle.level("z_level", quality)

    def work(core: Box) -> None:
        cells = core.over(bundle.reduction)
        outer = cells.grown(bundle.halo["hyper_analysis"], whole(*z.shape[1:]))
        (found,) = bundle.run("hyper_analysis", outer.times(bundle.reduction).of(y) * gain)
        cells.of(z)[:] = to_hyper_symbols(cells.inside(outer).of(found + level)[0])

    each(windows(bundle, grid), work, workers)
    return z


def to_hyper_symbols(values: Floats) -> Symbols:
    """Round and clamp to the alphabet of z."""
    rounded: Symbols = np.clip(np.rint(values), -HYPER_LIMIT, HYPER_LIMIT).astype(np.int32)
    return rounded


def corrections(bundle: Bundle, pixels: Pixels, coded: Coded, side: int, quality: float, workers: int) -> Corrections:
    """The corrections of the tiles for which one is worth its bits. ``side``: of a tile, in pixels; 0 where there is only one."""
    chosen = Corrections(side, {})
    if not bundle.corrections or 0 < side < SMALLEST:
        return chosen
    grid = whole(*coded.z.shape[1:]).times(bundle.reduction)
    picture = whole(*pixels.shape[:2])
    cores = split(picture, WINDOW)
    parts: dict[Box, list[tuple[Place, Equations]]] = {}

    def y_hat(box: Box) -> Floats:
        return decoded(bundle, coded.z, coded.q, box, quality) if coded.y_hat is None else box.of(coded.y_hat)

    def work(core: Box) -> None:
        x = shown(bundle, y_hat, grid, core, quality)
        due = to_network(pixels[core.top : core.bottom, core.left : core.right], core.height, core.width)
        outer = with_margin(bundle, core)
        parts[core] = []
        for place, tile in parts_of(core, side):
            part = sampled(tile)
            if part.height > 0 and part.width > 0:
                seen = with_margin(bundle, part).inside(outer)
                parts[core].append((place, equations(bundle, seen.of(x), part.inside(core).of(due))))

    each(cores, work, workers)
    sums: dict[Place, Equations] = {}
    for core in cores:  # in this order, so that the sums do not depend on who was first
        for place, found in parts.pop(core):
            sums[place] = sums[place].plus(found) if place in sums else found
    values = {place: 3 * tile.height * tile.width for place, tile in parts_of(picture, side)}
    for place, total in sums.items():
        symbols = solve(bundle, total, values[place], quality)
        if symbols is not None:
            chosen.found[place] = symbols
    return chosen
