"""Between Pillow's pictures and the arrays that the networks take."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

import numpy as np
from PIL import Image

from ..errors import ImageError, SkoshError
from ..limits import MAX_PIXELS, check_size, memory_for
from ..types import Pixels, Plane
from .claims import without_claims
from .coded_colours import numbers_of
from .colours import (
    colour_key,
    keyed_alpha,
    layout_of,
    note_losses,
    note_transparency,
    to_eight_bits,
    to_rgb,
    unpacked,
    without,
)
from .fitting import fit
from .kinds import kinds
from .metadata import Metadata, of_image, to_info, without_prefix
from .orientation import orientation, upright
from .parts import note_parts, parts_of
from .thumbnail import without_misfit

STRIP = 256  # rows
TURNS = {  # orientation -> how to set the picture upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass
class Picture:
    """A picture taken apart."""

    pixels: Pixels  # upright
    grey: bool = False  # whether all channels are equal
    alpha: Plane | None = None  # None where everything is opaque
    metadata: Metadata = field(default_factory=Metadata)
    notes: list[str] = field(default_factory=list)  # of losses, for people


def from_image(
    image: Image.Image,
    max_pixels: int = MAX_PIXELS,
    strip: bool | Collection[str] = False,
    metadata: Metadata | None = None,
) -> Picture:
    """Take a picture apart by the rules of docs/pictures.md, upright; of an animation, the current frame.

    ``metadata``: used instead of the picture's own. ``strip``: True, or kinds (exif, icc, xmp), to drop; colours are
    converted to sRGB before a profile is dropped.

    Raises ValueError for an unknown kind, ImageError for damaged data and LimitError for more than ``max_pixels``.
    Loads the picture's data, and leaves the picture unchanged otherwise.
    """
    check_size(image.width, image.height, max_pixels)
    with memory_for(image.width, image.height):
        return _taken_apart(image, kinds(strip), metadata)


def _taken_apart(image: Image.Image, strip: frozenset[str], metadata: Metadata | None) -> Picture:
    notes: list[str] = []
    try:
        layout = layout_of(image)
        note_losses(image, layout, notes)
        key = colour_key(image, layout)
        note_transparency(image, key, layout, notes)
        lost = parts_of(image)
        cicp = numbers_of(image) if metadata is None else None
        image.load()
        metadata = of_image(image, notes, cicp) if metadata is None else metadata
        metadata = replace(metadata, exif=without_prefix(metadata.exif))
        metadata, claimed = truthful(metadata, [] if "xmp" in strip else notes)
        note_parts(lost | claimed, notes)
        image = unpacked(image)
        if (turn := TURNS.get(orientation(metadata))) is not None:
            image = image.transpose(turn)
        alpha = None if key is None else keyed_alpha(image, key, layout, notes)
        image = to_eight_bits(image, layout, notes)
        straight = fitting_thumbnail(upright(metadata), turn is not None, image.size, [] if "exif" in strip else notes)
        image, metadata = to_rgb(image, straight, notes)
        if image.mode == "RGBA" and layout.raw.startswith("LA"):  # Pillow opens grey and alpha of 16 bits so
            image = image.convert("LA")
        image, metadata = fit(image, metadata, notes)
        image, metadata = without(image, metadata, strip, notes)
    except (SkoshError, MemoryError):
        raise
    except Exception as error:  # Pillow's decoders raise anything on damaged data: IndexError, struct.error, ...
        raise ImageError(f"can't read the picture: {error}") from error
    if image.mode in ("LA", "RGBA"):
        alpha = np.asarray(image.getchannel("A"))
    if alpha is not None and alpha.min() == 255:
        alpha = None
    return Picture(_rgb(image), image.mode in ("L", "LA"), alpha, metadata, notes)


def fitting_thumbnail(metadata: Metadata, turned: bool, size: tuple[int, int], notes: list[str]) -> Metadata:
    """Return the metadata without EXIF's thumbnail where that no longer shows the picture."""
    exif = without_misfit(metadata.exif, turned, size, notes) if metadata.exif else None
    return replace(metadata, exif=exif)


def truthful(metadata: Metadata, notes: list[str]) -> tuple[Metadata, set[str]]:
    """Return the metadata without what XMP claims of parts that are not kept, and those parts."""
    if not metadata.xmp:
        return metadata, set()
    xmp, claimed = without_claims(metadata.xmp)
    if xmp is None:
        notes.append("its XMP may describe parts that are not kept, can't be edited and is not kept")
    return replace(metadata, xmp=xmp), claimed


def _rgb(image: Image.Image) -> Pixels:
    """Return the colours (H, W, 3), copied strip by strip: a large picture is not in memory three times."""
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for top in range(0, image.height, STRIP):
        strip = image.crop((0, top, image.width, min(top + STRIP, image.height)))
        pixels[top : top + STRIP] = np.asarray(strip.convert("RGB"))
    return pixels


def luma(pixels: Pixels) -> Plane:
    """Map (H, W, 3) to the luma (H, W) that a grey picture shows: ITU-R BT.601, as in Pillow."""
    return np.asarray(Image.fromarray(pixels).convert("L"))


def to_image(picture: Picture, strip: bool | Collection[str] = False) -> Image.Image:
    """Return the Pillow picture, with its metadata in ``info`` but for the kinds to ``strip``.

    Losses are noted in the picture.
    """
    image = Image.fromarray(picture.pixels)
    if picture.grey:
        image = image.convert("L")
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(picture.alpha))
    image, metadata = without(image, picture.metadata, kinds(strip), picture.notes)
    image.info.clear()  # leftovers of a conversion
    image.info.update(to_info(metadata))
    return image
