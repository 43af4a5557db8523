"""``Image.open("a.skosh")`` and ``image.save("a.skosh")``: importing this module, or ``skosh.register_opener()``, teaches Pillow the format.

Opening reads the header and the metadata; pixels are decoded when they are first asked for. ``Image.Image.save`` takes ``quality``, ``model``, ``threads``,
``tile``, ``strip``, ``target_bytes``, ``target_psnr``, ``icc_profile``, ``exif`` and ``xmp``; the last three default to what the picture carries.
"""

from __future__ import annotations

from typing import IO, Any

from PIL import Image, ImageFile

from . import metadata
from .container import ALPHA, SIGNATURE, read, read_head
from .errors import SkoshError

FORMAT = "SKOSH"
ENCODE_OPTIONS = ("quality", "model", "threads", "tile", "strip", "target_bytes", "target_psnr", "max_pixels")
INFO_OPTIONS = ("icc_profile", "exif", "xmp")


class SkoshImageFile(ImageFile.ImageFile):
    """A ``.skosh`` file that Pillow has opened. What is wrong with it comes as a SyntaxError when it is opened and as an OSError when it is loaded."""

    format = FORMAT
    format_description = "skosh learned image"

    def _open(self) -> None:
        assert self.fp is not None
        try:
            header, extras = read_head(self.fp, max_pixels=1 << 62)  # Pillow has its own check of sizes
            self.info.update(metadata.to_info(metadata.unpack(extras)))
        except SkoshError as error:
            raise SyntaxError(str(error)) from error
        self._size = header.width, header.height
        self._mode = {"RGB": "RGB", "L": "L"}[header.mode]
        if ALPHA in extras:
            self._mode = {"RGB": "RGBA", "L": "LA"}[header.mode]
        self.info["quality"] = header.quality
        self.tile = []
        self._undecoded = True

    def load(self) -> Any:
        """Decode the pixels, if that has not been done."""
        if getattr(self, "_undecoded", False):
            from .decode import decode

            assert self.fp is not None
            self.fp.seek(0)
            try:
                image = decode(self.fp.read(), max_pixels=1 << 62)
            except SkoshError as error:
                raise OSError(f"can't decode this .skosh file: {error}") from error
            image.load()
            self.im = image.im
            self._undecoded = False
            if self._exclusive_fp and self._close_exclusive_fp_after_loading:
                self.fp.close()
            self.fp = None
        return super().load()

    def verify(self) -> None:
        """Check every checksum without decoding; as with Pillow's own formats, the picture has to be opened again afterwards."""
        assert self.fp is not None
        self.fp.seek(0)
        try:
            read(self.fp.read(), max_pixels=1 << 62)
        except SkoshError as error:
            raise SyntaxError(str(error)) from error
        finally:
            if self._exclusive_fp:
                self.fp.close()
            self.fp = None


def _accept(prefix: bytes) -> bool:
    return prefix.startswith(SIGNATURE)


def _save(image: Image.Image, file: IO[bytes], filename: str | bytes) -> None:
    from .encode import encode

    options = {key: image.encoderinfo[key] for key in ENCODE_OPTIONS if key in image.encoderinfo}
    carried = {key: image.encoderinfo[key] for key in INFO_OPTIONS if key in image.encoderinfo}
    if isinstance(carried.get("exif"), Image.Exif):
        carried["exif"] = carried["exif"].tobytes()
    if carried:
        image = image.copy()
        image.info.update(carried)
    try:
        data = encode(image, **options)
    except SkoshError as error:
        raise OSError(f"can't encode this picture: {error}") from error
    file.write(data)


def register() -> None:
    """Tell Pillow of the format; doing it again changes nothing."""
    Image.register_open(FORMAT, SkoshImageFile, _accept)
    Image.register_save(FORMAT, _save)
    Image.register_extension(FORMAT, ".skosh")
    Image.register_mime(FORMAT, "image/x-skosh")


register()
