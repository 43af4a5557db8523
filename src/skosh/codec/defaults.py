"""What the encoder does unless it is told otherwise. Nothing is imported here, so that help is shown at once."""

from __future__ import annotations

DEFAULT_QUALITY = 50

DEFAULT_TILE = 1024  # pixels

EFFORT_MAX = 3  # the last of refine.EFFORTS
