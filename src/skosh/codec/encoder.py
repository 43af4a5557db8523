"""A picture becomes a file: analysis, hyper analysis, scale index, means, symbols, bytes."""

from __future__ import annotations

import contextlib
import math
import os
import warnings
from collections.abc import Collection
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..bundle.bundle import Bundle
from ..bundle.loading import for_size
from ..bundle.point import Point
from ..container import alpha
from ..container.chunks import ALPHA, QUALITY_UNIT, TILE_MIN, Header, write
from ..container.extras import pack
from ..entropy.coder import Writer
from ..errors import BundleError
from ..files import Source
from ..limits import MAX_PIXELS, check_justified, memory_for
from ..picture.metadata import Metadata
from ..picture.picture import Picture, from_image, luma
from ..picture.sources import image_of, open_source
from ..progress import stage
from ..types import Floats, Symbols
from .analysis import analyse, hyper_symbols, to_hyper_symbols
from .boxes import Box, each, split, whole
from .defaults import DEFAULT_QUALITY, DEFAULT_TILE
from .purpose import DENOISE, PLAIN, PSNR, Purpose, purpose_of
from .quantise import Coded, Quantiser
from .rdo import optimise
from .refine import EFFORTS, refine
from .synthesis import Faithful, synthesise
from .target import file_of_psnr, file_of_size
from .tiling import is_large
from .wiener import Filters, place_of


def encode(
    image: Image.Image | npt.NDArray[np.uint8] | Source,
    quality: float = DEFAULT_QUALITY,
    model: str | os.PathLike[str] | Bundle | None = None,
    threads: int = 0,
    *,
    target_bytes: float | None = None,
    target_psnr: float | None = None,
    effort: int = 0,
    tune: str | None = None,
    denoise: bool = False,
    realism: float | None = None,
    tile: int = DEFAULT_TILE,
    strip: bool | Collection[str] = False,
    metadata: Metadata | None = None,
    max_pixels: int = MAX_PIXELS,
) -> bytes:
    """Encode a picture as the bytes of a ``.skosh`` file. Losses besides precision come as warnings.

    ``image``: a Pillow picture; an array of uint8, (H, W) or (H, W, 1) grey, (H, W, 2) grey with transparency,
    (H, W, 3) RGB, (H, W, 4) RGB with transparency; or a picture's file, as path, bytes or an open binary file (one over
    Pillow's own limit of pixels has to be opened first).
    ``quality``: 0 (smallest) to 100 (best), in eighths.
    ``model``: an installed bundle's name, a bundle's folder or a loaded bundle (``skosh.bundle.load``).
    ``threads``: 0 for one a core.
    ``target_bytes``: instead of ``quality``, take the best one whose file is not larger.
    ``target_psnr``: instead of ``quality``, make the smallest file that reaches this PSNR in dB (at a realism of 0).
    ``effort``: 0 to 3, how long to search for symbols of less rate and squared error, for every quality that a target
    tries. Above 0 it takes a model trained for squared error alone. Decoding does not change.
    ``tune``: "psnr" takes the model's encoder for PSNR alone, instead of the one for looks.
    ``denoise``: take the model's encoder for noisy pictures, whose files show them without the noise. It goes without
    ``tune``, ``effort`` and ``target_psnr``, which look at the noisy pixels.
    ``realism``: 0 to 1, the detail that readers shall draw if they are not told (``decode``), to the nearest 255th.
    ``tile``: side in pixels of what can be decoded by itself: 64 times a power of two, or 0 for the whole picture.
    ``strip``: True, or kinds of metadata to drop ("exif", "icc", "xmp"); without its profile a picture becomes sRGB.
    ``metadata``: a ``skosh.Metadata`` instead of the picture's own.

    Raises TypeError for another kind of image or metadata, ValueError for an argument out of range, arguments that
    exclude each other or an array of another shape, OSError for an unreadable file, ImageError for damaged data,
    LimitError for too large a picture or a target out of reach, and BundleError, also where the model lacks the encoder
    for a purpose.
    """
    if isinstance(quality, bool) or not isinstance(quality, (int, float, np.integer, np.floating)):
        raise TypeError(f"quality is a number from 0 to 100, not {quality!r}")
    if not 0 <= quality <= 100:
        raise ValueError(f"quality is 0 to 100, not {quality}")
    if target_bytes is not None and target_psnr is not None:
        raise ValueError("target_bytes and target_psnr exclude each other")
    for name, target in (("target_bytes", target_bytes), ("target_psnr", target_psnr)):
        if target is not None and not 0 <= target < math.inf:
            raise ValueError(f"{name} is a number from 0 on, not {target}")
    if denoise and target_psnr is not None:
        raise ValueError("denoise and target_psnr exclude each other: PSNR would be that of the noisy picture")
    purpose = purpose_of(tune, denoise, realism)
    picture = take_apart(image, max_pixels, strip, metadata)
    for note in picture.notes:
        warnings.warn(note, stacklevel=2)
    one_file = target_bytes is None and target_psnr is None
    encoder = Encoder(picture, model, threads, tile, effort, one_file, purpose)
    if target_bytes is not None:
        return file_of_size(encoder, target_bytes)
    if target_psnr is not None:
        return file_of_psnr(encoder, target_psnr)
    return encoder.file(quality)


def take_apart(
    image: Image.Image | npt.NDArray[np.uint8] | Source,
    max_pixels: int = MAX_PIXELS,
    strip: bool | Collection[str] = False,
    metadata: Metadata | None = None,
) -> Picture:
    """Take apart a Pillow picture, an array or a file.

    Raises ValueError for an array of another shape or type, TypeError for another kind of image.
    """
    if metadata is not None and not isinstance(metadata, Metadata):
        raise TypeError(f"metadata are a skosh.Metadata, not {type(metadata).__name__}")
    if isinstance(image, np.ndarray):
        image = image_of(image)
    with stage("reading the picture"):
        if isinstance(image, Image.Image):
            return from_image(image, max_pixels, strip, metadata)
        with contextlib.closing(open_source(image)) as opened:
            return from_image(opened, max_pixels, strip, metadata)


def check_tile(tile: int) -> None:
    """ValueError unless this is a side that a file's tiles may have."""
    if tile and (tile < TILE_MIN or tile > TILE_MIN << 14 or tile & (tile - 1)):
        raise ValueError(f"a tile's side is 0 or a power of two from {TILE_MIN} on, not {tile}")


class Parts(NamedTuple):
    """What a file holds."""

    coded: Coded
    filters: Filters


class Encoder:
    """A picture behind the analysis network, which is all that files of different qualities share.

    Raises ValueError for a tile or an effort out of range, BundleError and LimitError as ``encode`` does.
    """

    def __init__(
        self,
        picture: Picture,
        model: str | os.PathLike[str] | Bundle | None = None,
        threads: int = 0,
        tile: int = DEFAULT_TILE,
        effort: int = 0,
        one_file: bool = False,
        purpose: Purpose = PLAIN,
    ):
        """``one_file``: no second one will be asked for, so that the latents of a large picture are freed early."""
        check_tile(tile)
        height, width = picture.pixels.shape[:2]
        self.bundle, self.workers = for_size(model, threads, is_large(height, width))
        if not self.bundle.has("analysis"):
            raise BundleError(
                f"the model {self.bundle.name} only decodes: it has no encoder/, name another to encode with"
            )
        purpose.check(self.bundle, effort)
        self.analysis = purpose.analysis
        self.height, self.width = height, width
        self.picture = picture
        side = tile if tile < max(height, width) else 0
        mode = "L" if picture.grey else "RGB"
        self.header = Header(width, height, 0.0, self.bundle.model_id, mode, side)
        self.extras = purpose.chunks() | pack(picture.metadata)
        self.effort = EFFORTS[effort]
        self.masking = None if self.analysis == PSNR or not self.bundle.hyper else self.bundle.masking
        with memory_for(width, height):
            if picture.alpha is not None:
                self.extras = {ALPHA: alpha.pack(picture.alpha)} | self.extras
            self.y: Floats | None = analyse(self.bundle, picture.pixels, self.workers, self.analysis)
        self.one_file = one_file and is_large(height, width)
        self.last: tuple[float, Parts] | None = None  # the quality that was asked for last, and what its file holds

    def file(self, quality: float) -> bytes:
        """The file of this quality."""
        header = replace(self.header, quality=self.bundle.quality(quality))
        with memory_for(self.width, self.height):
            data = write(header, self.extras, self.streams(header.quality))
        check_justified(self.width, self.height, len(data))  # as the decoder does
        return data

    def last_step(self) -> int:
        """The best quality in eighths: 0 for a bundle of one rate."""
        return round(self.bundle.quality(100) * QUALITY_UNIT)

    def psnr(self, quality: float) -> float:
        """PSNR (dB; RGB, or the luma of a grey picture) of what the decoder will show at a realism of 0."""
        box = whole(self.height, self.width)
        with memory_for(self.width, self.height):
            coded, found = self.parts(quality)
            faithful = Faithful(self.bundle.at(quality))
            shown = synthesise(faithful, coded.z, coded.q, box, self.workers, found)
            due = self.picture.pixels
            if self.picture.grey:
                shown, due = luma(shown), due[..., 0]
        errors = [  # row by row, so that no large array of floats is made
            np.sum((row.astype(np.float32) - meant) ** 2, dtype=np.float64)
            for row, meant in zip(shown, due, strict=True)
        ]
        return 10.0 * math.log10(255.0**2 / max(float(np.sum(errors)) / shown.size, 1e-10))

    def parts(self, quality: float) -> Parts:
        """What the file of this quality holds."""
        if self.last is None or self.last[0] != quality:
            self.last = None  # two at once would take twice the memory
            self.last = quality, self.optimised(quality)
        return self.last[1]

    def optimised(self, quality: float) -> Parts:
        """Symbols, chosen by rate and distortion where the bundle allows it, and the tiles' Wiener filters."""
        at, pixels, workers = self.bundle.at(quality), self.picture.pixels, self.workers
        y = analyse(self.bundle, pixels, workers, self.analysis) if self.y is None else self.y
        if self.one_file:
            self.y = None
        side = self.header.tile
        if not self.bundle.hyper:
            return Parts(Coded(to_hyper_symbols(y), None), Filters(side, {}))
        z = hyper_symbols(at, y, workers)
        refined = any(self.effort)
        if refined:
            y = refine(at, pixels, y, z, self.effort, workers, self.masking)
        quantiser = Quantiser(at, y, z, workers)
        del y
        if self.analysis == DENOISE:  # what follows would bring the noise back
            return Parts(Coded(z, quantiser.residual()), Filters(side, {}))
        if self.one_file:
            quantiser.free_latents()
        changes, found = optimise(quantiser, pixels, side, not refined, self.masking)
        quantiser.change(changes)
        return Parts(Coded(z, quantiser.residual()), found)

    def streams(self, quality: float) -> list[bytes]:
        """The entropy-coded stream of every tile."""
        coded, filters = self.parts(quality)
        side = self.header.tile // self.bundle.multiple  # in samples of z
        tiles, at = split(whole(*coded.z.shape[1:]), side), self.bundle.at(quality)
        found: dict[Box, bytes] = {}

        def code(box: Box) -> None:
            symbols = filters.found.get(place_of(box, side))
            found[box] = tile_stream(at, coded, box, symbols)

        each(tiles, code, self.workers, "entropy coding")
        return [found[box] for box in tiles]


def tile_stream(at: Point, coded: Coded, box: Box, coefficients: Symbols | None = None) -> bytes:
    """The stream of one tile, a box on the grid of z. Without a hyperprior there is no q, and z is the latent."""
    writer = Writer(at.models)
    writer.put_z(np.ascontiguousarray(box.of(coded.z)))
    if coded.residual:
        latents = box.times(at.bundle.reduction)
        q = np.ascontiguousarray(latents.of(coded.residual.q), dtype=np.int32)
        writer.put_q(q, np.ascontiguousarray(latents.of(coded.residual.scale_index)))
    writer.put_coefficients(coefficients)
    return writer.stream()
