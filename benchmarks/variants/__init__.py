"""The changes that ``ablation.py`` compares: each a few settings, or another part of the flagship.

A variant is applied in a process of its own, so it may simply replace names of the training half before the flagship is
built. One file for each group. Dense 3x3 layers, whose rows are long, get a third of the learning rate.
"""

from __future__ import annotations

from .entropy import ENTROPY
from .optimiser import OPTIMISER
from .shape import SHAPE
from .start import START
from .variant import Variant

VARIANTS: dict[str, Variant] = {"base": Variant("", "the flagship"), **START, **SHAPE, **ENTROPY, **OPTIMISER}

__all__ = ["VARIANTS", "Variant"]
