"""Rectangles: the tiles of a picture, and the windows through which the networks see it.

A picture is cut twice. *Tiles* are what the file is cut into: each has an entropy-coded stream of its own. *Windows* are what the networks
are run on, one at a time, so that memory stays bounded: a window is grown by the network's halo, as far as its receptive field reaches,
and only its core is kept. What comes out does not depend on either, but for the last bit of a float (and for refinement, which looks for its symbols window by window, and
corrections, of which each tile has its own).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy.typing as npt

from ..memory import give_back
from ..progress import stage

MANY = 16  # windows of a picture after which it is worth the while to give memory back


class Box(NamedTuple):
    """Rows ``top`` to ``bottom`` and columns ``left`` to ``right``, the ends not included."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        """Rows."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Columns."""
        return self.right - self.left

    def grown(self, by: int, within: Box) -> Box:
        """With ``by`` more on every side, cut off at the edges of ``within``."""
        return self.moved(-by, -by, by, by).cut_to(within)

    def moved(self, top: int, left: int, bottom: int, right: int) -> Box:
        """With every edge moved."""
        return Box(self.top + top, self.left + left, self.bottom + bottom, self.right + right)

    def cut_to(self, other: Box) -> Box:
        """What lies in both; empty or negative where they don't meet."""
        return Box(
            max(self.top, other.top),
            max(self.left, other.left),
            min(self.bottom, other.bottom),
            min(self.right, other.right),
        )

    def joined(self, other: Box) -> Box:
        """The smallest one that holds both."""
        return Box(
            min(self.top, other.top),
            min(self.left, other.left),
            max(self.bottom, other.bottom),
            max(self.right, other.right),
        )

    def meets(self, other: Box) -> bool:
        """Whether there is anything that lies in both."""
        both = self.cut_to(other)
        return both.height > 0 and both.width > 0

    def times(self, n: int) -> Box:
        """The same rectangle on a grid that is n times as fine."""
        return Box(*(n * edge for edge in self))

    def over(self, n: int) -> Box:
        """The smallest rectangle on a grid that is n times as coarse which holds this one."""
        return Box(self.top // n, self.left // n, -(-self.bottom // n), -(-self.right // n))

    def inside(self, outer: Box) -> Box:
        """The same rectangle in the coordinates of ``outer``."""
        return self.moved(-outer.top, -outer.left, -outer.top, -outer.left)

    def of(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """A view of this part of an array (..., H, W)."""
        return array[..., self.top : self.bottom, self.left : self.right]


def whole(height: int, width: int) -> Box:
    """All of a picture."""
    return Box(0, 0, height, width)


def split(box: Box, side: int) -> list[Box]:
    """Cut into squares of ``side``, in raster order; those at the right and at the bottom may be smaller. A side of 0 cuts nothing."""
    if not side:
        return [box]
    return [
        Box(top, left, min(top + side, box.bottom), min(left + side, box.right))
        for top in range(box.top, box.bottom, side)
        for left in range(box.left, box.right, side)
    ]


def each(boxes: list[Box], work: Callable[[Box], None], threads: int, what: str = "") -> None:
    """Do the work for every box, several at a time; the first error ends it. Where the system refuses threads, there are fewer.

    ``what`` it is called where progress is shown: a part of the whole work, after which memory is given back.
    """
    if what:
        with stage(what, len(boxes)) as one:
            each(boxes, one.counting(work), threads)
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
            except RuntimeError:  # the system refuses one
                break
            started.append(other)
        take()
        for other in started:
            other.join()
    except BaseException as error:  # Ctrl-C
        errors.append(error)
    if errors:
        raise errors[0]
