"""Convert colours of every kind to RGB or grey of 8 bits. Each loss becomes a line in ``notes``."""

from __future__ import annotations

import contextlib
import io
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

from .depth import SIXTEEN_BITS, full_scale, is_deep, white_is_zero
from .metadata import Metadata
from .parts import has_captions

ALPHA_MODES = ("RGBA", "LA", "PA", "RGBa", "La")
SIXTEEN_BIT_MODES = ("I;16", "I;16L", "I;16B", "I;16N")
CONVERTED = ("CMYK", "LAB")  # by their profile, which they then lose
FULL_SCALES = (1.0, 255.0, 65535.0)  # of floats
OVERSHOOT = 1.5  # times the full scale: still taken for a slight overshoot


class Layout(NamedTuple):
    """How a picture's file holds its samples, as the arguments of its decoder tell."""

    raw: str  # raw mode of the first tile, as Pillow names it: L;4, RGB;16B, LA;16B
    deep: bool  # more than 8 bits a channel
    known: bool  # whether the file says
    white: float = SIXTEEN_BITS  # largest value of deep grey
    inverted: bool = False  # whether 0 is white in deep grey


def layout_of(image: Image.Image) -> Layout:
    """Return how the file holds its samples.

    Call this before the data are loaded: Pillow forgets it then. Afterwards the file is opened again by its name, if it
    has one.
    """
    tiles = list(getattr(image, "tile", ()))
    if not tiles and (name := getattr(image, "filename", None)):
        with contextlib.suppress(Exception), Image.open(name) as again:  # gone, or another picture by now
            if (again.format, again.size) == (image.format, image.size):
                tiles = list(getattr(again, "tile", ()))
    raw = next((tile[-1] for tile in tiles), "")
    deep = any(map(_is_deep, tiles)) or is_deep(image)
    raw = raw if isinstance(raw, str) else ""
    return Layout(raw, deep, bool(tiles), full_scale(image), white_is_zero(image))


def _is_deep(tile: Any) -> bool:
    decoder, *_, arguments = tile
    words = arguments if isinstance(arguments, tuple) else (arguments,)
    if any(isinstance(word, str) and ";16" in word and not word.startswith("BGR;") for word in words):
        return True
    return decoder == "SGI16" or (decoder.startswith("ppm") and any(isinstance(n, int) and n > 255 for n in words))


def note_losses(image: Image.Image, layout: Layout, notes: list[str]) -> None:
    """Note what Pillow silently drops of a picture, as far as its header shows.

    Call this before the data are loaded.
    """
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        which = "the first" if image.tell() == getattr(image, "_min_frame", 0) else "one"
        what = "pictures" if image.format == "MPO" else "frames"
        notes.append(f"only {which} of its {frames} {what} is kept")
    if layout.deep and image.mode not in (*SIXTEEN_BIT_MODES, "I"):
        bits = "more than 8" if image.format in ("AVIF", "JPEG2000") else "16"
        notes.append(f"{bits} bits a channel are reduced to 8")
    if has_captions(image):
        notes.append("its IPTC captions are not kept")


def colour_key(image: Image.Image, layout: Layout) -> Any:
    """Return the one transparent colour, as the loaded pixels will have it, or None.

    Call this before the data are loaded. Pillow gives tRNS of a PNG of 2, 4 or 16 bits unscaled, and its pixels scaled
    to 8 bits.
    """
    key = image.info.get("transparency")
    if isinstance(key, tuple) and image.mode == "RGB":
        return tuple(value >> 8 for value in key) if layout.deep or max(key) > 255 else key
    if isinstance(key, int) and image.mode in ("1", "L", "I", *SIXTEEN_BIT_MODES):
        return 255 * bool(key) if image.mode == "1" else key * {"L;2": 85, "L;4": 17}.get(layout.raw, 1)
    return None


def note_transparency(image: Image.Image, key: Any, layout: Layout, notes: list[str]) -> None:
    """Note what of a picture's transparency is lost or inexact. Call this before the data are loaded."""
    if key is None and image.has_transparency_data and image.mode not in (*ALPHA_MODES, "P"):
        notes.append("its transparency is of an unknown kind and is not kept")
    if isinstance(key, tuple) and layout.deep:
        notes.append("its transparent colour is told by the upper 8 of its 16 bits")


def keyed_alpha(image: Image.Image, key: Any, layout: Layout, notes: list[str]) -> npt.NDArray[np.uint8]:
    """Return the transparency (H, W): 0 where the picture has the transparent colour, else 255."""
    same = np.asarray(image.convert("L") if image.mode == "1" else image) == np.asarray(key)
    if not layout.known and image.format == "PNG" and image.mode == "L" and key < 16 and not same.any():
        notes.append(
            "its transparent grey, perhaps of 2 or 4 bits, can't be told once it has been loaded: open it anew"
        )
    return np.where(same.all(axis=2) if same.ndim == 3 else same, 0, 255).astype(np.uint8)


def to_eight_bits(image: Image.Image, layout: Layout, notes: list[str]) -> Image.Image:
    """Convert deep grey and floats to grey of 8 bits; return other pictures unchanged."""
    if image.mode not in (*SIXTEEN_BIT_MODES, "I", "F"):
        return image
    values = np.asarray(image)
    finite = np.isfinite(values)
    least, most = (f(where=finite, initial=0) for f in (values.min, values.max))
    if image.mode == "F":
        full = next((full for full in FULL_SCALES if most <= full * OVERSHOOT), FULL_SCALES[-1])
        notes.append(f"floats are taken as 0 to {full:.0f} and reduced to 8 bits")
    else:
        full = layout.white
        notes.append(f"{int(full).bit_length()}-bit grey is reduced to 8 bits")
    if least < 0 or most > full or not finite.all():
        notes.append(f"values outside of 0 to {full:.0f} are clipped")
    reduced = np.empty(values.shape, np.uint8)
    for row, source in zip(reduced, values, strict=True):  # row by row, so that no large array of floats is made
        clipped = np.clip(np.nan_to_num(source.astype(np.float32), nan=0.0, posinf=full, neginf=0.0), 0.0, full)
        row[:] = np.rint((np.float32(full) - clipped if layout.inverted else clipped) * np.float32(255.0 / full))
    made = Image.fromarray(reduced)
    made.info = {key: value for key, value in image.info.items() if key != "transparency"}
    return made


def unpacked(image: Image.Image) -> Image.Image:
    """Convert the packed modes (BGR;15 and the like), which Pillow before 12 opens but cannot convert, to RGB."""
    if not image.mode.startswith("BGR;"):
        return image
    return Image.frombytes("RGB", image.size, image.tobytes(), "raw", image.mode.removesuffix(";24"))


def to_rgb(image: Image.Image, metadata: Metadata, notes: list[str]) -> tuple[Image.Image, Metadata]:
    """Return a picture of mode L, LA, RGB or RGBA, and the metadata that still hold for it."""
    if image.mode == "1":
        notes.append("black and white become grey levels")
        image = image.convert("L")
    if image.mode in ALPHA_MODES or (image.mode == "P" and image.has_transparency_data):
        image = image.convert("LA" if image.mode in ("LA", "La") else "RGBA")
    elif image.mode in CONVERTED:
        notes.append(f"{image.mode} is converted to RGB")
        image = to_srgb(image, metadata.icc, notes)
        metadata = replace(metadata, icc=None)  # it described other channels
    elif image.mode not in ("L", "RGB"):
        image = image.convert("RGB")
    return image, metadata


def without(
    image: Image.Image, metadata: Metadata, strip: frozenset[str], notes: list[str]
) -> tuple[Image.Image, Metadata]:
    """Drop kinds of metadata from a picture of mode L, LA, RGB or RGBA.

    Colours are converted to sRGB before a profile is dropped.
    """
    if "icc" in strip and metadata.icc:
        image = to_srgb(image, metadata.icc, notes)
    return image, replace(metadata, **dict.fromkeys(strip))


def to_srgb(image: Image.Image, icc: bytes | None, notes: list[str]) -> Image.Image:
    """Convert colours to sRGB, or to its greys, by their profile.

    Pictures without a usable profile are converted as Pillow does.
    """
    grey = image.mode in ("L", "LA")
    plain = image.convert("L" if grey else "RGB") if image.mode in ALPHA_MODES else image
    shown = plain
    if icc or image.mode == "LAB":
        try:
            shown = _by_profile(plain, icc)
        except (ImageCms.PyCMSError, OSError, ValueError):
            notes.append("its colour profile can't be used: colours may look different")
    shown = shown.convert("L" if grey else "RGB")
    if image.mode in ALPHA_MODES:
        shown.putalpha(image.getchannel("A"))
    return shown


def _by_profile(image: Image.Image, icc: bytes | None) -> Image.Image:
    """Convert to RGB in sRGB. Raises PyCMSError or another error for a damaged profile or one of other channels."""
    if image.mode == "LAB":  # its values speak for themselves; a profile beside it describes something else
        source = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    else:
        source = ImageCms.ImageCmsProfile(io.BytesIO(icc or b""))
        if image.mode == "L" and source.profile.xcolor_space.strip() == "RGB":
            image = image.convert("RGB")
    made = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    assert made is not None
    return made
