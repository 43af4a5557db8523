"""Pillow plugin: ``Image.open("a.skosh")`` and ``image.save("a.skosh")``.

Importing this module, or ``skosh.register_opener()``, teaches Pillow the format.

Opening reads header and metadata, and needs no model. Pixels are decoded when they are first asked for, with the
realism that the file or its bundle asks for; ``draft`` and ``thumbnail`` decode a small picture where that is enough.
Errors follow Pillow's plugins: a SyntaxError on opening, which Pillow turns into an UnidentifiedImageError, and an
OSError on loading. With ``ImageFile.LOAD_TRUNCATED_IMAGES``, the rest of a damaged file is shown, and lost parts are
grey.

``Image.Image.save`` takes the options of ``skosh.encode``: ``quality``, ``model``, ``threads``, ``effort``, ``tune``,
``denoise``, ``realism``, ``tile``, ``strip``, ``target_bytes`` and ``target_psnr``. It also takes ``icc_profile``,
``exif`` (bytes or ``Image.Exif``) and ``xmp``. These three **default to what the picture carries**; Pillow's own
plugins drop EXIF and XMP by default. None or ``b""`` drops one.

Pixels are stored upright by EXIF's orientation, which becomes 1. Of an animation, the current frame is saved, with a
warning. ``save_all`` and ``append_images`` are refused where they would make several frames.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import IO, Any

from PIL import Image

from .codec.image_file import FORMAT, SkoshImageFile
from .errors import SkoshError
from .files import SIGNATURE
from .limits import UNLIMITED  # Pillow has its own check of sizes
from .picture.metadata import Metadata, from_info, of_image

ENCODE_OPTIONS = (
    *("quality", "model", "threads", "target_bytes", "target_psnr", "effort", "tune", "denoise", "realism"),
    *("tile", "strip"),
)
FIELDS = {"icc_profile": "icc", "exif": "exif", "xmp": "xmp"}  # argument of save -> field of Metadata


def _accept(prefix: bytes) -> bool:
    return prefix.startswith(SIGNATURE)


def _save(image: Image.Image, file: IO[bytes], filename: str | bytes) -> None:
    from .codec.encoder import encode

    _refuse_frames(1, image.encoderinfo)
    options = {key: image.encoderinfo[key] for key in ENCODE_OPTIONS if key in image.encoderinfo}
    try:
        data = encode(image, metadata=_metadata(image), max_pixels=UNLIMITED, **options)
    except SkoshError as error:
        raise OSError(f"can't encode this picture: {error}") from error
    file.write(data)


def _save_all(image: Image.Image, file: IO[bytes], filename: str | bytes) -> None:
    _refuse_frames(getattr(image, "n_frames", 1), image.encoderinfo)
    _save(image, file, filename)


def _refuse_frames(own: int, options: dict[str, Any]) -> None:
    """Raise OSError for more than one frame, own and appended ones together."""
    appended = options.get("append_images") or ()
    count = own + sum(getattr(other, "n_frames", 1) for other in appended)
    if count > 1:
        raise OSError(f"a .skosh file holds one picture, not {count}: save each of them by itself")


def _metadata(image: Image.Image) -> Metadata:
    """Return the picture's metadata, overridden by the arguments of ``save``."""
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
    """Register the format with Pillow; doing it again changes nothing."""
    Image.register_open(FORMAT, SkoshImageFile, _accept)
    Image.register_save(FORMAT, _save)
    Image.register_save_all(FORMAT, _save_all)
    Image.register_extension(FORMAT, ".skosh")
    Image.register_mime(FORMAT, "image/x-skosh")


register()
