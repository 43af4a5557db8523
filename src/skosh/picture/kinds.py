"""The kinds of metadata, by the names that options give them. Loads nothing, so that help comes at once."""

from __future__ import annotations

from collections.abc import Iterable

KINDS = ("exif", "icc", "xmp")


def kinds(strip: bool | str | Iterable[str]) -> frozenset[str]:
    """Return the kinds of metadata to drop: all, none, or those named. Raises ValueError for an unknown name."""
    if isinstance(strip, bool):
        return frozenset(KINDS if strip else ())
    named = frozenset(strip.split(",") if isinstance(strip, str) else strip)
    if unknown := sorted(map(str, named - frozenset(KINDS))):
        raise ValueError(f"metadata are of the kinds {', '.join(KINDS)}, not {', '.join(unknown)}")
    return named
