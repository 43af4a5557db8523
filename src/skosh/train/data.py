"""Pictures in memory, and random crops of them.

Crops depend on nothing but the seed and the step, so a resumed run sees the same ones.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from ..errors import ConfigError
from ..files import PICTURES
from ..limits import cores
from ..picture.picture import from_image
from ..progress import steps
from ..types import Pixels

AT_ONCE = 8192  # patches in memory


def to_stderr(text: str) -> None:
    """Standard output is for data."""
    print(text, file=sys.stderr)


def load_pictures(folder: str | Path, smallest: int, report: Callable[[str], None] = to_stderr) -> list[Pixels]:
    """Decode every picture below ``folder`` as the codec would, in the order of their names.

    Files that can't be read and pictures with a side under ``smallest`` are reported by name and left out. Raises
    ConfigError if nothing usable is left.
    """
    root = Path(folder)
    if not root.is_dir():
        raise ConfigError(f"{folder} is no folder")
    paths = sorted(p for p in root.rglob("*") if p.suffix.lower() in PICTURES)
    if not paths:
        raise ConfigError(f"no pictures in {folder} (looked for {', '.join(sorted(PICTURES))})")
    pictures = []
    with warnings.catch_warnings(), ThreadPoolExecutor(cores()) as pool:
        warnings.simplefilter("ignore")  # of the decoders; process-wide, hence around all threads
        decoded = steps(pool.map(_decode, paths), "reading pictures", len(paths))
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
            return from_image(image).pixels
    except Exception as error:  # a decoder may raise anything on a damaged file
        return f"{type(error).__name__}: {error}"


class Crops:
    """Random crops and flips of pictures that lie in the device's memory.

    Of each global batch, a process takes the part that its rank owns.
    """

    def __init__(
        self,
        pictures: list[Pixels],
        crop: int,
        batch: int,
        seed: int,
        rank: int = 0,
        world: int = 1,
        device: torch.device | str = "cpu",
    ):
        if batch % world:
            raise ConfigError(f"a batch of {batch} can't be shared by {world} processes")
        self.crop, self.batch, self.seed, self.device = crop, batch, seed, device
        self.share = slice(rank, None, world)  # so that every process sees all of the quality axis
        self.sizes = np.array([p.shape[:2] for p in pictures])  # (pictures, 2): height, width
        areas = self.sizes.prod(1)
        self.starts = np.cumsum(areas) - areas  # of each picture in ``flat``
        self.chances = areas / areas.sum()  # a picture is drawn as often as its pixels ask for
        self.flat = torch.from_numpy(np.concatenate([p.reshape(-1, 3) for p in pictures])).to(device)  # (pixels, 3)

    def draw(self, step: int) -> tuple[Tensor, Tensor]:
        """Return bytes (b, crop, crop, 3) and levels (b,) in [0, 1] of one step.

        The levels of a global batch are spread evenly.
        """
        rng = np.random.default_rng((self.seed, step))
        choices = rng.choice(len(self.sizes), self.batch, p=self.chances)
        places = rng.random((self.batch, 2))
        turns = rng.integers(0, 2, (self.batch, 3)) == 1  # flip rows, flip columns, transpose
        levels = (np.arange(self.batch) + rng.random(self.batch)) / self.batch
        corners = (places * (self.sizes[choices] - self.crop + 1)).astype(np.int64)
        where = self._where(choices[self.share], corners[self.share], turns[self.share])
        return self.flat[where], torch.from_numpy(levels[self.share].astype(np.float32)).to(self.device)

    def colours(self, step: int, share: float) -> Tensor:
        """Return a matrix for the RGB of each crop of one step, (b, 3, 3).

        It is ``turned_hue`` for a ``share`` of the crops and the identity for the others.
        """
        rng = np.random.default_rng((self.seed, step, 1))
        chosen = rng.random(self.batch) < share
        angles, saturations = rng.uniform(-np.pi, np.pi, self.batch), 2.0 ** rng.uniform(0.0, 1.0, self.batch)
        matrices = np.stack(
            [turned_hue(a, s) if c else np.eye(3) for c, a, s in zip(chosen, angles, saturations, strict=True)]
        )
        return torch.from_numpy(matrices[self.share].astype(np.float32)).to(self.device)

    def noise(self, step: int, share: float, largest: float) -> Tensor:
        """Return how the variance of each crop's noise grows with the pixel, and what it is at black, (b, 2).

        Both are 0 but for a ``share`` of the crops. Half of these get Gaussian noise, the others Poisson-Gaussian
        noise; the standard deviation at white is uniform in 0..``largest`` (of 255).
        """
        rng = np.random.default_rng((self.seed, step, 2))
        chosen = rng.random(self.batch) < share
        variance = chosen * (rng.uniform(0.0, largest, self.batch) / 255.0) ** 2
        growing = rng.uniform(0.0, 1.0, self.batch) * rng.integers(0, 2, self.batch)
        both = np.stack([growing * variance, (1.0 - growing) * variance], 1)
        return torch.from_numpy(both[self.share].astype(np.float32)).to(self.device)

    def _where(
        self, choices: npt.NDArray[np.int64], corners: npt.NDArray[np.int64], turns: npt.NDArray[np.bool_]
    ) -> Tensor:
        """Return the place in ``flat`` of every pixel of the crops, (b, crop, crop)."""
        along = np.arange(self.crop)
        rows = np.where(turns[:, :1], along[::-1], along) + corners[:, :1]  # (b, crop)
        columns = np.where(turns[:, 1:2], along[::-1], along) + corners[:, 1:]
        rows = self.starts[choices][:, None] + rows * self.sizes[choices, 1:]
        first, second = (torch.from_numpy(part).to(self.device) for part in (rows, columns))
        where = first[:, :, None] + second[:, None, :]
        transposed = torch.from_numpy(turns[:, 2].copy()).to(self.device)
        return torch.where(transposed[:, None, None], where.transpose(1, 2), where)


def to_network(crops: Tensor) -> Tensor:
    """Bytes (b, H, W, 3) -> (b, 3, H, W) in [0, 1], channels last in memory."""
    return crops.permute(0, 3, 1, 2).float() / 255.0


def turned_hue(angle: float, saturation: float) -> npt.NDArray[np.float64]:
    """Return the matrix (3, 3) that turns the chroma of an RGB value by ``angle`` (radians) and stretches it.

    Luma (BT.601) stays.
    """
    luma = np.array([0.299, 0.587, 0.114])
    to_chroma = np.stack([luma, (np.eye(3)[2] - luma) / 1.772, (np.eye(3)[0] - luma) / 1.402])  # Y, Cb, Cr
    turn = np.eye(3)
    turn[1:, 1:] = saturation * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix: npt.NDArray[np.float64] = np.linalg.inv(to_chroma) @ turn @ to_chroma
    return matrix


def recoloured(x: Tensor, colours: Tensor) -> Tensor:
    """Return pictures (b, 3, H, W) in [0, 1] with other colours, by matrices (b, 3, 3), clipped to the range."""
    turned = torch.einsum("bij,bjhw->bihw", colours, x).clamp(0.0, 1.0)
    return turned.contiguous(memory_format=torch.channels_last)


def noisy(x: Tensor, noise: Tensor) -> Tensor:
    """Return pictures (b, 3, H, W) in [0, 1] with noise as ``Crops.noise`` chose it, (b, 2), in grey levels again."""
    slope, offset = (part[:, None, None, None] for part in noise.unbind(1))
    variance = slope * x + offset
    shown = torch.round((x + variance.sqrt() * torch.randn_like(x)).clamp(0.0, 1.0) * 255.0) / 255.0
    return torch.where(variance > 0, shown, x)


def halved(x: Tensor) -> Tensor:
    """Return pictures (b, 3, H, W) in [0, 1] at half their size, by bicubic interpolation as Pillow's ``resize``."""
    half = F.interpolate(x, scale_factor=0.5, mode="bicubic", antialias=True).clamp(0.0, 1.0)
    return half.contiguous(memory_format=torch.channels_last)


def patch_transform(
    pictures: list[Pixels], size: int = 16, patches: int = 200_000, seed: int = 0
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Karhunen-Loève transform of ``size`` x ``size`` x 3 patches.

    Returns the basis (V, V), rows by falling variance, and the variances (V,). Values are in [0, 1] less 0.5, ordered
    channel, row, column. The mean is not removed, so that grey maps to zero.
    """
    rng = np.random.default_rng(seed)
    values = 3 * size * size
    moment = np.zeros((values, values))
    count = 0
    per_picture = max(1, patches // len(pictures))
    for picture in pictures:
        tops = rng.integers(0, picture.shape[0] - size + 1, per_picture)
        lefts = rng.integers(0, picture.shape[1] - size + 1, per_picture)
        for some in np.split(np.stack([tops, lefts], 1), range(AT_ONCE, per_picture, AT_ONCE)):
            cuts = np.stack([picture[i : i + size, j : j + size] for i, j in some])
            flat = cuts.transpose(0, 3, 1, 2).reshape(len(some), values).astype(np.float32) / 255.0 - 0.5
            moment += flat.T @ flat
            count += len(some)
    variances, vectors = np.linalg.eigh(moment / count)
    order = np.argsort(variances)[::-1]
    return vectors[:, order].T.astype(np.float32), np.maximum(variances[order], 1e-8).astype(np.float32)
