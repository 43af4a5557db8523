"""Windows: what the networks see at once, so that memory is bounded for any size of picture."""

from __future__ import annotations

from ..bundle.bundle import Bundle
from .boxes import Box, split

WINDOW = 768  # pixels; a window has at most the area of a square of this side, without its halo


def is_large(height: int, width: int) -> bool:
    """Return whether a picture takes more than one window."""
    return height * width > WINDOW * WINDOW


def pixel_windows(area: Box, times: float = 1.0) -> list[Box]:
    """Return the windows of a box of pixels, of ``times`` the usual side."""
    return in_windows(area, int(times * WINDOW))


def latent_windows(bundle: Bundle, grid: Box) -> list[Box]:
    """Return the windows of a box of latents."""
    return in_windows(grid, WINDOW // bundle.stride)


def in_windows(area: Box, side: int) -> list[Box]:
    """Return the area whole where it is no larger than a square of ``side``, whatever its shape; else such squares."""
    return [area] if area.height * area.width <= side * side else split(area, side)
