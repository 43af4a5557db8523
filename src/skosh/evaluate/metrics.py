"""How far a decoded picture is from the original. Pictures are 8-bit RGB of the same size.

psnr           dB over all values of R, G and B; ``CEILING`` where nothing differs
ms_ssim        multi-scale structural similarity, 0..1, RGB, data range 255 (Wang et al. 2003; pytorch-msssim);
               over 160 pixels a side. Where a scale has an odd side, the package takes means with zeros beyond the
               edge; so do figures that others made with it
ms_ssim_db     -10 log10(1 - ms_ssim)
lpips          LPIPS v0.1 with AlexNet (Zhang et al. 2018), 0 where nothing differs; over 30 pixels a side
lpips_off      the same without the first 6 rows and columns, so that AlexNet's grid of samples lies off the blocks of
               any codec: on them errors can hide from it (experiment 38b). This is the one to report
ssimulacra2    SSIMULACRA 2, at most 100 (Cloudinary; the package ssimulacra2); over 7 pixels a side
butteraugli    Butteraugli's maximum, 0 where nothing differs (``butteraugli``); over 7 pixels a side
butteraugli_3  its 3-norm, a mean over the picture
flip           LDR-FLIP, the mean, 0 where nothing differs, at most 1 (Andersson et al. 2020; the package
               flip-evaluator, by default at 67 pixels a degree)

Lower is better for LPIPS, Butteraugli and FLIP.
"""

from __future__ import annotations

import importlib.util
import io
import math
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import skosh

from ..errors import did_you_mean
from . import UsageError
from .butteraugli import INSTALL, TOOL, butteraugli
from .tool import find_tool

DEFAULT = ("psnr", "ms_ssim", "lpips", "ssimulacra2")
NAMES = (*DEFAULT, "butteraugli", "flip")
BESIDE = {"ms_ssim": "ms_ssim_db", "lpips": "lpips_off", "butteraugli": "butteraugli_3"}  # measured with those
OFF = 6  # rows and columns
CEILING = 100.0  # dB, so that means stay finite
SMALLEST = {  # pixels of the shorter side
    "ms_ssim": 161,
    "lpips": 31,
    "lpips_off": 31 + OFF,
    "ssimulacra2": 8,
    "butteraugli": 8,
    "butteraugli_3": 8,
}
LPIPS_WEIGHTS = "SKOSH_LPIPS_WEIGHTS"

Values = dict[str, float | None]  # by name; None where a picture is too small


def keys(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names of what is measured where these metrics are asked for."""
    return tuple(key for name in names for key in (name, BESIDE.get(name)) if key)


def missing(name: str, weights: Path | None) -> str | None:
    """Say why a metric is not available here, and what to do; None if it is. Loads nothing."""
    packages = all(importlib.util.find_spec(package) for package in ("lpips", "torchvision"))
    if name == "lpips" and not (weights or os.environ.get(LPIPS_WEIGHTS) or packages):
        return (
            f"no LPIPS: name the published weights (.npz) with --lpips-weights or {LPIPS_WEIGHTS}, "
            "or pip install lpips torchvision, which fetch them"
        )
    if name == "ssimulacra2" and not importlib.util.find_spec("ssimulacra2"):
        return "no SSIMULACRA 2: pip install ssimulacra2"
    if name == "flip" and not importlib.util.find_spec("flip_evaluator"):
        return "no FLIP: pip install flip-evaluator"
    if name == "butteraugli":
        try:
            find_tool(TOOL, INSTALL)
        except skosh.DependencyError as error:
            return f"no Butteraugli: {error}"
    return None


def available(names: Sequence[str], weights: Path | None, say: Callable[[str], None]) -> tuple[str, ...]:
    """Return those of the metrics that are available here; write a line for each that is not.

    Raises UsageError for an unknown one, and for none.
    """
    unknown = [name for name in names if name not in NAMES]
    if unknown or not names:
        suggestion = did_you_mean(unknown[0], NAMES) if unknown else ""
        raise UsageError(f"no metric {', '.join(unknown) or 'named'}: there are {', '.join(NAMES)}{suggestion}")
    reasons = {name: missing(name, weights) for name in names}
    for reason in filter(None, reasons.values()):
        say(f"skipped: {reason}")
    return tuple(name for name in reasons if not reasons[name])


class Metrics:
    """Some of the metrics, ready to measure."""

    def __init__(self, names: tuple[str, ...] = DEFAULT, weights: Path | None = None):
        """``weights``: of LPIPS. Raises ConfigError or DependencyError if something is not available."""
        self.names = names
        for reason in (missing(name, weights) for name in names if name != "lpips"):
            if reason:
                raise skosh.DependencyError(reason)
        if "lpips" in names:
            from ..metrics.lpips import load_lpips

            self._lpips = load_lpips(weights)

    def __call__(self, original: Image.Image, decoded: Image.Image) -> Values:
        """Return the metrics by name, with what goes ``BESIDE`` them.

        Raises SkoshError for pictures of two sizes, and if a program fails.
        """
        if original.size != decoded.size:
            sizes = " and ".join(f"{image.width}x{image.height}" for image in (original, decoded))
            raise skosh.SkoshError(f"the original and the decoded picture are {sizes}")
        found: Values = {}
        for name in keys(self.names):
            if min(original.size) < SMALLEST.get(name, 1):
                found[name] = None
            elif name == "ms_ssim_db":
                value = found["ms_ssim"]
                found[name] = None if value is None else decibels(1.0 - value)
            elif name == "butteraugli":
                found[name], found[BESIDE[name]] = butteraugli(original, decoded)
            elif name not in found:
                found[name] = getattr(self, name)(original, decoded)
        return found

    def psnr(self, original: Image.Image, decoded: Image.Image) -> float:
        """PSNR in dB."""
        difference = np.asarray(original, np.int32) - np.asarray(decoded, np.int32)
        return decibels(float(np.mean(np.square(difference))) / 255.0**2)

    def ms_ssim(self, original: Image.Image, decoded: Image.Image) -> float:
        """MS-SSIM."""
        from pytorch_msssim import ms_ssim

        x, y = tensor(original), tensor(decoded)
        return float(ms_ssim(x, y, data_range=255.0))

    def lpips(self, original: Image.Image, decoded: Image.Image) -> float:
        """LPIPS."""
        import torch

        with torch.no_grad():
            return float(self._lpips(tensor(original) / 255.0, tensor(decoded) / 255.0))

    def lpips_off(self, original: Image.Image, decoded: Image.Image) -> float:
        """LPIPS with its grid moved."""
        return self.lpips(*(image.crop((OFF, OFF, *image.size)) for image in (original, decoded)))

    def ssimulacra2(self, original: Image.Image, decoded: Image.Image) -> float:
        """SSIMULACRA 2."""
        from ssimulacra2 import compute_ssimulacra2

        return float(compute_ssimulacra2(bitmap(original), bitmap(decoded)))

    def flip(self, original: Image.Image, decoded: Image.Image) -> float:
        """FLIP."""
        from flip_evaluator import evaluate

        first, second = (np.asarray(image, np.float32) / 255.0 for image in (original, decoded))
        return float(evaluate(first, second, "LDR", applyMagma=False)[1])


def decibels(error: float) -> float:
    """-10 log10 of a relative error, up to ``CEILING``."""
    return CEILING if error <= 10 ** (-CEILING / 10) else -10.0 * math.log10(error)


def tensor(image: Image.Image) -> Any:
    """A picture as PyTorch's (1, 3, H, W), floats in 0..255."""
    import torch

    return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float()


def bitmap(image: Image.Image) -> io.BytesIO:
    """A picture as an uncompressed file in memory."""
    file = io.BytesIO()
    image.save(file, "BMP")
    file.seek(0)
    return file
