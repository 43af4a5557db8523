"""A ``.skosh`` file as a Pillow picture: opening reads header and metadata, and pixels are decoded on first use.

Opening needs no model. ``draft`` asks for a small rendition, as ``thumbnail`` does by itself.
"""

from __future__ import annotations

import io
from fractions import Fraction
from typing import IO, Any

from PIL import ImageFile

from ..container.alpha import check_plain
from ..container.chunks import ALPHA, Header, read, read_head
from ..container.extras import unpack
from ..container.salvage import has_sense, read_damaged
from ..errors import SkoshError
from ..files import Source, check_path, content_of
from ..limits import MAX_PIXELS, UNLIMITED, check_size
from ..picture.fitting import fit_decoded
from ..picture.metadata import to_info

FORMAT = "SKOSH"


class SkoshImageFile(ImageFile.ImageFile):
    """A ``.skosh`` file opened by Pillow."""

    format = FORMAT
    format_description = "skosh learned image"
    _undecoded = False  # until a file is opened; pickled pictures have their pixels
    _full: tuple[int, int]  # width and height of the file's picture
    _scale = Fraction(1)  # of what will be decoded

    def _open(self) -> None:
        try:
            header, extras = self._head()
            self.info.update(to_info(fit_decoded(unpack(extras), header.mode == "L", [])))
        except SkoshError as error:
            raise SyntaxError(str(error)) from error
        self._size = self._full = header.width, header.height
        self._mode = header.mode + ("A" if ALPHA in extras else "")
        self.info["quality"] = header.quality
        self.tile = []  # Pillow before 11 takes None for a picture that can't be loaded
        self._undecoded = True

    def _head(self) -> tuple[Header, dict[bytes, bytes]]:
        """Return header and extras.

        If Pillow is told to show damaged files, return the extras that ``load`` will find, as far as their frames tell.
        """
        file = self._file()
        try:
            header, extras = read_head(file, UNLIMITED)
        except SkoshError:
            if not ImageFile.LOAD_TRUNCATED_IMAGES:
                raise
            file.seek(0)
            contents = read_damaged(file.read(), UNLIMITED)
            header, extras = contents.header, contents.extras
        if ImageFile.LOAD_TRUNCATED_IMAGES:
            extras = {kind: extras[kind] for kind in extras if has_sense(header, kind, extras[kind], check_plain)}
        return header, extras

    def draft(self, mode: str | None, size: tuple[int, int] | None) -> tuple[str, tuple[int, int, float, float]] | None:
        """Get ready to decode 1/2, 1/4 or 1/8 of the picture, the least that has at least ``size``, where there is one.

        Returns the picture's mode and what it shows, as a box of its own pixels: sides round up. Where nothing changes,
        returns None. ``mode`` has no effect.
        """
        if not self._undecoded or not size:
            return None
        most = min(full // max(int(due), 1) for full, due in zip(self._full, size, strict=True))
        by = next((by for by in (8, 4, 2) if most >= by), 1)
        if by == 1 and self._scale == 1:
            return None
        self._scale = Fraction(1, by)
        width, height = self._full
        self._size = -(-width // by), -(-height // by)
        return self.mode, (0, 0, width / by, height / by)

    def load(self) -> Any:
        """Decode the pixels, if that has not been done."""
        if self._undecoded:
            from .decoder import decode

            file = self._file()
            file.seek(0)
            try:
                salvage = ImageFile.LOAD_TRUNCATED_IMAGES
                image = decode(file.read(), scale=self._scale, salvage=salvage, max_pixels=UNLIMITED)
            except SkoshError as error:
                raise OSError(f"can't decode this .skosh file: {error}") from error
            self.im = image.im
            self._mode = image.mode  # without transparency, where that turned out to be damaged
            self._undecoded = False
            self._let_go()
        return super().load()

    def verify(self) -> None:
        """Check every checksum without decoding. Afterwards open the picture again, as with Pillow's own formats."""
        file = self._file()
        file.seek(0)
        try:
            read(file.read(), UNLIMITED)
        except SkoshError as error:
            raise SyntaxError(str(error)) from error
        finally:
            self._let_go()

    def _file(self) -> IO[bytes]:
        if self.fp is None:
            raise ValueError("the file of this picture has been closed: open it again")
        return self.fp

    def _let_go(self) -> None:
        """Close the file, if Pillow opened it, and forget it."""
        if self._exclusive_fp and self.fp:
            self.fp.close()
        self.fp = None


def open(source: Source, max_pixels: int = MAX_PIXELS) -> SkoshImageFile:
    """Open a ``.skosh`` file as a Pillow picture: size, mode and metadata at once, pixels on first use.

    ``source``: a path, a file opened in binary mode, or the bytes of one. A path's file stays open until the pixels are
    decoded or the picture is closed; the picture is a context manager, as all of Pillow's are. This does not register
    the format with Pillow; ``register_opener`` does.

    Raises TypeError for another source, OSError where the file can't be read, FormatError for a damaged file or none of
    the format, and LimitError for more than ``max_pixels``. Errors found while decoding pixels are OSError, as in
    Pillow.
    """
    if isinstance(source, str) or hasattr(source, "__fspath__"):
        check_path(source)
        file: Any = source
    else:
        file = source if getattr(source, "seekable", bool)() else io.BytesIO(content_of(source))
        if not isinstance(file.read(0), bytes):
            content_of(source)  # raises the right error
    try:
        picture = SkoshImageFile(file)
    except SyntaxError as error:
        raise (error.__cause__ if isinstance(error.__cause__, SkoshError) else error) from None
    try:
        check_size(picture.width, picture.height, max_pixels)
    except SkoshError:
        picture.close()
        raise
    return picture
