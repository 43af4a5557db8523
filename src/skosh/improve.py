"""The encoder looks at what the file will show, and improves what it will hold, before anything is written.

Every window of the picture is decoded once and compared with the true one. That serves two ends:

1. *Other symbols.* How the squared error changes with each symbol follows from the difference of the two, through the linear synthesis alone, which costs little. Where one up
   or down promises fewer bits and less error together, it is taken, all at once.
2. *Corrections* (correct.py) are fitted to what is left over. That some symbols change afterwards is not seen: it would take another decoding.

Needs a bundle that was trained for the squared error alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .analyse import Change, Residual
from .boxes import Box, each, whole
from .bundle import Bundle
from .correct import SMALLEST, Corrections, Equations, Place, equations, parts_of, sampled, solve, with_margin
from .entropy import SYMBOL_MAX, Symbols
from .latents import Means, means, shown, windows
from .manifest import LINEAR_GRADIENT
from .pixels import Floats, Pixels, to_network


class Improvements(NamedTuple):
    """What one look has found."""

    changes: dict[Box, Change]  # of symbols, by window
    corrections: Corrections  # of tiles for which one is worth its bits


def look(
    bundle: Bundle,
    pixels: Pixels,
    z: Symbols,
    residual: Residual,
    side: int,
    quality: float,
    workers: int,
    change: bool,
) -> Improvements:
    """Improvements for the pixels (H, W, 3) and their symbols. ``side``: of a tile, in pixels; 0 where there is only one. ``change``: whether to look for other symbols."""
    change = change and can_change(bundle)
    correct = bundle.corrections > 0 and not 0 < side < SMALLEST
    found = Improvements({}, Corrections(side, {}))
    if not (change or correct):
        return found
    picture = whole(*pixels.shape[:2])
    parts: dict[Box, list[tuple[Place, Equations]]] = {}

    def work(box: Box) -> None:
        window = Window(bundle, pixels, z, residual, box, quality)
        parts[box] = window.equations(side) if correct else []
        if change:
            found.changes[box] = window.change()

    boxes = windows(bundle, whole(*residual.q.shape[1:]))
    each(boxes, work, workers)
    sums: dict[Place, Equations] = {}
    for box in boxes:  # in this order, so that the sums do not depend on who was first
        for place, part in parts.pop(box):
            sums[place] = sums[place].plus(part) if place in sums else part
    values = {place: 3 * tile.height * tile.width for place, tile in parts_of(picture, side)}
    for place, total in sums.items():
        symbols = solve(bundle, total, values[place], quality)
        if symbols is not None:
            found.corrections.found[place] = symbols
    return found


def can_change(bundle: Bundle) -> bool:
    """Whether the bundle has what a look for other symbols needs."""
    return "curvature" in bundle.arrays


class Window:
    """A box of latents, what it will show, and what that should have been."""

    def __init__(self, bundle: Bundle, pixels: Pixels, z: Symbols, residual: Residual, box: Box, quality: float):
        self.bundle, self.z, self.residual, self.box, self.quality = bundle, z, residual, box, quality
        self.inverse = bundle.level("inverse", quality)
        self.core = box.times(bundle.stride).cut_to(whole(*pixels.shape[:2]))
        part = pixels[self.core.top : self.core.bottom, self.core.left : self.core.right]
        self.due = to_network(part, self.core.height, self.core.width)
        grid = whole(*residual.q.shape[1:])
        self.x = shown(bundle, self.y_hat, grid, self.core, quality)  # with a margin

    def y_hat(self, outer: Box) -> Floats:
        """The latents in a box of which these are the core, as the decoder will have them. What is known of those of the window is kept."""
        q, _, known = self.residual
        seen = outer.joined(self.box)  # beyond the picture, the window may reach further
        found = means(self.bundle, self.z, q, seen, self.quality) if known is None else known.inside(seen)
        self.means: Means = found.inside(self.box.inside(seen))
        return found.inside(outer.inside(seen)).latent(outer.of(q), self.inverse)

    def equations(self, side: int) -> list[tuple[Place, Equations]]:
        """What the pixels say of the corrections of the tiles that they are in."""
        outer = with_margin(self.bundle, self.core)
        found = []
        for place, tile in parts_of(self.core, side):
            part = sampled(tile)
            if part.height > 0 and part.width > 0:
                seen = with_margin(self.bundle, part).inside(outer)
                found.append((place, equations(self.bundle, seen.of(self.x), part.inside(self.core).of(self.due))))
        return found

    def change(self) -> Change:
        """Symbols that would better be one more or one less."""
        bundle, box = self.bundle, self.box
        index = box.of(self.residual.scale_index).reshape(-1)
        places = np.flatnonzero(index)  # of what is coded at all
        q = box.of(self.residual.q).reshape(-1)[places].astype(np.float32)
        mean = self.means.mean.reshape(-1)[places]
        step = self.means.step.reshape(-1)[places] if self.means.step.ndim else self.means.step
        channel = places // (box.height * box.width)
        scale = self.inverse.reshape(-1)[channel] * step  # how far y_hat moves for one step
        worth = bundle.level("distortion", self.quality).reshape(())  # bits for a squared error of 1
        slope = worth * self.gradient().reshape(-1)[places] * scale
        curvature = worth * bundle.arrays["curvature"][channel] * scale * scale
        moves = bundle.models(self.quality).costs.moves(q, index[places], slope, curvature)
        symbols = np.clip(q + np.sign(moves), -SYMBOL_MAX, SYMBOL_MAX).astype(np.int16)
        changed = moves != 0.0
        return Change(places[changed], symbols[changed], (mean + step * (q + moves))[changed])

    def gradient(self) -> Floats:
        """Of the squared error with respect to the latents of the box, through the linear synthesis alone, (1, M, H, W). Beyond the picture nothing counts."""
        stride = self.bundle.stride
        inner = self.core.inside(self.box.times(stride))
        shown = self.core.inside(with_margin(self.bundle, self.core)).of(self.x)
        difference = np.zeros((1, 3, self.box.height * stride, self.box.width * stride), np.float32)
        inner.of(difference)[:] = shown - self.due
        (found,) = self.bundle.run(LINEAR_GRADIENT, difference)
        return found
