"""From a stored file to AVIF, WebP or JPEG."""

from __future__ import annotations

import functools
import hashlib
import os
from typing import Any, NamedTuple

import PIL
from PIL import Image, ImageColor, features

from .. import __version__
from ..bundle.bundle import Bundle
from ..bundle.graphs import HEADS
from ..bundle.manifest import find, installed, read_manifest
from ..codec.decoder import decode_picture
from ..limits import cores
from ..picture.kinds import kinds
from ..picture.picture import to_image
from ..picture.saving import image_bytes
from .options import Options
from .stored import Facts


class Kind(NamedTuple):
    """A kind of picture that is sent."""

    name: str  # of its quality in Options, and of Pillow's feature
    media_type: str
    suffix: str
    longest: int  # pixels of a side
    transparent: bool


KINDS = (  # the smallest files first, the most widely known last
    Kind("avif", "image/avif", ".avif", 32_768, True),  # what libavif reads
    Kind("webp", "image/webp", ".webp", 16_383, True),
    Kind("jpeg", "image/jpeg", ".jpg", 65_500, False),  # what libjpeg writes
)


def possible(facts: Facts, width: int | None, options: Options) -> list[Kind]:
    """Return the kinds that a picture can be sent as, in the order of KINDS. ``width``: in pixels, None for its own."""
    if not facts.decodable:
        return []
    sides = size_for(facts.width, facts.height, width)
    return [
        kind
        for kind in KINDS
        if getattr(options, kind.name) is not None
        and features.check("jpg" if kind.name == "jpeg" else kind.name)
        and max(sides) <= kind.longest
        and (kind.transparent or not facts.transparent or options.background is not None)
    ]


def size_for(width: int, height: int, wanted: int | None) -> tuple[int, int]:
    """Return the size of a picture in a width, in pixels. Pictures are not enlarged."""
    if wanted is None or wanted >= width:
        return width, height
    return wanted, max(1, round(height * wanted / width))


def tag_of(facts: Facts, kind: Kind, width: int | None, options: Options) -> str:
    """Return the strong entity tag of a representation.

    It names the stored bytes and everything that turns them into others, so that it is known without decoding.
    Another machine may make other bytes for it, by a grey level here and there. That is harmless, as no part of a
    representation is ever sent by itself.
    """
    quality = getattr(options, kind.name)
    size = size_for(facts.width, facts.height, width)
    strip = sorted(kinds(options.strip))
    parts = facts.digest, kind.name, quality, options.avif_speed, size, strip, options.background
    made = hashlib.sha256(repr((*parts, drawn_by(options.model), __version__, PIL.__version__)).encode())
    return f'"{made.hexdigest()[:32]}"'


def drawn_by(model: str | os.PathLike[str] | Bundle | None) -> str:
    """Return what draws beyond the faithful picture, as text: the heads' hashes and the realism of each usable bundle.

    A file's model id does not say it. As bundles are, manifests are read once.
    """
    if isinstance(model, Bundle):
        return _drawn_by([model.manifest])
    return _drawn_by(_manifests(None if model is None else os.fspath(model)))


@functools.lru_cache
def _manifests(model: str | None) -> list[dict[str, Any]]:
    return [found for _, _, found in installed()] if model is None else [read_manifest(find(model))]


def _drawn_by(manifests: list[dict[str, Any]]) -> str:
    files = [sorted(item for item in found["files"].items() if item[0].startswith(f"{HEADS}/")) for found in manifests]
    return repr((files, [found[HEADS] for found in manifests]))


def transcode(data: bytes, kind: Kind, width: int | None, options: Options) -> bytes:
    """Return a stored file in another format. Raises SkoshError where that can't be done.

    Metadata named in ``options.strip`` are left out; without its profile, a picture becomes sRGB.
    """
    picture = decode_picture(data, options.model, options.threads, max_pixels=options.max_pixels)
    image = to_image(picture, options.strip)
    size = size_for(image.width, image.height, width)
    if size != image.size:
        image = image.resize(size, Image.Resampling.LANCZOS)
    if image.has_transparency_data and not kind.transparent:
        image = flattened(image, options.background or "white")
    return image_bytes(image, kind.suffix, save_options(kind, options))[0]


def flattened(image: Image.Image, background: str) -> Image.Image:
    """Return a picture of mode LA or RGBA on a background, which is grey for a grey picture."""
    mode = image.mode.removesuffix("A")
    below = Image.new(mode, image.size, ImageColor.getcolor(background, mode))
    below.paste(image.convert(mode), mask=image.getchannel("A"))
    below.info.update(image.info)
    return below


def save_options(kind: Kind, options: Options) -> dict[str, Any]:
    """Return the arguments of Pillow's ``save``."""
    quality = {"quality": getattr(options, kind.name)}
    if kind.name == "avif":
        return {**quality, "speed": options.avif_speed, "max_threads": options.threads or cores()}
    if kind.name == "webp":
        return {**quality, "method": 4}
    return {**quality, "optimize": True, "progressive": True}
