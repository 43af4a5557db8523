"""A picture becomes a file: analysis, hyper analysis, scale index, means, symbols, bytes."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Collection
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from PIL import Image

from ..bundle.bundle import Bundle
from ..bundle.loading import for_size
from ..container import alpha
from ..container.chunks import ALPHA, QUALITY_UNIT, TILE_MIN, Header, write
from ..container.extras import pack
from ..entropy.coder import Writer
from ..errors import LimitError
from ..limits import MAX_PIXELS, check_justified, memory_for
from ..picture.metadata import Metadata
from ..picture.picture import Picture, from_image, luma
from ..types import Pixels, Symbols
from .analysis import analyse, hyper_symbols, to_hyper_symbols
from .boxes import Box, each, split, whole
from .quantise import Coded, Quantiser
from .rdo import compare
from .refine import EFFORTS, check_effort, refine
from .synthesis import synthesise
from .target import highest_below
from .tiling import is_large
from .wiener import Corrections, place_of

DEFAULT_QUALITY = 50


DEFAULT_TILE = 1024  # pixels


SIZE_TOLERANCE = 0.005  # a file so much (relative) below the size that was asked for is close enough


PSNR_TOLERANCE = 0.01  # dB above what was asked for, likewise


def encode(
    image: Image.Image | Pixels,
    quality: float = DEFAULT_QUALITY,
    model: str | os.PathLike[str] | Bundle | None = None,
    threads: int = 0,
    *,
    target_bytes: float | None = None,
    target_psnr: float | None = None,
    effort: int = 0,
    tile: int = DEFAULT_TILE,
    strip: bool | Collection[str] = False,
    metadata: Metadata | None = None,
    max_pixels: int = MAX_PIXELS,
) -> bytes:
    """Encode a picture as the bytes of a ``.skosh`` file. What is lost besides precision comes as a warning.

    ``image``: any Pillow picture, or RGB bytes of shape (H, W, 3). ``quality``: 0 (smallest) to 100 (best), in eighths. ``model``: an
    installed bundle's name, a bundle's folder or a loaded bundle (``skosh.bundle.load``). ``threads``: 0 for one a core. ``target_bytes``: the best quality whose file is
    not larger, instead of ``quality``. ``target_psnr``: the smallest file that reaches so many dB. ``effort``: 0 to 3, how long to look for symbols that cost less in bits
    and squared error together (with a model trained for exact pixels alone; 0 is one quick look), for every quality that a target tries; decoding does not change. ``tile``: side in pixels of what can be decoded
    by itself, 64 times a power of two, 0 for the whole picture. ``strip``: drop EXIF, XMP and the colour
    profile, or those that are named, as in ``{"exif", "icc", "xmp"}``; without the profile colours become sRGB.
    ``metadata``: a ``skosh.metadata.Metadata``, instead of those that the picture carries.

    Raises TypeError for what is no picture (a path: open the file first) or no metadata, ValueError for an argument out of range or an array that is no RGB picture, ImageError, LimitError (also for a target that can't be
    reached) and BundleError.
    """
    if not 0 <= quality <= 100:
        raise ValueError(f"quality is 0 to 100, not {quality}")
    if target_bytes is not None and target_psnr is not None:
        raise ValueError("target_bytes and target_psnr exclude each other")
    for name, target in (("target_bytes", target_bytes), ("target_psnr", target_psnr)):
        if target is not None and not 0 <= target < math.inf:
            raise ValueError(f"{name} is a number from 0 on, not {target}")
    picture = take_apart(image, max_pixels, strip, metadata)
    for note in picture.notes:
        warnings.warn(note, stacklevel=2)
    encoder = Encoder(picture, model, threads, tile, effort)
    if target_bytes is not None:
        return encoder.file_of_size(target_bytes)
    if target_psnr is not None:
        return encoder.file_of_psnr(target_psnr)
    return encoder.file(quality)


def take_apart(
    image: Image.Image | Pixels,
    max_pixels: int = MAX_PIXELS,
    strip: bool | Collection[str] = False,
    metadata: Metadata | None = None,
) -> Picture:
    """A picture from Pillow's or from an array; ValueError for an array of another shape or type, TypeError for anything else."""
    if isinstance(image, np.ndarray):
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ValueError(f"an array has to be (H, W, 3) of uint8, not {image.shape} of {image.dtype}")
        image = Image.fromarray(image)
    if metadata is not None and not isinstance(metadata, Metadata):
        raise TypeError(f"metadata are a skosh.metadata.Metadata, not {type(metadata).__name__}")
    if not isinstance(image, Image.Image):
        raise TypeError(f"a picture is Pillow's or an array, not {type(image).__name__}: open the file first")
    return from_image(image, max_pixels, strip, metadata)


def check_tile(tile: int) -> None:
    """ValueError unless this is a side that a file's tiles may have."""
    if tile and (tile < TILE_MIN or tile > TILE_MIN << 14 or tile & (tile - 1)):
        raise ValueError(f"a tile's side is 0 or a power of two from {TILE_MIN} on, not {tile}")


class Parts(NamedTuple):
    """What a file holds."""

    coded: Coded
    corrections: Corrections


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
    ):
        check_tile(tile)
        height, width = picture.pixels.shape[:2]
        self.bundle, self.workers = for_size(model, threads, is_large(height, width))
        check_effort(effort, self.bundle)
        self.height, self.width = height, width
        self.picture = picture
        side = tile if tile < max(height, width) else 0
        mode = "L" if picture.grey else "RGB"
        self.header = Header(width, height, 0.0, self.bundle.model_id, mode, side)
        self.extras = pack(picture.metadata)
        self.effort = EFFORTS[effort]
        with memory_for(width, height):
            if picture.alpha is not None:
                self.extras = {ALPHA: alpha.pack(picture.alpha)} | self.extras
            self.y = analyse(self.bundle, picture.pixels, self.workers)
        self.last: tuple[float, Parts] | None = None  # the quality that was asked for last, and what its file holds

    def file(self, quality: float) -> bytes:
        """The file of this quality."""
        header = replace(self.header, quality=self.bundle.quality(quality))
        with memory_for(self.width, self.height):
            data = write(header, self.extras, self.streams(header.quality))
        check_justified(self.width, self.height, len(data))  # as the decoder does
        return data

    def file_of_size(self, size: float) -> bytes:
        """The file of the best quality that has at most ``size`` bytes; LimitError where even the smallest has more."""
        files: dict[int, bytes] = {}

        def log_size(step: int) -> float:
            files[step] = self.file(step / QUALITY_UNIT)
            return math.log(len(files[step]))

        step = highest_below(log_size, math.log(max(size, 1)), self.last_step(), SIZE_TOLERANCE)
        if step is None:
            raise LimitError(f"{size:.0f} bytes are too few: the smallest file has {len(files[0])}")
        return files[step]

    def file_of_psnr(self, psnr: float) -> bytes:
        """The smallest file whose picture reaches ``psnr`` (dB, as ``psnr`` measures it); LimitError where the best does not."""
        last = self.last_step()
        best = -math.inf
        files: dict[int, bytes] = {}

        def loss(step: int) -> float:
            nonlocal best
            quality = (last - step) / QUALITY_UNIT
            found = self.psnr(quality)
            best = max(best, found)
            if found >= psnr:
                files[step] = self.file(quality)  # now, while the symbols of this quality are there
            return -found

        step = highest_below(loss, -psnr, last, PSNR_TOLERANCE)
        if step is None:
            raise LimitError(f"{psnr} dB can't be reached: the best is {best:.2f} dB")
        return files[step]

    def last_step(self) -> int:
        """The best quality in eighths: 0 for a bundle of one rate."""
        return round(self.bundle.quality(100) * QUALITY_UNIT)

    def psnr(self, quality: float) -> float:
        """PSNR (dB; RGB, or the luma of a grey picture) of what the decoder will show."""
        box = whole(self.height, self.width)
        with memory_for(self.width, self.height):
            coded, found = self.parts(quality)
            shown = synthesise(self.bundle, coded.z, coded.q, box, quality, self.workers, found)
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
            self.last = quality, self.improved(quality)
        return self.last[1]

    def improved(self, quality: float) -> Parts:
        """Symbols, which a look or an effort has improved where the bundle allows it, and corrections."""
        bundle, pixels, y, workers = self.bundle, self.picture.pixels, self.y, self.workers
        side = self.header.tile
        if not bundle.hyper:
            return Parts(Coded(to_hyper_symbols(y), None), Corrections(side, {}))
        z = hyper_symbols(bundle, y, quality, workers)
        refined = any(self.effort)
        if refined:
            y = refine(bundle, pixels, y, z, quality, self.effort, workers)
        quantiser = Quantiser(bundle, y, z, quality, workers)
        changes, found = compare(quantiser, pixels, side, change=not refined)
        quantiser.change(changes)
        return Parts(Coded(z, quantiser.residual()), found)

    def streams(self, quality: float) -> list[bytes]:
        """The entropy-coded stream of every tile."""
        coded, corrections = self.parts(quality)
        side = self.header.tile // self.bundle.multiple  # in samples of z
        tiles = split(whole(*coded.z.shape[1:]), side)
        found: dict[Box, bytes] = {}

        def code(box: Box) -> None:
            symbols = corrections.found.get(place_of(box, side))
            found[box] = tile_stream(self.bundle, coded, box, quality, symbols)

        each(tiles, code, self.workers)
        return [found[box] for box in tiles]


def tile_stream(bundle: Bundle, coded: Coded, box: Box, quality: float, correction: Symbols | None = None) -> bytes:
    """The stream of one tile, a box on the grid of z. Without a hyperprior there is no q, and z is the latent."""
    writer = Writer(bundle.models(quality))
    writer.put_z(np.ascontiguousarray(box.of(coded.z)))
    if coded.residual:
        latents = box.times(bundle.reduction)
        q = np.ascontiguousarray(latents.of(coded.residual.q), dtype=np.int32)
        writer.put_q(q, np.ascontiguousarray(latents.of(coded.residual.scale_index)))
    writer.put_correction(correction)
    return writer.stream()
