"""skosh: a learned image codec. ``encode`` a picture, ``decode`` a file, ``open`` it with Pillow, show its ``info``.

All take a path, a file opened in binary mode, or bytes. Names are loaded on first use, so that ``import skosh`` is
cheap.
"""

from __future__ import annotations

TYPE_CHECKING = False  # true for type checkers; importing typing would take most of the import's time
if TYPE_CHECKING:
    from typing import Any

    from .bundle import Bundle
    from .codec.decoder import decode
    from .codec.encoder import encode
    from .codec.file_info import info
    from .codec.image_file import open
    from .errors import (
        BundleError,
        ConfigError,
        DependencyError,
        FormatError,
        ImageError,
        LimitError,
        SkoshError,
    )
    from .picture.metadata import Metadata

__version__ = "0.1.0"

_HOMES = {
    "encode": ".codec.encoder",
    "decode": ".codec.decoder",
    "info": ".codec.file_info",
    "open": ".codec.image_file",
    "Bundle": ".bundle",
    "Metadata": ".picture.metadata",
    **dict.fromkeys(
        (
            *("SkoshError", "FormatError", "BundleError", "LimitError"),
            *("ImageError", "ConfigError", "DependencyError"),
        ),
        ".errors",
    ),
}


def __getattr__(name: str) -> Any:  # PEP 562
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found = globals()[name] = getattr(import_module(_HOMES[name], __name__), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def register_opener() -> None:
    """Let Pillow open and save ``.skosh`` files, as in ``Image.open("a.skosh")``."""
    from . import pillow_plugin

    pillow_plugin.register()


__all__ = [
    "Bundle",
    "BundleError",
    "ConfigError",
    "DependencyError",
    "FormatError",
    "ImageError",
    "LimitError",
    "Metadata",
    "SkoshError",
    "decode",
    "encode",
    "info",
    "open",
    "register_opener",
]
