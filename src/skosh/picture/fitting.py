"""Fit a profile to its picture: readers ignore or refuse one of other channels or of too many bytes."""

from __future__ import annotations

from dataclasses import replace

from PIL import Image

from .colours import to_srgb
from .metadata import Metadata
from .profiles import grey_curve, parse, recognise
from .spaces import BT709, GREY, PRIMARIES, SRGB_GREY, Space, adaptation, colorants
from .standard import grey_profile, profile, rgb_profile

GREYS = ("L", "LA")

WITHOUT_GREY = ("AVIF", "WEBP")  # always written in RGB

MOST = {  # most bytes of a profile in a kind of file, or for its readers
    "PNG": 1 << 20,  # Pillow's default
    "JPEG": 255 * (65_535 - 16),  # segments, and bytes of each
}


def fit(image: Image.Image, metadata: Metadata, notes: list[str]) -> tuple[Image.Image, Metadata]:
    """Return a picture of mode L, LA, RGB or RGBA, and metadata with a profile of its channels, or none.

    A grey picture with an RGB profile gets a grey profile of the same curve. Where the profile has no such curve, the
    pixels are converted to sRGB's greys. An unreadable profile stays.
    """
    grey = image.mode in GREYS
    found = fitting(metadata.icc, grey)
    if metadata.icc and not found:
        if grey and (parsed := parse(metadata.icc)) and parsed.space == b"RGB":
            notes.append(f"{_misfit(metadata.icc, grey)}: they are converted to sRGB")
            image = to_srgb(image, metadata.icc, notes)
        else:
            notes.append(f"{_misfit(metadata.icc, grey)}: it is left out")
    return image, replace(metadata, icc=found)


def fit_decoded(metadata: Metadata, grey: bool, notes: list[str]) -> Metadata:
    """Return a file's metadata with a profile of its pixels' channels, or none. Files that skosh wrote already fit."""
    found = fitting(metadata.icc, grey)
    if metadata.icc and not found:
        notes.append(f"{_misfit(metadata.icc, grey)}: it is left out")
    return replace(metadata, icc=found)


def fitting(icc: bytes | None, grey: bool) -> bytes | None:
    """Return an equivalent profile for grey or for RGB; None where there is none. An unreadable profile stays."""
    found = parse(icc) if icc else None
    if found is None or found.space == (b"GRAY" if grey else b"RGB"):
        return icc
    if not grey or found.space != b"RGB":
        return None
    curve = grey_curve(found)
    space = recognise(icc or b"")
    if space:
        return profile(Space(GREY, space.transfer, space.gamma))
    return grey_profile(curve, "Grey") if curve else None


def in_rgb(icc: bytes) -> bytes | None:
    """Return an RGB profile that shows equal channels as a grey profile shows grey; None where there is none."""
    space = recognise(icc)
    if space:
        return profile(Space(BT709, space.transfer, space.gamma))
    found = parse(icc)
    curve = grey_curve(found) if found else None
    if not curve:
        return None
    return rgb_profile(colorants(PRIMARIES[BT709]), adaptation(PRIMARIES[BT709][3]), curve, "Grey in RGB")


def held(image: Image.Image, icc: bytes, kind: str, notes: list[str]) -> tuple[Image.Image, bytes]:
    """Return a picture and its profile as a kind of file holds them.

    Where it can't hold the profile, colours are converted to sRGB, and the profile is empty.
    """
    found: bytes | None = icc
    why = f"its colour profile of {len(icc):,} bytes is more than readers of {kind} take"
    if kind in WITHOUT_GREY and image.mode in GREYS and parse(icc):
        why = f"{kind} pictures are RGB, which its grey profile is not for"
        found = b"" if recognise(icc) == SRGB_GREY else in_rgb(icc)
    if found is None or len(found) > MOST.get(kind, len(found)):
        notes.append(f"{why}: it is left out, and colours are converted to sRGB")
        return to_srgb(image, icc, notes), b""
    return image, found


def _misfit(icc: bytes, grey: bool) -> str:
    found = parse(icc)
    name = found.space.decode("ascii", "replace") if found else ""
    space = {"GRAY": "grey"}.get(name, name if name.isalnum() else "other channels")
    return f"its colour profile is for {space} and its pixels are {'grey' if grey else 'RGB'}"
