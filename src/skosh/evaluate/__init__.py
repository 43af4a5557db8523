"""Measuring codecs against each other, from files on disk: ``skosh eval`` and ``skosh compare``.

Uses the public names of skosh, LPIPS of its training, and of the codec how pictures are found and read and files are written. Needs the extra "eval" (PyTorch, pytorch-msssim, bjontegaard, matplotlib, ...).
"""

from __future__ import annotations

import skosh


class UsageError(skosh.SkoshError):
    """Something was asked for that there is not: a codec, a quality, a metric."""
