"""A bundle at one quality: levels, tables and lambda, and the networks that take a level."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..container.chunks import QUALITY_UNIT
from ..entropy.coder import Models
from ..errors import BundleError
from ..types import Floats, Symbols
from .scale_map import shifted

if TYPE_CHECKING:
    from .bundle import Arrays, Bundle


RENDER = 4  # samples a side of the renderer's features for one of y
FEATURES = ("x_hat", "body", "render")


@dataclass(frozen=True)
class Point:
    """An operating point. Levels are (1, C, 1, 1), interpolated between two rows."""

    bundle: Bundle
    quality: float  # a multiple of an eighth

    @cached_property
    def models(self) -> Models:
        """Return the entropy coder's tables."""
        return self.bundle.models(self.quality)

    @cached_property
    def gain(self) -> Floats:
        """Return quantisation steps in a unit of y: u = y gain."""
        return self._level(self.bundle.arrays, "gain")

    @cached_property
    def inverse(self) -> Floats:
        """Return the inverse gain: y_hat = u_hat inverse."""
        return self._level(self.bundle.arrays, "inverse")

    @cached_property
    def mean_level(self) -> Floats:
        """Return the bias that the mean network adds to its features."""
        return self._level(self.bundle.arrays, "mean_level")

    @cached_property
    def synthesis_level(self) -> Floats | None:
        """Return the bias that the synthesis adds to its features; None where it takes no level."""
        arrays = self.bundle.arrays
        return self._level(arrays, "synthesis_level") if "synthesis_level" in arrays else None

    @cached_property
    def z_level(self) -> Floats:
        """Return the bias that is added to z before rounding."""
        return self._level(self.bundle.encoder_arrays, "z_level")

    @cached_property
    def lambda_of(self) -> np.float32:
        """Return the bits that a squared error of 1 is worth, as in training.

        The error is that of one of a pixel's three values, in [0, 1].
        """
        if "lambda" not in self.bundle.encoder_arrays:
            raise BundleError(f"the model {self.bundle.name} does not say what a squared error is worth in bits")
        found: np.float32 = self._level(self.bundle.encoder_arrays, "lambda")[0, 0, 0, 0]
        return found

    @cached_property
    def shift(self) -> npt.NDArray[np.int64]:
        """Return the shifts (M,) of the scale index, interpolated in integers: ``floor(((8 - e) a + e b + 4) / 8)``."""
        rows, eighth = self.bundle.rows(self.bundle.arrays["shift"], self.quality)
        low, high = rows.astype(np.int64)
        between = (QUALITY_UNIT - eighth) * low + eighth * high + QUALITY_UNIT // 2
        shift: npt.NDArray[np.int64] = between // QUALITY_UNIT
        return shift

    def scale_index(self, z: Symbols) -> npt.NDArray[np.uint8]:
        """Map z (N, h, w) to the scale index of every latent (M, H, W): the same integers on every machine."""
        (index,) = self.bundle.run("scale_map", z[None].astype(np.float32))
        self.bundle.check_shape("scale_map", index, self._latents(z.shape[1:]))
        return shifted(index[0], self.shift)

    def mean_first(self, z: Symbols) -> tuple[Floats, Floats, Floats]:
        """Map z (N, h, w) to features, means of the first half and steps (1 where the bundle has learned none)."""
        features, mean, *step = self.bundle.run("mean_first", z[None], self.mean_level)
        due = self._latents(z.shape[1:])
        self.bundle.check_shape("mean_first", features, (1, features.shape[1], *due[2:]))
        return features, mean, self._step("mean_first", mean, step, due)

    def mean_second(self, features: Floats, known: Floats) -> tuple[Floats, Floats]:
        """Map features and the first half of y (zero elsewhere) to means of the second half and steps.

        Steps are as those of ``mean_first``.
        """
        mean, *step = self.bundle.run("mean_second", features, known)
        return mean, self._step("mean_second", mean, step, known.shape)

    def synthesis(self, y_hat: Floats) -> Floats:
        """Map y_hat (1, M, H, W) to the faithful picture (1, 3, 16 H, 16 W), about [0, 1], not clipped."""
        (x,) = self.bundle.run("synthesis", y_hat, *self._synthesis_levels, only=("x_hat",))
        self.bundle.check_shape("synthesis", x, (1, 3, *self._pixels(y_hat)))
        return x

    def synthesis_features(self, y_hat: Floats) -> tuple[Floats, Floats, Floats]:
        """Map y_hat to what ``synthesis`` gives and to the features that heads take.

        They are body (1, B, H, W) and render (1, R, 4 H, 4 W). Raises BundleError where the synthesis has none.
        """
        x, body, render = self.bundle.run("synthesis", y_hat, *self._synthesis_levels, only=FEATURES)
        height, width = y_hat.shape[2:]
        for array, due in (
            (x, (1, 3, *self._pixels(y_hat))),
            (body, (1, body.shape[1], height, width)),
            (render, (1, render.shape[1], RENDER * height, RENDER * width)),
        ):
            self.bundle.check_shape("synthesis", array, due)
        return x, body, render

    def detail(self, body: Floats, render: Floats, noise: Floats, realism: float) -> Floats:
        """Map features, noise (1, 4, 4 H, 4 W) and realism, 0..1, to detail (1, 3, 16 H, 16 W), to add to the picture.

        ``realism`` has been multiplied in.
        """
        amount = np.full((1, 1, 1, 1), realism, np.float32)
        (found,) = self.bundle.run("detail", body, render, noise, amount)
        self.bundle.check_shape("detail", found, (1, 3, *self._pixels(body)))
        return found

    def small(self, y_hat: Floats, by: int) -> Floats:
        """Map y_hat (1, M, H, W) to the picture of 1/``by`` of its sides, (1, 3, 16 H / by, 16 W / by), not clipped."""
        (x,) = self.bundle.run(f"small_{by}", y_hat, *self._synthesis_levels)
        self.bundle.check_shape(f"small_{by}", x, (1, 3, *(n // by for n in self._pixels(y_hat))))
        return x

    def double(self, body: Floats, render: Floats, x_hat: Floats) -> Floats:
        """Map features and the faithful picture (1, 3, 16 H, 16 W) to one of twice its sides, not clipped."""
        (x,) = self.bundle.run("double", body, render, x_hat)
        self.bundle.check_shape("double", x, (1, 3, *(2 * n for n in self._pixels(body))))
        return x

    @property
    def _synthesis_levels(self) -> list[Floats]:
        return [] if self.synthesis_level is None else [self.synthesis_level]

    def _pixels(self, latents: Floats) -> tuple[int, int]:
        """Return the height and width in pixels of an array on the grid of y."""
        return self.bundle.stride * latents.shape[2], self.bundle.stride * latents.shape[3]

    def _latents(self, cells: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of the latents under these samples of z."""
        return (1, self.bundle.latents, *(self.bundle.reduction * n for n in cells))

    def _step(self, graph: str, mean: Floats, step: list[Floats], due: tuple[int, ...]) -> Floats:
        for array in (mean, *step):
            self.bundle.check_shape(graph, array, due)
        return step[0] if step else np.ones((), np.float32)

    def _level(self, arrays: Arrays, name: str) -> Floats:
        """Return a row of levels, interpolated between the two rows around the quality."""
        rows, eighth = self.bundle.rows(arrays[name], self.quality)
        part = np.float32(eighth / QUALITY_UNIT)
        row: Floats = rows[0].astype(np.float32) * (1 - part) + rows[1].astype(np.float32) * part
        return row[None, :, None, None]
