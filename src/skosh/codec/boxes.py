"""Rectangles: the tiles of a picture, and the windows through which the networks see it.

A picture is cut twice. *Tiles* divide the file: each has an entropy-coded stream of its own. *Windows* bound memory:
the networks run on one at a time, grown by their halo (the reach of their receptive field), and only its core is kept.

The result depends on neither, but for the last bit of a float, for refinement (which works window by window) and for
Wiener filters (one a tile).
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy.typing as npt

from ..memory import give_back
from ..progress import stage

# Windows or tiles of a picture, from which on memory is given back after each stage, and in its course, too (which
# saves 10 % of the memory and costs as much time).
MANY, VERY_MANY = 16, 48


class Box(NamedTuple):
    """Rows ``top`` to ``bottom`` and columns ``left`` to ``right``, ends excluded."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        """Return the number of rows."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Return the number of columns."""
        return self.right - self.left

    def grown(self, by: int, within: Box) -> Box:
        """Return the box with ``by`` more on every side, cut at the edges of ``within``."""
        return self.moved(-by, -by, by, by).cut_to(within)

    def moved(self, top: int, left: int, bottom: int, right: int) -> Box:
        """Return the box with every edge moved."""
        return Box(self.top + top, self.left + left, self.bottom + bottom, self.right + right)

    def cut_to(self, other: Box) -> Box:
        """Return the common part of both boxes, empty or negative where they do not meet."""
        return Box(
            max(self.top, other.top),
            max(self.left, other.left),
            min(self.bottom, other.bottom),
            min(self.right, other.right),
        )

    def joined(self, other: Box) -> Box:
        """Return the smallest box around both."""
        return Box(
            min(self.top, other.top),
            min(self.left, other.left),
            max(self.bottom, other.bottom),
            max(self.right, other.right),
        )

    def meets(self, other: Box) -> bool:
        """Return whether the boxes overlap."""
        both = self.cut_to(other)
        return both.height > 0 and both.width > 0

    def times(self, n: int) -> Box:
        """Return the same rectangle on a grid that is n times as fine."""
        return Box(*(n * edge for edge in self))

    def over(self, n: int) -> Box:
        """Return the smallest rectangle around this one on a grid that is n times as coarse."""
        return Box(self.top // n, self.left // n, -(-self.bottom // n), -(-self.right // n))

    def inside(self, outer: Box) -> Box:
        """Return the same rectangle in the coordinates of ``outer``."""
        return self.moved(-outer.top, -outer.left, -outer.top, -outer.left)

    def of(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return a view of this part of an array (..., H, W)."""
        return array[..., self.top : self.bottom, self.left : self.right]


def whole(height: int, width: int) -> Box:
    """Return the box of a whole picture."""
    return Box(0, 0, height, width)


def split(box: Box, side: int) -> list[Box]:
    """Cut a box into squares of ``side``, in raster order; a side of 0 cuts nothing.

    Squares at the right and at the bottom may be smaller.
    """
    if not side:
        return [box]
    return [
        Box(top, left, min(top + side, box.bottom), min(left + side, box.right))
        for top in range(box.top, box.bottom, side)
        for left in range(box.left, box.right, side)
    ]


def each(boxes: list[Box], work: Callable[[Box], None], threads: int, what: str = "") -> None:
    """Do the work for every box, ``threads`` at a time; the first error ends it.

    Where the system refuses threads, fewer run. ``what``: the name of the stage in the display of progress. In the
    course of a long one and after it, memory is given back.
    """
    if what:
        with stage(what, len(boxes)) as one:
            each(boxes, one.counting(thrifty(work) if len(boxes) >= VERY_MANY else work), threads)
        if len(boxes) >= MANY:
            give_back()
        return
    left, door = iter(boxes), threading.Lock()
    errors: list[BaseException] = []

    def take() -> None:
        while not errors:
            with door:
                box = next(left, None)
            if box is None:
                return
            try:
                work(box)
            except BaseException as error:
                errors.append(error)

    others = [threading.Thread(target=take) for _ in range(min(threads, len(boxes)) - 1)]
    started = []
    try:
        for other in others:
            try:
                other.start()
            except RuntimeError:  # the system refuses it
                break
            started.append(other)
        take()
        for other in started:
            other.join()
    except BaseException as error:  # Ctrl-C
        errors.append(error)
    if errors:
        raise errors[0]


def thrifty(work: Callable[[Box], None]) -> Callable[[Box], None]:
    """Return the same work, but let it give memory back after every second box: what threads free lies scattered."""
    done = itertools.count(1)

    def spared(box: Box) -> None:
        work(box)
        if next(done) % 2 == 0:
            give_back()

    return spared
