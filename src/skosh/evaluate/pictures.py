"""The pictures of a folder, as they are measured: RGB, upright, without metadata."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

import skosh

from ..files import PICTURES
from ..picture.picture import from_image


@dataclass(frozen=True)
class Picture:
    """A picture on disk. ``name`` is its path below the folder without the suffix; ``digest`` is of its bytes."""

    path: Path
    name: str
    digest: str  # 16 hexadecimal digits of SHA-256; "" where it can't be read


def find(folder: Path, out: Path | None = None) -> list[Picture]:
    """Return the pictures below a folder, by name, without those of a report in ``out``.

    Raises SkoshError if there are none, or if the report would lie among them.
    """
    report = out.resolve() if out else None
    if report == folder.resolve():
        raise skosh.SkoshError(f"{folder} is where the pictures are: name another folder for the report")
    inside = report is not None and folder.resolve() in report.parents
    if not folder.is_dir():
        raise skosh.SkoshError(f"{folder} is no folder")
    paths = [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in PICTURES
        and path.is_file()
        and not path.name.startswith(".")
        and not (inside and report in path.resolve().parents)
    ]
    if not paths:
        raise skosh.SkoshError(f"{folder} has no pictures ({', '.join(sorted(PICTURES))})")
    return [Picture(path, name, digest(path)) for path, name in zip(paths, names(paths, folder), strict=True)]


def names(paths: Iterable[Path], folder: Path) -> list[str]:
    """Return names without suffixes, but with them where two would be the same."""
    full = [path.relative_to(folder) for path in paths]
    bare = [path.with_suffix("").as_posix() for path in full]
    often = Counter(bare)
    return [name if often[name] == 1 else path.as_posix() for name, path in zip(bare, full, strict=True)]


def digest(path: Path) -> str:
    """Return the digest under which a picture's results are kept.

    It is "" for a picture that can't be read, which ``read`` will report.
    """
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError:
        return ""


def read(path: Path) -> Image.Image:
    """Return an RGB picture as the codec sees it: upright, 8 bits, colour values as stored, without transparency.

    Raises ImageError if it can't be read, LimitError if it is too large.
    """
    try:
        with Image.open(path) as opened:
            return Image.fromarray(from_image(opened).pixels)
    except skosh.SkoshError:
        raise
    except Exception as error:  # Pillow's decoders raise anything on damaged data
        if isinstance(error, OSError) and error.errno:  # of the file, not of what is in it
            raise skosh.ImageError(f"can't read the picture: {error.strerror}") from error
        raise skosh.ImageError(f"can't read the picture: {error}") from error
