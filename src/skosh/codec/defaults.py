"""Defaults of the encoder. Imports nothing, so that help appears at once."""

from __future__ import annotations

DEFAULT_QUALITY = 50

DEFAULT_TILE = 1024  # pixels

EFFORT_MAX = 3  # the last of refine.EFFORTS
