"""Windows: what the networks see at once, so that memory stays bounded whatever a picture's size."""

from __future__ import annotations

from ..bundle.bundle import Bundle
from .boxes import Box, split

WINDOW = 768  # side in pixels of a square of as many pixels as the networks see at once, without their halo


def is_large(height: int, width: int) -> bool:
    """Whether so many pixels take more than one window."""
    return height * width > WINDOW * WINDOW


def pixel_windows(area: Box) -> list[Box]:
    """The windows of a box of pixels."""
    return in_windows(area, WINDOW)


def latent_windows(bundle: Bundle, grid: Box) -> list[Box]:
    """The windows of a box of latents."""
    return in_windows(grid, WINDOW // bundle.stride)


def in_windows(area: Box, side: int) -> list[Box]:
    """The area itself, whatever its shape, where it is no larger than a square of ``side``; else such squares."""
    return [area] if area.height * area.width <= side * side else split(area, side)
