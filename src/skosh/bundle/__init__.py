"""Bundles: networks, tables and a manifest in a folder. ``load`` one to encode or decode with it many times."""

from .bundle import Bundle
from .loading import load

__all__ = ["Bundle", "load"]
