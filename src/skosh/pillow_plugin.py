"""``Image.open("a.skosh")`` and ``image.save("a.skosh")``: importing this module, or ``skosh.register_opener()``, teaches Pillow the format.

Opening reads the header and the metadata, and needs no model; pixels are decoded when they are first asked for. What is wrong with a file comes as
Pillow's plugins have it: a SyntaxError while it is opened, of which Pillow makes an UnidentifiedImageError, and an OSError when it is loaded. With
``ImageFile.LOAD_TRUNCATED_IMAGES``, what is left of a damaged file is shown, and lost parts are grey.

``Image.Image.save`` takes what ``skosh.encode`` does: ``quality``, ``model``, ``threads``, ``effort``, ``tile``, ``strip``, ``target_bytes``, ``target_psnr``; and
``icc_profile``, ``exif`` (bytes or ``Image.Exif``) and ``xmp``. The last three **default to what the picture carries**, unlike in Pillow's own
plugins, which drop EXIF and XMP unless they are passed: None or ``b""`` drops one of them here. Pixels are stored upright by the orientation that
the EXIF names, and it says 1 afterwards. Of an animation, the frame that it stands at is saved.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import IO, Any

from PIL import Image, ImageFile

from .container.alpha import check_plain
from .container.chunks import ALPHA, Header, read, read_head
from .container.extras import unpack
from .container.salvage import has_sense, salvage
from .errors import SkoshError
from .files import SIGNATURE
from .limits import UNLIMITED  # Pillow has its own check of sizes
from .picture.fitting import fit_decoded
from .picture.metadata import Metadata, from_info, of_image, to_info

FORMAT = "SKOSH"
ENCODE_OPTIONS = ("quality", "model", "threads", "effort", "tile", "strip", "target_bytes", "target_psnr")
FIELDS = {"icc_profile": "icc", "exif": "exif", "xmp": "xmp"}  # what save calls it -> of Metadata


class SkoshImageFile(ImageFile.ImageFile):
    """A ``.skosh`` file that Pillow has opened."""

    format = FORMAT
    format_description = "skosh learned image"
    _undecoded = False  # unless a file was opened; pickled pictures have their pixels

    def _open(self) -> None:
        try:
            header, extras = self._head()
            self.info.update(to_info(fit_decoded(unpack(extras), header.mode == "L", [])))
        except SkoshError as error:
            raise SyntaxError(str(error)) from error
        self._size = header.width, header.height
        self._mode = header.mode + ("A" if ALPHA in extras else "")
        self.info["quality"] = header.quality
        self.tile = []  # Pillow before 11 takes None for a picture that can't be loaded
        self._undecoded = True

    def _head(self) -> tuple[Header, dict[bytes, bytes]]:
        """Header and extras; if Pillow is told to show damaged files, those extras that ``load`` will find, as far as their frames say."""
        file = self._file()
        try:
            header, extras = read_head(file, UNLIMITED)
        except SkoshError:
            if not ImageFile.LOAD_TRUNCATED_IMAGES:
                raise
            file.seek(0)
            contents = salvage(file.read(), UNLIMITED)
            header, extras = contents.header, contents.extras
        if ImageFile.LOAD_TRUNCATED_IMAGES:
            extras = {kind: extras[kind] for kind in extras if has_sense(header, kind, extras[kind], check_plain)}
        return header, extras

    def load(self) -> Any:
        """Decode the pixels, if that has not been done."""
        if self._undecoded:
            from .codec.decoder import decode

            file = self._file()
            file.seek(0)
            try:
                image = decode(file.read(), salvage=ImageFile.LOAD_TRUNCATED_IMAGES, max_pixels=UNLIMITED)
            except SkoshError as error:
                raise OSError(f"can't decode this .skosh file: {error}") from error
            self.im = image.im
            self._mode = image.mode  # without transparency, where that turned out to be damaged
            self._undecoded = False
            self._let_go()
        return super().load()

    def verify(self) -> None:
        """Check every checksum without decoding; as with Pillow's own formats, the picture has to be opened again afterwards."""
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
        """Close the file, if Pillow has opened it, and forget it."""
        if self._exclusive_fp and self.fp:
            self.fp.close()
        self.fp = None


def _accept(prefix: bytes) -> bool:
    return prefix.startswith(SIGNATURE)


def _save(image: Image.Image, file: IO[bytes], filename: str | bytes) -> None:
    from .codec.encoder import encode

    options = {key: image.encoderinfo[key] for key in ENCODE_OPTIONS if key in image.encoderinfo}
    try:
        data = encode(image, metadata=_metadata(image), max_pixels=UNLIMITED, **options)
    except SkoshError as error:
        raise OSError(f"can't encode this picture: {error}") from error
    file.write(data)


def _metadata(image: Image.Image) -> Metadata:
    """What the picture carries, unless ``save`` was given something else."""
    given = {key: image.encoderinfo[key] for key in FIELDS if key in image.encoderinfo}
    for key, value in given.items():
        if not isinstance(value, (bytes, str, Image.Exif, type(None))):
            raise TypeError(f"{key} is bytes or None, not {type(value).__name__}")
    instead = from_info(given)
    notes: list[str] = []
    carried = of_image(image, notes)
    for note in notes:
        warnings.warn(note, stacklevel=2)
    return replace(carried, **{FIELDS[key]: getattr(instead, FIELDS[key]) for key in given})


def register() -> None:
    """Tell Pillow of the format; doing it again changes nothing."""
    Image.register_open(FORMAT, SkoshImageFile, _accept)
    Image.register_save(FORMAT, _save)
    Image.register_extension(FORMAT, ".skosh")
    Image.register_mime(FORMAT, "image/x-skosh")


register()
