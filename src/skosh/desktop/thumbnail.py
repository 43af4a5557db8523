"""A thumbnail of a file: the smallest rendition that suffices, upright, in sRGB, as PNG."""

from __future__ import annotations

import io
import os
from fractions import Fraction
from pathlib import Path
from urllib.parse import unquote_to_bytes

from PIL import Image

from ..codec.decoder import decode_picture
from ..container.chunks import read_head
from ..errors import SkoshError
from ..files import write_whole
from ..picture.picture import to_image
from ..picture.saving import image_bytes

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
REDUCTIONS = (8, 4, 2)  # pixels a side for one of a small rendition


def thumbnail(
    data: bytes, size: int, model: str | None = None, threads: int = 0, *, max_pixels: int
) -> tuple[bytes, list[str]]:
    """Return the PNG of a ``.skosh`` file's thumbnail, and notes about losses.

    It fits into ``size`` x ``size`` pixels and is never larger than the picture. Metadata are left out, as are colours
    that sRGB does not have. The other arguments and the errors are those of ``skosh.decode``.
    """
    header = read_head(io.BytesIO(data), max_pixels)[0]
    scale = Fraction(1, reduction(header.width, header.height, size))
    picture = decode_picture(data, model, threads, scale=scale, max_pixels=max_pixels)
    image = to_image(picture, strip=True)
    due = fitted(header.width, header.height, size)
    if image.size != due:
        seen = (0.0, 0.0, float(header.width * scale), float(header.height * scale))  # its sides were rounded up
        image = image.resize(due, Image.Resampling.LANCZOS, seen)
    return image_bytes(image, ".png")[0], picture.notes


def reduction(width: int, height: int, size: int) -> int:
    """Return how much smaller the smallest rendition is whose longer side has ``size`` pixels at least."""
    return next((by for by in REDUCTIONS if max(width, height) >= by * size), 1)


def fitted(width: int, height: int, size: int) -> tuple[int, int]:
    """Return the size of a picture that is made to fit into a square of ``size`` pixels a side, if it is larger."""
    longest = max(width, height)
    if longest <= size:
        return width, height
    return max(1, round(width * size / longest)), max(1, round(height * size / longest))


def local_path(name: str) -> Path:
    """Return the path that a path or a ``file:`` URI names (RFC 8089).

    Raises SkoshError for a file on another machine and for an impossible name.
    """
    if not name.lower().startswith("file:/"):
        path = name
    else:
        rest = name[len("file:") :]
        if rest.startswith("//"):
            host, slash, rest = rest[2:].partition("/")
            if host.lower() not in ("", "localhost"):
                raise SkoshError(f"{name} is a file of another machine, {host}")
            rest = slash + rest
        path = os.fsdecode(unquote_to_bytes(rest))
    if not path or "\0" in path:
        raise SkoshError(f"{name!r} names no file")
    return Path(path)


def put(out: Path, content: bytes) -> None:
    """Write the thumbnail: whole or not at all, unless ``out`` exists.

    An existing file is written in place. Tumbler (Xfce) makes an empty one, keeps it open and reads it afterwards.
    """
    if not os.path.lexists(out):
        write_whole(out, content)
        return
    with out.open("wb") as file:
        file.write(content)


def check_replaceable(out: Path, source: Path) -> None:
    """Raise SkoshError unless ``out`` is free, empty as a file manager makes it, or an older PNG."""
    if not os.path.lexists(out):
        return
    if not os.path.isfile(out):
        raise SkoshError(f"{out} is no ordinary file")
    if os.path.exists(source) and os.path.samefile(source, out):
        raise SkoshError(f"{out} is the picture itself")
    with out.open("rb") as file:
        if file.read(len(PNG_SIGNATURE)) not in (b"", PNG_SIGNATURE):
            raise SkoshError(f"{out} exists and is no PNG: name another output")
