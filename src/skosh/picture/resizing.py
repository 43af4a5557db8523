"""Smaller pictures by the mean of squares of pixels, and larger planes of transparency."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image

from ..types import Pixels, Plane
from .picture import STRIP, Picture

REACH = 3  # pixels around one that decide its neighbourhood when it is enlarged


def reduced(picture: Picture, by: int) -> Picture:
    """Return the picture with the means of ``by`` x ``by`` pixels, 2, 4 or 8; sides round up.

    Squares that reach over the edge count as far as they lie inside. Pixels count by their opacity.
    """
    height, width = picture.pixels.shape[:2]
    pixels = np.empty((-(-height // by), -(-width // by), 3), np.uint8)
    alpha = None if picture.alpha is None else np.empty(pixels.shape[:2], np.uint8)
    for top in range(0, height, STRIP):  # strip by strip: a large picture is not in memory in other modes, too
        plane = None if picture.alpha is None else picture.alpha[top : top + STRIP]
        strip = _strip(picture.pixels[top : top + STRIP], plane).reduce(by)
        place = slice(top // by, top // by + strip.height)
        pixels[place] = np.asarray(strip)[..., :3]
        if alpha is not None:
            alpha[place] = np.asarray(strip)[..., 3]
    return replace(picture, pixels=pixels, alpha=alpha)


def _strip(pixels: Pixels, alpha: Plane | None) -> Image.Image:
    image = Image.fromarray(pixels)
    if alpha is not None:
        image.putalpha(Image.fromarray(alpha))
    return image


def enlarged(plane: Plane, top: int, left: int, bottom: int, right: int, by: int) -> Plane:
    """Return a part of a plane (H, W) with ``by`` times its sides, bicubic: the same part of the whole plane enlarged.

    Pillow's own argument for a part differs from that by a few grey levels.
    """
    upper, first = max(top - REACH, 0), max(left - REACH, 0)
    seen = plane[upper : bottom + REACH, first : right + REACH]
    large = Image.fromarray(seen).resize((seen.shape[1] * by, seen.shape[0] * by), Image.Resampling.BICUBIC)
    up, across = (top - upper) * by, (left - first) * by
    part = np.asarray(large)[up : up + (bottom - top) * by, across : across + (right - left) * by]
    return np.ascontiguousarray(part)
