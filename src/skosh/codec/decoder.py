"""A file becomes a picture again: z, scale index, q in one pass over the coder, means, synthesis."""

from __future__ import annotations

import operator
import os
import warnings
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..bundle import manifest
from ..bundle.bundle import Bundle
from ..bundle.loading import for_size
from ..bundle.point import Point
from ..container import alpha
from ..container.chunks import ALPHA, Contents, Header, read
from ..container.extras import NAMES, unpack
from ..container.salvage import give_up_senseless, read_damaged
from ..entropy.coder import Reader
from ..errors import BundleError, FormatError, LimitError
from ..files import Source, content_of
from ..limits import MAX_PIXELS, check_justified, check_size, memory_for
from ..picture.fitting import fit_decoded
from ..picture.picture import Picture, to_image
from ..picture.resizing import enlarged, reduced
from ..types import Pixels, Symbols
from .boxes import Box, each, split, whole
from .planes import padded
from .renditions import check_realism, check_scale, choose
from .synthesis import Faithful, Rendition, synthesise, zoomed
from .tiling import is_large
from .wiener import Filters, place_of

Region = tuple[int, int, int, int]  # x, y, width, height in pixels
LOST = 128  # grey level of what salvage could not save
LOST_NAMED = 8  # lost tiles that are named one by one
EXTRA_NAMES = {ALPHA: "the transparency"} | NAMES


def decode(
    data: Source,
    model: str | os.PathLike[str] | Bundle | None = None,
    threads: int = 0,
    *,
    region: Region | None = None,
    realism: float | None = None,
    scale: float | Fraction = 1,
    salvage: bool = False,
    max_pixels: int = MAX_PIXELS,
) -> Image.Image:
    """Decode a ``.skosh`` file to a Pillow picture of the mode that was coded, with its metadata in ``info``.

    ``data``: the bytes of a file, its path, or the open binary file.
    ``model``: the folder of a bundle that is not installed; by default the file's model id finds it.
    ``threads``: 0 for one a core.
    ``region``: x, y, width and height of the part to decode; only the tiles that it needs are decoded.
    ``realism``: 0 to 1, how much detail to draw that the file does not hold. 0 is the faithful picture; None is what
    the file asks for, else the bundle's default.
    ``scale``: 1/8, 1/4, 1/2, 1 or 2 times the size; sides round up. Of a region, it gives the part of the small picture
    that the region meets. Small pictures are faithful unless ``realism`` is given, which decodes the whole for them; it
    does not go with a scale of 2.
    ``salvage``: show what a damaged file still holds. Lost parts are grey. Warnings name the first eight of them, and
    lost metadata or transparency.

    Raises OSError for an unreadable file, TypeError for another kind of data, realism or scale, ValueError for a region
    that is not four whole numbers or for threads, realism or a scale out of range, FormatError for foreign or damaged
    bytes and where salvage finds nothing, BundleError where the model or its head for realism or double size is
    missing, LimitError for too large a picture or a region outside of it.
    """
    picture = decode_picture(
        data, model, threads, region=region, realism=realism, scale=scale, salvage=salvage, max_pixels=max_pixels
    )
    for note in picture.notes:
        warnings.warn(note, stacklevel=2)
    height, width = picture.pixels.shape[:2]
    with memory_for(width, height):
        return to_image(picture)


def decode_picture(
    data: Source,
    model: str | os.PathLike[str] | Bundle | None = None,
    threads: int = 0,
    *,
    region: Region | None = None,
    realism: float | None = None,
    scale: float | Fraction = 1,
    salvage: bool = False,
    max_pixels: int = MAX_PIXELS,
) -> Picture:
    """As ``decode``, but the picture taken apart; what was lost is in its notes instead of in warnings."""
    realism, scale = check_realism(realism), check_scale(scale)
    data = content_of(data)
    contents = read_damaged(data, max_pixels) if salvage else read(data, max_pixels)
    header = contents.header
    check_justified(header.width, header.height, len(data))
    box = _box(region, header)
    if scale > 1:
        check_size(int(box.width * scale), int(box.height * scale), max_pixels)
    many = is_large(box.height, box.width)
    folder = _folder(header, model)
    bundle, workers = for_size(folder, threads, many)
    if bundle.model_id != header.model_id:
        raise BundleError(
            f"the file was made with model {header.model_id.hex()}, not {bundle.name} ({bundle.model_id.hex()})"
        )
    with memory_for(header.width, header.height):
        if salvage:
            give_up_senseless(contents)
        rendition, by = choose(bundle.at(header.quality), contents, realism, scale)
        decoder = Decoder(bundle, contents, workers, salvage, rendition)
        if by == 1:
            return decoder.picture(box)
        squares = box.over(by).times(by).cut_to(whole(header.height, header.width))
        return reduced(decoder.picture(squares), by)


def _box(region: Region | None, header: Header) -> Box:
    if region is None:
        return whole(header.height, header.width)
    try:
        x, y, width, height = (operator.index(n) for n in region)
    except (TypeError, ValueError):
        raise ValueError(f"a region is x, y, width and height, four whole numbers, not {region!r}") from None
    if x < 0 or y < 0 or width < 1 or height < 1 or x + width > header.width or y + height > header.height:
        raise LimitError(f"the region {x},{y},{width},{height} is not inside of {header.width}x{header.height}")
    return Box(y, x, y + height, x + width)


def _folder(header: Header, model: str | os.PathLike[str] | Bundle | None) -> str | os.PathLike[str] | Bundle:
    if model is not None:
        return model
    folder = manifest.find_by_id(header.model_id)
    if folder is None:
        known = ", ".join(f"{name} {m['model_id']}" for name, _, m in manifest.installed()) or "none"
        others = "".join(f"; {reason}" for reason in manifest.unusable())
        raise BundleError(
            f"the file was made with model {header.model_id.hex()}, which is not installed "
            f"(installed: {known}{others}); name its folder (model, --model)"
        )
    return folder


class Read(NamedTuple):
    """The symbols of some tiles of a picture, 0 elsewhere."""

    z: Symbols  # (N, h, w); without a hyperprior the latent itself
    q: npt.NDArray[np.int16] | None  # (M, H, W), with a hyperprior only
    filters: Filters  # of these tiles
    lost: list[Box]  # tiles that salvage could not read, boxes on the grid of z


class Decoder:
    """The symbols of a file, read tile by tile as they are needed, and pictures of any part of it."""

    def __init__(
        self, bundle: Bundle, contents: Contents, workers: int, salvage: bool, rendition: Rendition | None = None
    ):
        """``rendition``: by default the faithful one."""
        self.bundle, self.contents = bundle, contents
        self.workers, self.salvage = workers, salvage
        header = contents.header
        self.at = bundle.at(header.quality)
        self.rendition = rendition or Faithful(self.at)
        self.all_z = whole(*(padded(n, bundle.multiple) // bundle.multiple for n in (header.height, header.width)))
        self.tiles = split(self.all_z, header.tile // bundle.multiple)  # boxes on the grid of z
        self.streams = dict(zip(self.tiles, contents.tiles, strict=True))

    def picture(self, box: Box) -> Picture:
        """What a box of pixels shows, with what belongs to it and a note about every part that was lost."""
        header, extras = self.contents.header, self.contents.extras
        notes: list[str] = []
        found = fit_decoded(unpack(extras), header.mode == "L", notes)
        plane = None
        if ALPHA in extras:
            plane = alpha.unpack(extras[ALPHA], header.height, header.width)
            by = self.rendition.zoom.numerator  # small pictures with transparency are reduced from whole ones
            plane = enlarged(plane, *box, by) if by > 1 else np.ascontiguousarray(box.of(plane))
        pixels, lost = self.pixels(box)
        notes += self.lost_extras() + self.lost_tiles(box, lost)
        return Picture(pixels, header.mode == "L", plane, found, notes)

    def lost_extras(self) -> list[str]:
        """A note about every chunk before the tiles that was lost, as far as its type can be told."""
        lost = [kind for kind in dict.fromkeys(self.contents.lost) if kind not in self.contents.extras]
        notes = [f"lost: {EXTRA_NAMES[kind]}" for kind in lost if kind in EXTRA_NAMES]
        if any(kind not in EXTRA_NAMES for kind in lost):
            notes.append("lost: damaged bytes before the tiles, perhaps metadata or transparency")
        return notes

    def lost_tiles(self, box: Box, lost: list[Box]) -> list[str]:
        """A note about each of the first lost tiles, and one about their number."""
        notes = [f"lost: {seen.width}x{seen.height} pixels at {seen.left},{seen.top}" for seen in lost[:LOST_NAMED]]
        if len(lost) > LOST_NAMED:
            notes.append(f"lost: {len(lost)} of the {len(self.needed(box))} tiles that are needed")
        return notes

    def pixels(self, box: Box) -> tuple[Pixels, list[Box]]:
        """What a box of pixels shows, grey where salvage found nothing, and the lost tiles, boxes of pixels.

        Its shape is (H, W, 3) times the rendition's zoom; ``zoomed`` says how sides round.
        """
        header = self.contents.header
        z, q, filters, lost = self.symbols(self.needed(box))
        own = [tile for tile in self.tiles if tile.meets(box.over(self.bundle.multiple))]
        if set(own) <= set(lost):
            raise FormatError(f"nothing is left of {'the picture' if own == self.tiles else 'this part'}")
        pixels, zoom = synthesise(self.rendition, z, q, box, self.workers, filters), self.rendition.zoom
        holes = [tile.times(self.bundle.multiple).cut_to(whole(header.height, header.width)) for tile in lost]
        for hole in holes:
            if hole.meets(box):  # a tile that is only near had its part in what is shown, too
                part = zoomed(hole, zoom).cut_to(zoomed(box, zoom)).inside(zoomed(box, zoom))
                pixels[part.top : part.bottom, part.left : part.right] = LOST
        return pixels, holes

    def needed(self, box: Box) -> list[Box]:
        """The tiles that the pixels of a box depend on."""
        bundle, halo = self.bundle, self.bundle.halo
        grid = self.all_z.times(bundle.reduction)
        seen = self.rendition.latents(grid, box).grown(halo.get("mean_second", 0), grid)
        cells = seen.over(bundle.reduction).grown(halo.get("mean_first", 0), self.all_z)
        return [tile for tile in self.tiles if tile.meets(cells)]

    def symbols(self, tiles: list[Box]) -> Read:
        """The symbols of some tiles, in arrays for the whole picture."""
        bundle, side = self.bundle, self.contents.header.tile // self.bundle.multiple
        shape = self.all_z.height, self.all_z.width
        z = np.zeros((bundle.hyper or bundle.latents, *shape), np.int32)
        q = np.zeros((bundle.latents, *(bundle.reduction * n for n in shape)), np.int16) if bundle.hyper else None
        lost: list[Box] = []
        filters = Filters(self.contents.header.tile, {})

        def work(tile: Box) -> None:
            stream = self.streams[tile]
            try:
                if stream is None:
                    raise FormatError("a damaged tile")
                taken = take_symbols(self.at, stream, tile.height, tile.width)
            except FormatError:
                if not self.salvage:
                    raise
                lost.append(tile)
                return
            tile.of(z)[:] = taken.z
            if q is not None:
                tile.times(bundle.reduction).of(q)[:] = taken.q
            if taken.coefficients is not None:
                filters.found[place_of(tile, side)] = taken.coefficients

        each(tiles, work, self.workers, "entropy decoding")
        return Read(z, q, filters, sorted(lost))


class Taken(NamedTuple):
    """The symbols of a tile."""

    z: Symbols  # (N, h, w)
    q: Symbols | None  # (M, H, W), with a hyperprior only
    scale_index: npt.NDArray[np.uint8] | None  # of q
    coefficients: Symbols | None  # (K,) of the Wiener filter, where the tile has one


def take_symbols(at: Point, stream: bytes, height: int, width: int) -> Taken:
    """What a stream holds for a tile of so many z."""
    bundle = at.bundle
    reader = Reader(at.models, stream)
    z = reader.take_z(bundle.hyper or bundle.latents, height, width)
    if not bundle.hyper:
        return Taken(z, None, None, reader.take_coefficients())
    index = at.scale_index(z)
    return Taken(z, reader.take_q(index), index, reader.take_coefficients())
