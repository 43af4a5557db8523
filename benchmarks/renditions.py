"""What the renditions are worth: denoising, double size and small pictures, from files.

    python benchmarks/renditions.py [--write] [--kodak DIR] [--val DIR]

Denoising: pictures with Gaussian noise of sigma 25, from the plain encoder and from the one for noisy pictures, against
the clean originals; and what the latter costs on the clean pictures. Double size: pictures reduced by two, against
bicubic interpolation of the faithful picture. Small pictures: processor time of a 12-megapixel file, as ratios.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from memory import large_photograph
from page import SHARED, lpips_weights, machine, replace_section, table
from PIL import Image

import skosh
from skosh.evaluate import pictures
from skosh.evaluate.metrics import Metrics

SIGMA = 25.0  # of 255
RATE = 0.25  # bpp, of denoising
QUALITIES = (5, 20, 35, 50)
DOUBLE_QUALITY = 45  # about 0.5 bpp
SCALES = tuple(map(Fraction, ("1", "1/2", "1/4", "1/8")))
MEGAPIXELS = 12.0
RUNS = 3

Pairs = list[tuple[float, float]]  # bits a pixel, dB


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kodak", type=Path, default=SHARED / "data" / "kodak", help="pictures for denoising")
    parser.add_argument("--val", type=Path, default=SHARED / "data" / "val", help="pictures for double size")
    parser.add_argument("--write", action="store_true", help="write the section into docs/results.md")
    arguments = parser.parse_args()
    parts = [f"{machine()}.", denoising(arguments.kodak), doubling(arguments.val), previews()]
    text = "\n\n".join(parts)
    print(text)
    if arguments.write:
        replace_section("renditions", text)


def denoising(folder: Path) -> str:
    """Compare both encoders on noisy and on clean pictures."""
    found: dict[tuple[str, bool], list[Pairs]] = {}
    for picture in pictures.find(folder):
        clean = loaded(picture.path)
        rng = np.random.default_rng(len(picture.name))
        noise = np.asarray(clean, np.float64) + SIGMA * rng.standard_normal((clean.height, clean.width, 3))
        noisy = Image.fromarray(np.rint(np.clip(noise, 0, 255)).astype(np.uint8))
        for kind, source in (("noisy", noisy), ("clean", clean)):
            for denoise in (False, True):
                found.setdefault((kind, denoise), []).append(curve(source, clean, denoise))
    count = len(found["noisy", False])
    at = {key: float(np.mean([psnr_at(pairs, RATE) for pairs in curves])) for key, curves in found.items()}
    more = [rate_ratio(a, b) for a, b in zip(found["clean", True], found["clean", False], strict=True)]
    rows = [
        [f"noise of sigma {SIGMA:.0f}, {RATE} bits a pixel", f"{at['noisy', False]:.2f}", f"{at['noisy', True]:.2f}"],
        [f"clean, {RATE} bits a pixel", f"{at['clean', False]:.2f}", f"{at['clean', True]:.2f}"],
    ]
    return (
        f"Denoising, {count} pictures of `{folder.name}`, PSNR (dB) of the faithful picture against the clean one:\n\n"
        + table(["picture", "plain", "`denoise`"], rows)
        + f"\n\nOn clean pictures `denoise` takes {100 * (float(np.mean(more)) - 1):+.1f} % bytes at equal PSNR."
    )


def curve(source: Image.Image, clean: Image.Image, denoise: bool) -> Pairs:
    """Return rate and PSNR of files of a picture, against the clean one."""
    found = []
    for quality in QUALITIES:
        data = skosh.encode(source, quality, denoise=denoise)
        shown = skosh.decode(data, realism=0)
        found.append((8 * len(data) / (source.width * source.height), psnr(clean, shown)))
    return found


def psnr_at(pairs: Pairs, rate: float) -> float:
    """Interpolate the PSNR at a rate, over its logarithm."""
    rates, values = zip(*pairs, strict=True)
    return float(np.interp(np.log(rate), np.log(rates), values))


def rate_ratio(a: Pairs, b: Pairs) -> float:
    """Return the mean ratio of the rates of two curves over the PSNRs that both have."""
    (rates_a, values_a), (rates_b, values_b) = (zip(*sorted(pairs), strict=True) for pairs in (a, b))
    shared = np.linspace(max(values_a[0], values_b[0]), min(values_a[-1], values_b[-1]), 50)
    logs = np.interp(shared, values_a, np.log(rates_a)) - np.interp(shared, values_b, np.log(rates_b))
    return float(np.exp(logs.mean()))


def doubling(folder: Path) -> str:
    """Compare double size with bicubic interpolation."""
    metrics, rates, found = Metrics(("psnr", "lpips", "ssimulacra2"), lpips_weights()), [], []
    for picture in pictures.find(folder):
        whole = loaded(picture.path)
        whole = whole.crop((0, 0, whole.width // 2 * 2, whole.height // 2 * 2))
        half = whole.resize((whole.width // 2, whole.height // 2), Image.Resampling.BICUBIC)
        data = skosh.encode(half, DOUBLE_QUALITY)
        rates.append(8 * len(data) / (half.width * half.height))
        plain = skosh.decode(data, realism=0).resize(whole.size, Image.Resampling.BICUBIC)
        found.append([metrics(whole, shown) for shown in (plain, skosh.decode(data, scale=2))])
    rows = [
        [name, *(f"{np.mean([values[i][key] for values in found]):.{digits}f}" for key, digits in KEYS.items())]
        for i, name in enumerate(("bicubic of the faithful picture", "`scale=2`"))
    ]
    return (
        f"Double size, {len(found)} pictures of `{folder.name}` reduced by two, {np.mean(rates):.2f} bits a pixel of "
        "the reduced one:\n\n" + table(["", *LABELS], rows)
    )


KEYS = {"psnr": 2, "lpips_off": 3, "ssimulacra2": 1}  # decimals
LABELS = ("PSNR (dB)", "LPIPS", "SSIMULACRA 2")


def previews() -> str:
    """Time pictures of a large file by size."""
    image = large_photograph(MEGAPIXELS)
    data = skosh.encode(image)
    seconds = {scale: best(partial(skosh.decode, data, threads=1, scale=scale)) for scale in SCALES}
    rate = 8 * len(data) / (image.width * image.height)
    rows = [[f"{scale}", f"{taken:.2f}", f"{seconds[SCALES[0]] / taken:.1f}"] for scale, taken in seconds.items()]
    return (
        f"Small pictures of {MEGAPIXELS:g} megapixels, {rate:.2f} bits a pixel, processor time of one thread:\n\n"
        + table(["`scale`", "seconds", "times as fast"], rows)
    )


def best(code: Callable[[], object]) -> float:
    """Return the least seconds of some runs."""
    return min(timed(code) for _ in range(RUNS))


def timed(code: Callable[[], object]) -> float:
    """Return the processor seconds of a run."""
    start = time.process_time()
    code()
    return time.process_time() - start


def psnr(a: Image.Image, b: Image.Image) -> float:
    """Return the PSNR over all values, in dB."""
    planes: Iterable[npt.NDArray[np.float64]] = (np.asarray(one, np.float64) for one in (a, b))
    x, y = planes
    return float(20 * np.log10(255.0) - 10 * np.log10(np.mean((x - y) ** 2)))


def loaded(path: Path) -> Image.Image:
    """Return a picture as RGB."""
    with Image.open(path) as image:
        return image.convert("RGB")


if __name__ == "__main__":
    main()
