"""Depth of samples, and whether zero is white, where Pillow does not say: in TIFF, JPEG 2000 and AVIF."""

from __future__ import annotations

from PIL import Image

from .parts import leading_bytes

SIXTEEN_BITS = 65535.0
BITS, PHOTOMETRIC, LARGEST = 258, 262, 281  # tags of TIFF


WHITE_IS_ZERO = 0  # photometric
LOOK = 1 << 14  # bytes of a file in which the header is sought


def full_scale(image: Image.Image) -> float:
    """Return the value of white in deep grey.

    Pillow leaves a TIFF's samples unscaled, and scales those of other formats to 16 bits. A TIFF's largest value counts
    where it is that of a depth (1023, 4095): cameras put 10 or 12 bits into 16.
    """
    tags = getattr(image, "tag_v2", {})
    bits = _first(tags.get(BITS))
    if bits is not None and 8 < bits < 16:
        return float((1 << bits) - 1)
    largest = _first(tags.get(LARGEST))
    if bits == 16 and largest is not None and largest in {(1 << depth) - 1 for depth in range(9, 16)}:
        return float(largest)
    return SIXTEEN_BITS


def white_is_zero(image: Image.Image) -> bool:
    """Return whether this is a TIFF of more than 8 bits with white at zero. Pillow handles that up to 8 bits only."""
    return _first(getattr(image, "tag_v2", {}).get(PHOTOMETRIC)) == WHITE_IS_ZERO


def _first(value: object) -> int | None:
    value = value[0] if isinstance(value, tuple) and value else value
    return value if isinstance(value, int) else None


def is_deep(image: Image.Image) -> bool:
    """Return whether a JPEG 2000 or AVIF file has more than 8 bits a channel. Call this before the data are loaded."""
    if image.format == "JPEG2000":
        head = leading_bytes(image, LOOK)
        at = head.find(
            b"\xff\x4f\xff\x51"
        )  # begin of the codestream, and its sizes: 40 bytes before the first channel's depth
        return at >= 0 and any(depth & 0x7F > 7 for depth in head[at + 42 : at + 43])
    if image.format == "AVIF":
        head = leading_bytes(image, LOOK)
        at = head.find(b"av1C")  # AV1 Codec ISO Media File Format Binding, section 2.3.3
        return at >= 0 and any(flags & 0x40 for flags in head[at + 6 : at + 7])
    return False
