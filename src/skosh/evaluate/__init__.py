"""Measure codecs against each other, from files on disk: ``skosh eval`` and ``skosh compare``.

Uses the public names of skosh, the shared LPIPS, and the codec's own ways to find pictures, read them and write files.
Needs the extra "eval" (PyTorch, pytorch-msssim, bjontegaard, matplotlib, ...).
"""

from __future__ import annotations

import skosh


class UsageError(skosh.SkoshError):
    """A codec, quality or metric was asked for that does not exist."""
