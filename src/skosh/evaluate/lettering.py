"""Reads lettering in pictures by an OCR (the package rapidocr-onnxruntime, whose networks come with it)."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

import skosh

Pixels = npt.NDArray[np.uint8]
Corners = tuple[tuple[float, float], ...]  # x, y: left top, right top, right bottom, left bottom
ENLARGED = 2  # times, before lettering is looked for: the OCR overlooks small letters
SURE = 0.8  # confidence of the OCR in what it reads in the original, at least
FEWEST = 2  # letters of a line
TALL = 1.5  # height over width from which on a line stands on its end
DRAWN = ("Platform 7 to Hamburg", "Please keep clear", "OPEN 9-17 Mon-Fri", "Exit 24B", "Rue de l'Eglise 108")
SIZES = (10, 12, 14, 18, 24)  # pixels


@dataclass(frozen=True)
class Line:
    """A line of lettering in the original."""

    corners: Corners
    text: str


class Reader:
    """The OCR. Pictures are RGB, (H, W, 3)."""

    def __init__(self) -> None:
        """Load the OCR's networks. Raises DependencyError if it is not installed."""
        if importlib.util.find_spec("rapidocr_onnxruntime") is None:
            raise skosh.DependencyError("no OCR: pip install rapidocr-onnxruntime (Python up to 3.12)")
        from rapidocr_onnxruntime import RapidOCR

        self._engine: Any = RapidOCR()
        self._last: tuple[Pixels, list[Line]] | None = None

    def compared(self, original: Pixels, decoded: Pixels) -> list[tuple[str, str]]:
        """Return the lines of the original, and what the same places of the decoded picture read as, without spaces.

        Lines are looked for in the original alone, and read in the same way from both.
        """
        if self._last is None or self._last[0] is not original:
            self._last = original, self.lines(original)
        picture = Image.fromarray(decoded)
        return [(line.text, self.read(picture, line.corners)[0]) for line in self._last[1]]

    def lines(self, original: Pixels) -> list[Line]:
        """Return the lines of a picture that the OCR is sure of."""
        picture = Image.fromarray(original)
        large = picture.resize((ENLARGED * picture.width, ENLARGED * picture.height), Image.Resampling.BICUBIC)
        boxes, _ = self._engine(bgr(large), use_cls=False)
        found = []
        for corners, *_ in boxes or []:
            place = tuple((x / ENLARGED, y / ENLARGED) for x, y in corners)
            text, confidence = self.read(picture, place)
            if confidence >= SURE and len(text) >= FEWEST:
                found.append(Line(place, text))
        return found

    def read(self, picture: Image.Image, corners: Corners) -> tuple[str, float]:
        """Return what a line reads as, without spaces, and the confidence, 0 to 1."""
        found, _ = self._engine(bgr(straightened(picture, corners)), use_det=False, use_cls=False)
        text, confidence = found[0] if found else ("", 0.0)
        return "".join(text.split()), float(confidence)


def straightened(picture: Image.Image, corners: Corners) -> Image.Image:
    """A line cut out, upright and enlarged."""
    top, side = (np.hypot(*np.subtract(corners[0], corners[place])) for place in (1, 3))
    size = max(8, round(ENLARGED * float(top))), max(8, round(ENLARGED * float(side)))
    order = (0, 3, 2, 1)  # as Pillow has it: left top, left bottom, right bottom, right top
    quad = [coordinate for place in order for coordinate in corners[place]]
    line = picture.transform(size, Image.Transform.QUAD, quad, Image.Resampling.BICUBIC)
    return line.transpose(Image.Transpose.ROTATE_90) if size[1] >= TALL * size[0] else line


def bgr(picture: Image.Image) -> Pixels:
    """A picture as the OCR takes it: blue first."""
    return np.ascontiguousarray(np.asarray(picture)[:, :, ::-1])


def drawn_on(picture: Image.Image) -> Image.Image:
    """A picture with lines of lettering of several sizes, black or white by what is behind them."""
    sheet = picture.copy()
    draw, top = ImageDraw.Draw(sheet), 8
    place = 0
    while top + SIZES[-1] < sheet.height:
        size, text = SIZES[place % len(SIZES)], DRAWN[place % len(DRAWN)]
        left = 8 + 40 * (place % 3)
        behind = np.asarray(sheet.crop((left, top, sheet.width, top + size)).convert("L")).mean()
        draw.text((left, top), text, "white" if behind < 128 else "black", ImageFont.load_default(size))
        top, place = top + 2 * size + 8, place + 1
    return sheet
