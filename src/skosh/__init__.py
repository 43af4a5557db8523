"""skosh: a learned image codec. ``encode`` a picture to bytes, ``decode`` them, ask ``info`` of them.

Names are loaded when they are first used: ``import skosh`` alone costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .bundle import Bundle
    from .codec.decoder import decode
    from .codec.encoder import encode
    from .codec.file_info import info
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
    found = globals()[name] = getattr(import_module(_HOMES[name], __name__), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def register_opener() -> None:
    """Let Pillow open and save ``.skosh`` files: after it, ``Image.open("a.skosh")`` works."""
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
    "register_opener",
]
