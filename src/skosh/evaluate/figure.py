"""The figure of a comparison.

Three pictures side by side with their figures under them, and a row of the crop, enlarged.
"""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from .compare import Comparison, Panel
from .crops import Box
from .curves import TABLED, measure, reported
from .metrics import Values

COLUMN = 768  # pixels; larger pictures are reduced
GAP = 12
LETTER = 0.52  # width of a letter, as a share of the text's size
INK, SOFT, MARK = "#111111", "#555555", "#d55e00"


def figure(comparison: Comparison, column: int = COLUMN) -> Image.Image:
    """Draw the figure on white.

    Pictures wider than ``column`` are reduced. The crop is never reduced below its own pixels unless it is wider.
    """
    original = comparison.panels[0].picture
    width = min(column, original.width)
    height = round(original.height * width / original.width)
    zoomed = [enlarged(panel.picture, comparison.crop, width) for panel in comparison.panels]
    text = text_size(width)
    lines = max(len(captions(panel, original.size, width)) for panel in comparison.panels)
    caption = round(text * 1.45) * max(lines, 3) + GAP
    sheet = Image.new(
        "RGB", (3 * width + 4 * GAP, height + caption + zoomed[0].height + 3 * GAP + round(1.6 * text)), "white"
    )
    for place, panel in enumerate(comparison.panels):
        left = GAP + place * (width + GAP)
        shown = panel.picture.resize((width, height), Image.Resampling.LANCZOS)
        sheet.paste(marked(shown, comparison.crop, width / original.width), (left, GAP))
        write(sheet, captions(panel, original.size, width), left, GAP + height + 6, text)
        sheet.paste(zoomed[place], (left, GAP + height + caption + GAP))
    foot = (
        f"crop {'x'.join(map(str, size_of(comparison.crop)))} at {comparison.crop[0]},{comparison.crop[1]}, "
        f"enlarged {width / size_of(comparison.crop)[0]:.1f} times"
    )
    note = f"{foot}; {comparison.note}" if comparison.note else foot
    ImageDraw.Draw(sheet).text((GAP, sheet.height - round(1.5 * text)), note, SOFT, font(round(text * 0.85)))
    return sheet


def captions(panel: Panel, size: tuple[int, int], width: int) -> list[str]:
    """The lines under a picture."""
    if not panel.metrics:
        shown = "" if size[0] == width else f", shown at {width / size[0]:.0%}"
        return [panel.label, f"{size[0]}x{size[1]}, {panel.bytes:,} bytes on disk{shown}"]
    figures = wrapped(scores(panel.metrics), int(width / (LETTER * text_size(width))))
    return [f"{panel.label}, {panel.setting}", f"{panel.bytes:,} bytes, {panel.bpp:.3f} bpp", *figures]


def scores(metrics: Values) -> list[str]:
    """A picture's metrics in words, without those that it is too small for."""
    shown = [(measure(key), metrics[key]) for key in reported(TABLED, [metrics])]
    return [
        f"{found.label} {found.show(value)}{' dB' if found.unit.startswith('dB') else ''}"
        for found, value in shown
        if value is not None
    ]


def wrapped(words: Sequence[str], length: int) -> list[str]:
    """Join words with commas to lines of at most ``length`` letters, of one word at least."""
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + len(word) + 2 <= length:
            lines[-1] += f", {word}"
        else:
            lines.append(word)
    return lines


def text_size(width: int) -> int:
    """The size of the text below a column, in pixels."""
    return max(12, width // 36)


def write(sheet: Image.Image, lines: list[str], left: int, top: int, size: int) -> None:
    """Lines of text, the first one dark."""
    draw = ImageDraw.Draw(sheet)
    for place, line in enumerate(lines):
        draw.text((left, top + place * round(size * 1.45)), line, SOFT if place else INK, font(size))


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return the font that Pillow brings."""
    return ImageFont.load_default(size)


def enlarged(picture: Image.Image, crop: Box, width: int) -> Image.Image:
    """Return a crop at a column's width: nearest neighbour, unless it has to be reduced."""
    box_width, box_height = size_of(crop)
    way = Image.Resampling.NEAREST if box_width <= width else Image.Resampling.LANCZOS
    return picture.crop(crop).resize((width, max(1, round(box_height * width / box_width))), way)


def marked(picture: Image.Image, crop: Box, scale: float) -> Image.Image:
    """A picture with a frame around the crop."""
    framed = picture.copy()
    corners = [round(side * scale) for side in crop]
    corners[2:] = [max(corners[0] + 1, corners[2] - 1), max(corners[1] + 1, corners[3] - 1)]
    ImageDraw.Draw(framed).rectangle(corners, outline=MARK, width=2)
    return framed


def size_of(box: Box) -> tuple[int, int]:
    """Width and height."""
    return box[2] - box[0], box[3] - box[1]
