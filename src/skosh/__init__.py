"""skosh: a learned image codec. ``encode`` a picture to bytes, ``decode`` them, ask ``info`` of them."""

from .decode import decode
from .encode import encode
from .errors import (
    BundleError,
    ConfigError,
    DependencyError,
    FormatError,
    ImageError,
    LimitError,
    SkoshError,
)
from .glance import info

__version__ = "0.1.0"


def register_opener() -> None:
    """Let Pillow open and save ``.skosh`` files: after it, ``Image.open("a.skosh")`` works."""
    from . import pillow_plugin

    pillow_plugin.register()


__all__ = [
    "BundleError",
    "ConfigError",
    "DependencyError",
    "FormatError",
    "ImageError",
    "LimitError",
    "SkoshError",
    "decode",
    "encode",
    "info",
    "register_opener",
]
