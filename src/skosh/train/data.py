"""Pictures in memory, and crops that depend on nothing but the seed and the step, so that a resumed run sees the same ones."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps
from rich.console import Console
from rich.progress import track

from ..errors import ConfigError

Pixels = npt.NDArray[np.uint8]  # (H, W, 3)
SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".avif", ".tif", ".tiff", ".bmp", ".ppm"}


def load_pictures(folder: str | Path, smallest: int, report: Callable[[str], None] = print) -> list[Pixels]:
    """Decode every picture below ``folder``, in the order of their names.

    Files that can't be read and pictures with a side under ``smallest`` are reported by name and left out; nothing usable at all
    is a ConfigError.
    """
    root = Path(folder)
    paths = sorted(p for p in root.rglob("*") if p.suffix.lower() in SUFFIXES) if root.is_dir() else []
    if not paths:
        raise ConfigError(f"no pictures in {folder} (looked for {', '.join(sorted(SUFFIXES))})")
    pictures = []
    console = Console(stderr=True)
    with warnings.catch_warnings(), ThreadPoolExecutor(os.cpu_count()) as pool:
        warnings.simplefilter("ignore")  # of the decoders; process-wide, hence around all threads
        decoded = track(
            pool.map(_decode, paths),
            "reading pictures",
            len(paths),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        for path, outcome in zip(paths, decoded, strict=True):
            if isinstance(outcome, str):
                report(f"skipped {path}: {outcome}")
            elif min(outcome.shape[:2]) < smallest:
                report(f"skipped {path}: {outcome.shape[1]}x{outcome.shape[0]} is smaller than {smallest}x{smallest}")
            else:
                pictures.append(outcome)
    if not pictures:
        raise ConfigError(f"none of the {len(paths)} pictures in {folder} can be used")
    return pictures


def _decode(path: Path) -> Pixels | str:
    try:
        with Image.open(path) as image:
            return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    except Exception as error:  # a decoder may raise anything on a damaged file
        return f"{type(error).__name__}: {error}"


class Crops:
    """Random crops and flips. Of each global batch, a process takes the part that its rank owns."""

    def __init__(self, pictures: list[Pixels], crop: int, batch: int, seed: int, rank: int = 0, world: int = 1):
        if batch % world:
            raise ConfigError(f"a batch of {batch} can't be shared by {world} processes")
        self.pictures, self.crop, self.batch, self.seed = pictures, crop, batch, seed
        self.share = range(rank * batch // world, (rank + 1) * batch // world)
        # a picture is drawn as often as its pixels ask for
        areas = np.array([p.shape[0] * p.shape[1] for p in pictures], dtype=np.float64)
        self.chances = areas / areas.sum()

    def draw(self, step: int) -> tuple[Pixels, npt.NDArray[np.float32]]:
        """Crops (b, crop, crop, 3) and levels (b,) in [0, 1] of one step; the levels of a global batch are spread evenly."""
        rng = np.random.default_rng((self.seed, step))
        choices = rng.choice(len(self.pictures), self.batch, p=self.chances)
        places = rng.random((self.batch, 2))
        turns = rng.integers(0, 2, (self.batch, 3))
        levels = (np.arange(self.batch) + rng.random(self.batch)) / self.batch
        crops = [self._cut(self.pictures[choices[i]], places[i], turns[i]) for i in self.share]
        return np.stack(crops), levels[self.share.start : self.share.stop].astype(np.float32)

    def _cut(self, picture: Pixels, place: npt.NDArray[np.float64], turn: Iterable[int]) -> Pixels:
        top, left = (int(f * (n - self.crop + 1)) for f, n in zip(place, picture.shape, strict=False))
        cut = picture[top : top + self.crop, left : left + self.crop]
        vertical, horizontal, transposed = turn
        cut = cut[::-1] if vertical else cut
        cut = cut[:, ::-1] if horizontal else cut
        return cut.transpose(1, 0, 2) if transposed else cut


def patch_transform(
    pictures: list[Pixels], size: int = 16, patches: int = 200_000, seed: int = 0
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Karhunen-Loève transform of ``size`` x ``size`` x 3 patches: basis (V, V), rows by falling variance, and variances (V,).

    Values in [0, 1] less 0.5, ordered channel, row, column; the mean is not removed, so that grey maps to zero.
    """
    rng = np.random.default_rng(seed)
    values = 3 * size * size
    moment = np.zeros((values, values))
    count = 0
    per_picture = max(1, patches // len(pictures))
    for picture in pictures:
        tops = rng.integers(0, picture.shape[0] - size + 1, per_picture)
        lefts = rng.integers(0, picture.shape[1] - size + 1, per_picture)
        cuts = np.stack([picture[i : i + size, j : j + size] for i, j in zip(tops, lefts, strict=True)])
        flat = cuts.transpose(0, 3, 1, 2).reshape(per_picture, values).astype(np.float32) / 255.0 - 0.5
        moment += flat.T @ flat
        count += per_picture
    variances, vectors = np.linalg.eigh(moment / count)
    order = np.argsort(variances)[::-1]
    return vectors[:, order].T.astype(np.float32), np.maximum(variances[order], 1e-8).astype(np.float32)
