"""Latents are rounded around their means: y and z -> q, window by window. Where this ends, the entropy coder begins."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..bundle.point import Point
from ..types import Floats, Symbols
from .boxes import Box, each, whole
from .context import FirstHalf, Means, first_half, in_first_half, means
from .tiling import latent_windows


class Residual(NamedTuple):
    """The symbols of y, where a hyperprior says what to expect of them."""

    q: npt.NDArray[np.int16]  # (M, H, W)
    scale_index: npt.NDArray[np.uint8]  # (M, H, W)


class Coded(NamedTuple):
    """The symbols of a picture."""

    z: Symbols  # (N, h, w); without a hyperprior the latent itself
    residual: Residual | None

    @property
    def q(self) -> npt.NDArray[np.int16] | None:
        """The symbols of y, if it has some."""
        return self.residual.q if self.residual else None


class Change(NamedTuple):
    """Latents of a window that get other symbols."""

    places: npt.NDArray[np.intp]  # in the window's latents (M, H, W), flat
    symbols: npt.NDArray[np.int16]
    targets: Floats  # where the latents should be, in quantisation steps


class Quantiser:
    """Rounds the latents of a picture around their means at one quality: first one half everywhere, then the other."""

    def __init__(self, at: Point, y: Floats, z: Symbols, workers: int = 1):
        """``y`` (M, H, W) and ``z`` (N, h, w)."""
        self.at, self.z, self.workers = at, z, workers
        self.y: Floats | None = y
        self.second: dict[Box, Floats] = {}  # of the latents, what is left after free_latents
        self.grid = whole(*y.shape[1:])
        self.windows = latent_windows(at.bundle, self.grid)
        self.scale_index = np.empty(y.shape, np.uint8)  # scale indices; where that is 0, the symbol is known to be 0
        self.q = np.zeros(y.shape, np.int16)
        self.half: FirstHalf | None = None  # and the means of all elements: kept where there is one window
        self.means: Means | None = None
        self.changes: dict[Box, Change] = {}
        each(self.windows, self.round_first, workers, "quantisation")
        each(self.windows, self.round_second, workers, "quantisation")

    def residual(self) -> Residual:
        """The symbols."""
        return Residual(self.q, self.scale_index)

    def round_first(self, box: Box) -> None:
        """The first half of a window's symbols."""
        box.of(self.scale_index)[:] = self.at.scale_index(box.over(self.at.bundle.reduction).of(self.z))
        half = first_half(self.at, self.z, box)
        self.round(box, in_first_half(self.at.bundle.latents, box), half.means)
        if len(self.windows) == 1:
            self.half = half

    def round_second(self, box: Box) -> None:
        """The second half, with the first one known everywhere."""
        found = means(self.at, self.z, self.q, box, self.half)
        self.round(box, ~in_first_half(self.at.bundle.latents, box), found)
        if len(self.windows) == 1:
            self.means = found

    def round(self, box: Box, half: npt.NDArray[np.bool_], known: Means) -> None:
        """The symbols of one half of a window, given their means, where they are coded."""
        places = self.coded(box, half)
        self.put(box, places, known.at(places).symbols(self.latents(box, places)))
        if box in self.changes:
            changed = self.changes[box]
            due = half.reshape(-1)[changed.places]
            places = changed.places[due]
            self.put(box, places, known.at(places).symbols(changed.targets[due]))

    def coded(self, box: Box, half: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
        """Flat places in a window of the elements of one half that are coded."""
        return np.flatnonzero(half & (box.of(self.scale_index) > 0))

    def latents(self, box: Box, places: npt.NDArray[np.intp]) -> Floats:
        """Latents of a window by their places, in quantisation steps."""
        if self.y is None:
            return self.second[box]
        u: Floats = (box.of(self.y) * self.at.gain).reshape(-1)[places]
        return u

    def free_latents(self) -> None:
        """Keep no more of the latents than another rounding of the second half takes."""
        for box in self.windows:
            self.second[box] = self.latents(box, self.coded(box, ~in_first_half(self.at.bundle.latents, box)))
        self.y = None

    def put(self, box: Box, places: npt.NDArray[np.intp], symbols: npt.NDArray[np.int16]) -> None:
        """Write symbols of a window, by their flat places in it."""
        part = box.of(self.q)
        flat = part.reshape(-1)  # a copy, where the window is not all of it
        flat[places] = symbols
        part[:] = flat.reshape(part.shape)

    def change(self, changes: dict[Box, Change]) -> None:
        """Give coded latents other symbols. Then round the second half again, since its means follow the first."""
        if not changes:
            return
        self.changes = changes
        for box, change in changes.items():
            self.put(box, change.places, change.symbols)
        each(self.windows, self.round_second, self.workers, "quantisation")
