"""The pictures of a report as HTML, with their pixels inside of the page.

Crops are stored without loss: they show what codecs lose. The whole picture is there to say where they come from.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from typing import Any

from PIL import Image

from .compare import Panel
from .crops import Box
from .figure import marked, scores
from .gallery import Exhibit

ENLARGED = 2  # times
WHOLE = 480  # pixels of a whole picture's width, at most
WHOLE_QUALITY = 85  # WebP


def showcase(exhibits: Sequence[Exhibit], bpp: float) -> list[str]:
    """The section, or nothing."""
    if not exhibits:
        return []
    note = (
        f"At about {bpp:g} bits a pixel, from the measured settings whose files are nearest to each other in size. "
        f"Crops are enlarged {ENLARGED} times, pixel by pixel, and kept without loss; the frames in the reduced "
        "original say where they come from. Whole pictures lie in the folder pictures of the report."
    )
    return ["<h2>Pictures</h2>", f"<p>{note}</p>", *(section(one) for one in exhibits)]


def section(exhibit: Exhibit) -> str:
    """One picture: where its crops are, and a row of enlarged crops for each."""
    original = exhibit.panels[0].picture
    boxes = [box for _, box in exhibit.crops]
    parts = [
        f"<h3>{html.escape(exhibit.name)}, {original.width}x{original.height}</h3>",
        whole(original, boxes, exhibit.name),
    ]
    for place, (reason, box) in enumerate(exhibit.crops):
        width, height = box[2] - box[0], box[3] - box[1]
        parts.append(f"<h4>{place + 1}. {html.escape(reason)}: {width}x{height} pixels at {box[0]},{box[1]}</h4>")
        parts.append(f'<div class="crops">{"".join(crop(panel, box) for panel in exhibit.panels)}</div>')
    return f"<section>{''.join(parts)}</section>"


def whole(original: Image.Image, boxes: Sequence[Box], name: str) -> str:
    """The reduced original with frames."""
    width = min(WHOLE, original.width)
    height = max(1, round(original.height * width / original.width))
    shown = original.resize((width, height), Image.Resampling.LANCZOS)
    for box in boxes:
        shown = marked(shown, box, width / original.width)
    source = data(shown, quality=WHOLE_QUALITY)
    return f'<img src="{source}" width="{width}" height="{height}" alt="{html.escape(name)}, frames around the crops">'


def crop(panel: Panel, box: Box) -> str:
    """A crop with what it took and what it scored."""
    width, height = ENLARGED * (box[2] - box[0]), ENLARGED * (box[3] - box[1])
    source = data(panel.picture.crop(box), lossless=True)
    lines = [f"<b>{html.escape(panel.label)}</b>{html.escape(f', {panel.setting}' if panel.setting else '')}"]
    if panel.setting:
        lines += [f"{panel.bytes:,} bytes, {panel.bpp:.3f} bpp", html.escape(", ".join(scores(panel.metrics)))]
    picture = f'<img src="{source}" width="{width}" height="{height}" alt="{html.escape(panel.label)}">'
    return f"<figure>{picture}<figcaption>{'<br>'.join(lines)}</figcaption></figure>"


def data(image: Image.Image, **options: Any) -> str:
    """A picture as the address of an image: WebP, which every browser of today shows."""
    file = io.BytesIO()
    image.save(file, "WEBP", method=6, **options)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()
