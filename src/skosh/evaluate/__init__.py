"""Measuring codecs against each other, from files on disk: ``skosh eval`` and ``skosh compare``.

Uses the public names of skosh only. Needs the extra "eval" (PyTorch, pytorch-msssim, bjontegaard, matplotlib, ...).
"""
