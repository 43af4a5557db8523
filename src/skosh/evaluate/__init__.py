"""Measuring codecs against each other, from files on disk: ``skosh eval`` and ``skosh compare``.

Uses the public names of skosh only. Needs the extra "eval" (PyTorch, pytorch-msssim, bjontegaard, matplotlib, ...).
"""

from __future__ import annotations

import skosh


class UsageError(skosh.SkoshError):
    """Something was asked for that there is not: a codec, a quality, a metric."""
