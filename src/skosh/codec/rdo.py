"""Rate-distortion optimised quantisation (RDO) at the encoder, and the fit of the Wiener filters.

Every window of the picture is decoded once and compared with the original. That serves two ends:

1. *Symbols.* The difference of the pictures, through the linear synthesis alone (which is cheap), gives the gradient of
the squared error for each symbol. A symbol moves by one where ``entropy.rate`` promises to lower bits and error
together. All moves are made at once. They help on average: a small or very plain picture may lose a little.

2. *Wiener filters* (``wiener_fit``) are fitted to the same difference. Decoding again after the moves would win only
another 0.1 %.

A bundle may allow one of them, both or neither.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..entropy.coder import SYMBOL_MAX
from ..types import Floats, Pixels
from .boxes import Box, each, whole
from .context import means
from .masking import Masking, error_weights
from .planes import to_network
from .quantise import Change, Quantiser
from .synthesis import latents_for, share_inside, shown
from .wiener import Filters, Place, parts_of, with_margin
from .wiener_fit import SMALLEST, Equations, equations, sampled, solve


class Optimised(NamedTuple):
    """Changed symbols and fitted filters of a picture."""

    changes: dict[Box, Change]  # of symbols, by window
    filters: Filters  # of tiles where one is worth its bits


def optimise(quantiser: Quantiser, pixels: Pixels, side: int, change: bool, masking: Masking = None) -> Optimised:
    """Return better symbols and the tiles' filters for the pixels (H, W, 3).

    ``side``: of a tile, in pixels; 0 for one tile. ``change``: whether to change symbols. ``masking``: where
    an error counts for less.
    """
    at, bundle = quantiser.at, quantiser.at.bundle
    change = change and bundle.has_gradients
    fit = bundle.wiener_terms > 0 and bundle.has("wiener_terms") and not 0 < side < SMALLEST
    found = Optimised({}, Filters(side, {}))
    if not (change or fit):
        return found
    parts: dict[Box, list[tuple[Place, Equations]]] = {}

    def work(box: Box) -> None:
        comparison = Comparison(quantiser, pixels, box, masking)
        parts[box] = comparison.equations(side) if fit else []
        if change:
            one = comparison.change()
            if one.places.size:
                found.changes[box] = one

    each(quantiser.windows, work, quantiser.workers, "optimising")
    sums: dict[Place, Equations] = {}
    for box in quantiser.windows:  # in this order, so that sums do not depend on timing
        for place, part in parts.pop(box):
            sums[place] = sums[place].plus(part) if place in sums else part
    values = {place: 3 * tile.height * tile.width for place, tile in parts_of(whole(*pixels.shape[:2]), side)}
    for place, total in sums.items():
        symbols = solve(at, total, values[place])
        if symbols is not None:
            found.filters.found[place] = symbols
    return found


class Comparison:
    """What a window of latents shows, and what it should show."""

    def __init__(self, quantiser: Quantiser, pixels: Pixels, box: Box, masking: Masking = None):
        self.quantiser, self.box, self.masking = quantiser, box, masking
        self.at, self.bundle = at, bundle = quantiser.at, quantiser.at.bundle
        self.picture = whole(*pixels.shape[:2])
        self.core = box.times(bundle.stride).cut_to(self.picture)
        part = pixels[self.core.top : self.core.bottom, self.core.left : self.core.right]
        self.due = to_network(part, self.core.height, self.core.width)
        outer = latents_for(bundle, quantiser.grid, self.core)
        both = outer.joined(box)  # the window may reach beyond the picture
        q, known = quantiser.q, quantiser.means
        found = means(at, quantiser.z, q, both) if known is None else known.inside(both)
        self.means = found.inside(box.inside(both))
        y_hat = found.inside(outer.inside(both)).latent(outer.of(q), at.inverse)
        self.x = shown(at, y_hat, quantiser.grid, self.core)  # with a margin

    def equations(self, side: int) -> list[tuple[Place, Equations]]:
        """Return the equations of the tiles that the window meets."""
        outer = with_margin(self.bundle, self.core)
        found = []
        for place, tile in parts_of(self.core, side):
            part = sampled(tile)
            if part.height > 0 and part.width > 0:
                seen = with_margin(self.bundle, part).inside(outer)
                found.append((place, equations(self.bundle, seen.of(self.x), part.inside(self.core).of(self.due))))
        return found

    def change(self) -> Change:
        """Return the symbols that should be one more or one less."""
        bundle, box, quantiser = self.bundle, self.box, self.quantiser
        index = box.of(quantiser.scale_index).reshape(-1)
        places = np.flatnonzero(index)  # coded elements
        q = box.of(quantiser.q).reshape(-1)[places].astype(np.float32)
        scale = self.at.inverse * self.means.step  # movement of y_hat for one step
        worth = self.at.lambda_of
        weights = error_weights(self.masking, self.original(), bundle.stride)
        slope = worth * weights * self.gradient() * scale
        curvature = worth * weights * bundle.curvature * share_inside(bundle, box, self.picture) * scale * scale
        moves = bundle.rate.moves(q, index[places], slope.reshape(-1)[places], curvature.reshape(-1)[places])
        changed = np.flatnonzero(moves)
        places, q, moves = places[changed], q[changed], moves[changed]
        symbols = np.clip(q + np.sign(moves), -SYMBOL_MAX, SYMBOL_MAX).astype(np.int16)
        mean, step = self.means.at(places)
        return Change(places, symbols, mean + step * (q + moves))

    def original(self) -> Floats:
        """Return the window's pixels, padded where it reaches beyond the picture: (1, 3, 16 H, 16 W)."""
        pixels = self.box.times(self.bundle.stride)
        edges = ((0, 0), (0, 0), (0, pixels.height - self.core.height), (0, pixels.width - self.core.width))
        return np.pad(self.due, edges, "edge")

    def gradient(self) -> Floats:
        """Return the gradient of the squared error for the window's latents, (1, M, H, W), of the linear synthesis.

        Padding does not count.
        """
        pixels = self.box.times(self.bundle.stride)
        x = self.core.inside(with_margin(self.bundle, self.core)).of(self.x)
        difference = np.zeros((1, 3, pixels.height, pixels.width), np.float32)
        self.core.inside(pixels).of(difference)[:] = x - self.due
        (found,) = self.bundle.run("linear_gradient", difference)
        self.bundle.check_shape("linear_gradient", found, self.means.mean.shape)
        return found
