"""skosh: a learned image codec. ``encode`` a picture to bytes, ``decode`` them, ask ``info`` of them."""

from .decode import decode, info
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

__version__ = "0.1.0"

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
]
