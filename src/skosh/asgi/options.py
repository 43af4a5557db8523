"""How pictures are served."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import ImageColor

from ..limits import MAX_THREADS
from ..picture.kinds import kinds

if TYPE_CHECKING:
    from ..bundle import Bundle


@dataclass(frozen=True)
class Options:
    """Options of ``Pictures``. A wrong value is a ValueError.

    12 megapixels take about 25 s of a core as AVIF, 15 s as JPEG or WebP, and 500 MB. So ``decodes`` and ``max_pixels``
    bound the server's work and memory; ``timeout`` only bounds how long a client waits.
    """

    model: str | os.PathLike[str] | Bundle | None = None  # a bundle that is not installed, as in ``skosh.decode``
    avif: int | None = 60  # quality, 0 to 100; None: not offered
    avif_speed: int = 8  # 0 to 10; 10 is fastest
    webp: int | None = 80  # quality, 0 to 100; None: not offered
    jpeg: int | None = 80  # quality, 0 to 100; None: not offered
    background: str | None = None  # colour behind transparent pictures as JPEG; None: those are never sent as JPEG
    strip: bool | Collection[str] = ("exif", "xmp")  # metadata that transcoded pictures lose; stored files keep theirs
    widths: Collection[int] = ()  # pixels: what ?width= may ask for
    cache_control: str | None = "public, max-age=3600"  # header of pictures; None: none
    cache_bytes: int = 64 << 20  # memory for transcoded pictures; 0: none are kept
    max_pixels: int = 24 << 20  # larger pictures are sent as they are stored, or not at all
    decodes: int = 2  # pictures decoded at once, at least 1
    threads: int = 1  # of one decoding, 0 for one a core
    waiting: int = 32  # pictures that may wait for their turn; beyond that the answer is 503
    timeout: float = 50.0  # seconds that a client waits before a 503; the work goes on, so that the next try finds it
    retry_after: int = 5  # seconds, header of a 503

    def __post_init__(self) -> None:
        for name, lowest, highest in (
            *((kind, 0, 100) for kind in ("avif", "webp", "jpeg") if getattr(self, kind) is not None),
            ("avif_speed", 0, 10),
            ("cache_bytes", 0, None),
            ("max_pixels", 1, None),
            ("decodes", 1, MAX_THREADS),
            ("threads", 0, MAX_THREADS),
            ("waiting", 0, None),
            ("retry_after", 0, None),
        ):
            value = getattr(self, name)
            if type(value) is not int or value < lowest or (highest is not None and value > highest):
                span = f"of {lowest} or more" if highest is None else f"from {lowest} to {highest}"
                raise ValueError(f"{name} is a whole number {span}, not {value!r}")
        if not self.timeout > 0:
            raise ValueError(f"timeout is in seconds, more than 0, not {self.timeout!r}")
        if any(type(width) is not int or width < 1 for width in self.widths):
            raise ValueError(f"widths are whole numbers of pixels, not {self.widths!r}")
        if self.cache_control is not None and not (self.cache_control.isascii() and self.cache_control.isprintable()):
            raise ValueError(f"cache_control is a line of ASCII, not {self.cache_control!r}")
        kinds(self.strip)
        if self.background is not None:
            ImageColor.getrgb(self.background)
