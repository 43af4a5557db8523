"""Before anything is written, the encoder looks at what the file would show, and improves what it will hold.

Every window of the picture is decoded once and compared with the true one. That serves two ends:

1. *Other symbols.* How the squared error changes with each symbol follows from the difference of the two pictures, through the linear synthesis alone, which costs little. Where one up
   or down promises less of bits and error together (costs.py), it is taken, all at once. That is a guess, right on average: a small or very plain picture may lose a little by it.
2. *Corrections* (correct.py) are fitted to that difference, too. The picture that the changed symbols will show is not looked at: it would take another decoding, for another 0.1 %.

A bundle may allow one of them, both or neither.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..bundle.manifest import LINEAR_GRADIENT
from ..entropy.coder import SYMBOL_MAX
from ..errors import BundleError
from ..types import Floats, Pixels
from .boxes import Box, each, whole
from .context import means
from .planes import to_network
from .quantise import Change, Quantiser
from .synthesis import latents_for, share_inside, shown
from .wiener import Corrections, Place, parts_of, with_margin
from .wiener_fit import SMALLEST, Equations, equations, sampled, solve


class Improvements(NamedTuple):
    """What a comparison has found."""

    changes: dict[Box, Change]  # of symbols, by window
    corrections: Corrections  # of tiles for which one is worth its bits


def compare(quantiser: Quantiser, pixels: Pixels, side: int, change: bool) -> Improvements:
    """Improvements for the symbols of the pixels (H, W, 3). ``side``: of a tile, in pixels; 0 where there is only one. ``change``: whether to look for other symbols."""
    bundle, quality = quantiser.bundle, quantiser.quality
    change = change and bundle.has_gradients
    correct = bundle.corrections > 0 and not 0 < side < SMALLEST
    found = Improvements({}, Corrections(side, {}))
    if not (change or correct):
        return found
    parts: dict[Box, list[tuple[Place, Equations]]] = {}

    def work(box: Box) -> None:
        comparison = Comparison(quantiser, pixels, box)
        parts[box] = comparison.equations(side) if correct else []
        if change:
            one = comparison.change()
            if one.places.size:
                found.changes[box] = one

    each(quantiser.windows, work, quantiser.workers, "optimising")
    sums: dict[Place, Equations] = {}
    for box in quantiser.windows:  # in this order, so that the sums do not depend on who was first
        for place, part in parts.pop(box):
            sums[place] = sums[place].plus(part) if place in sums else part
    values = {place: 3 * tile.height * tile.width for place, tile in parts_of(whole(*pixels.shape[:2]), side)}
    for place, total in sums.items():
        symbols = solve(bundle, total, values[place], quality)
        if symbols is not None:
            found.corrections.found[place] = symbols
    return found


class Comparison:
    """What a window of latents shows, and what it should have shown."""

    def __init__(self, quantiser: Quantiser, pixels: Pixels, box: Box):
        self.quantiser, self.box = quantiser, box
        self.bundle, self.quality = bundle, quality = quantiser.bundle, quantiser.quality
        self.picture = whole(*pixels.shape[:2])
        self.core = box.times(bundle.stride).cut_to(self.picture)
        part = pixels[self.core.top : self.core.bottom, self.core.left : self.core.right]
        self.due = to_network(part, self.core.height, self.core.width)
        outer = latents_for(bundle, quantiser.grid, self.core)
        both = outer.joined(box)  # beyond the picture, the window may reach further
        q, known = quantiser.q, quantiser.means
        found = means(bundle, quantiser.z, q, both, quality) if known is None else known.inside(both)
        self.means = found.inside(box.inside(both))
        self.inverse = bundle.level("inverse", quality)
        y_hat = found.inside(outer.inside(both)).latent(outer.of(q), self.inverse)
        self.x = shown(bundle, y_hat, quantiser.grid, self.core, quality)  # with a margin

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
        bundle, box, quantiser = self.bundle, self.box, self.quantiser
        index = box.of(quantiser.scale_index).reshape(-1)
        places = np.flatnonzero(index)  # of what is coded at all
        q = box.of(quantiser.q).reshape(-1)[places].astype(np.float32)
        scale = self.inverse * self.means.step  # how far y_hat moves for one step
        worth = bundle.worth(self.quality)
        slope = worth * self.gradient() * scale
        curvature = worth * bundle.curvature * share_inside(bundle, box, self.picture) * scale * scale
        moves = bundle.costs.moves(q, index[places], slope.reshape(-1)[places], curvature.reshape(-1)[places])
        changed = np.flatnonzero(moves)
        places, q, moves = places[changed], q[changed], moves[changed]
        symbols = np.clip(q + np.sign(moves), -SYMBOL_MAX, SYMBOL_MAX).astype(np.int16)
        mean, step = self.means.at(places)
        return Change(places, symbols, mean + step * (q + moves))

    def gradient(self) -> Floats:
        """Of the squared error with respect to the latents of the window, through the linear synthesis alone, (1, M, H, W). Beyond the picture nothing counts."""
        pixels = self.box.times(self.bundle.stride)
        x = self.core.inside(with_margin(self.bundle, self.core)).of(self.x)
        difference = np.zeros((1, 3, pixels.height, pixels.width), np.float32)
        self.core.inside(pixels).of(difference)[:] = x - self.due
        (found,) = self.bundle.run(LINEAR_GRADIENT, difference)
        if found.shape != self.means.mean.shape:
            raise BundleError(
                f"{LINEAR_GRADIENT}.onnx of the bundle {self.bundle.folder} gives {found.shape}, not {self.means.mean.shape}"
            )
        return found
