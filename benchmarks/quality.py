"""Rate and quality of the installed bundles, from files on disk: bytes of the file, pixels of the decoded file.

    python benchmarks/quality.py                       the Kodak pictures, beside the measured curves of other codecs
    python benchmarks/quality.py --data DIR            any folder, beside JPEG, WebP and AVIF through Pillow
    python benchmarks/quality.py --write               and put the tables into docs/results.md

A curve is the mean over the pictures of the per-picture values at each setting. PSNR over RGB; MS-SSIM on RGB; LPIPS with AlexNet.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import bjontegaard
import numpy as np
import torch
from page import replace_section, table
from PIL import Image, ImageOps
from pytorch_msssim import ms_ssim

import skosh
from skosh.manifest import installed
from skosh.train.lpips import LPIPS, load_lpips

SHARED = Path(os.environ.get("SKOSH_SHARED", Path(__file__).parents[2] / "shared"))
QUALITIES = tuple(range(0, 101, 10))
SHOWN = (0, 25, 50, 75, 100)
REFERENCES = ("bpg", "avif", "heic", "webp", "jxl", "jpeg")
PILLOW = {"jpeg": (5, 10, 15, 20, 30, 45, 60, 75), "webp": (1, 10, 25, 45, 65, 80), "avif": (15, 25, 35, 45, 55, 65)}
RATES = (0.1, 1.1)  # bits a pixel between which BD-rates are taken, where both curves reach so far
SUFFIXES = {".png", ".webp", ".jpg", ".avif"}
METRICS = ("psnr", "ms_ssim", "lpips")


class Row(NamedTuple):
    """One picture at one setting, or the mean over pictures."""

    bpp: float
    psnr: float
    ms_ssim: float
    lpips: float


Curve = dict[int, Row]  # by setting
Coder = Callable[[Image.Image, int], bytes]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a folder of pictures; by default Kodak's in SKOSH_SHARED")
    parser.add_argument("--name", default="kodak", help="section of docs/results.md")
    parser.add_argument("--models", nargs="*", help="installed names or folders of bundles; by default all installed")
    parser.add_argument("--write", action="store_true", help="write the section into docs/results.md")
    arguments = parser.parse_args()
    pictures = sorted(p for p in (arguments.data or SHARED / "data" / "kodak").iterdir() if p.suffix in SUFFIXES)
    lpips = load_lpips(os.environ.get("SKOSH_LPIPS_WEIGHTS") or SHARED / "lpips" / "alexnet_lpips_v0.1_fp16.npz")
    others = references() if arguments.data is None else pillow_curves(pictures, lpips)

    sections = []
    ours = {
        model: skosh_curve(pictures, model, lpips) for model in arguments.models or [name for name, _, _ in installed()]
    }
    for model, curve in ours.items():
        sections.append(f"### {Path(model).name}, {len(pictures)} pictures\n\n{quality_table(curve)}\n")
        if len(curve) > 1:
            sections.append(bd_table(curve, others))
    text = "\n".join(sections) + "\n\n" + at_rate_table({**ours, **others}, 0.23)
    print(text)
    if arguments.write:
        replace_section(arguments.name, text)


def measure(
    pictures: list[Path], coder: Coder, decoder: Callable[[bytes], Image.Image], setting: int, lpips: LPIPS
) -> Row:
    """Mean over pictures of one setting, through a file on disk."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for path in pictures:
            with Image.open(path) as opened:
                original = ImageOps.exif_transpose(opened).convert("RGB")
            file = Path(folder) / "coded"
            file.write_bytes(coder(original, setting))
            decoded = decoder(file.read_bytes())
            rows.append(compare(original, decoded, file.stat().st_size, lpips))
    return Row(*(float(v) for v in np.mean(rows, axis=0)))


@torch.no_grad()
def compare(original: Image.Image, decoded: Image.Image, size: int, lpips: LPIPS) -> Row:
    x, y = (torch.from_numpy(np.array(i.convert("RGB"))).permute(2, 0, 1)[None].float() for i in (original, decoded))
    error = float(((x - y) ** 2).mean())
    return Row(
        8 * size / (original.width * original.height),
        float(10 * np.log10(255**2 / error)) if error else float("inf"),
        float(ms_ssim(x, y, data_range=255)),
        float(lpips(x / 255, y / 255)),
    )


def skosh_curve(pictures: list[Path], model: str, lpips: LPIPS) -> Curve:
    rows: Curve = {}
    settings = sorted({*QUALITIES, *SHOWN})
    for setting in settings if len(skosh_rows(model)) > 1 else [0]:
        rows[setting] = measure(
            pictures, lambda i, q: skosh.encode(i, q, model), lambda data: skosh.decode(data, model), setting, lpips
        )
    return rows


def skosh_rows(model: str) -> range:
    """The rows of levels of a bundle: one for a single rate."""
    from skosh.bundle import load

    return range(len(load(model).arrays["gain"]))


def pillow_curves(pictures: list[Path], lpips: LPIPS) -> dict[str, Curve]:
    def coder(kind: str) -> Coder:
        options: dict[str, dict[str, Any]] = {
            "jpeg": {"optimize": True},
            "webp": {"method": 6},
            "avif": {"speed": 4, "subsampling": "4:4:4"},
        }

        def code(image: Image.Image, quality: int) -> bytes:
            buffer = io.BytesIO()
            image.save(buffer, kind, quality=quality, **options[kind])
            return buffer.getvalue()

        return code

    return {
        kind: {q: measure(pictures, coder(kind), lambda data: Image.open(io.BytesIO(data)), q, lpips) for q in settings}
        for kind, settings in PILLOW.items()
    }


def references() -> dict[str, Curve]:
    """The measured curves of the other codecs on Kodak: means over the pictures."""
    curves: dict[str, Curve] = {}
    for codec in REFERENCES:
        values: dict[int, list[Row]] = {}
        with (SHARED / "reference" / "kodak" / f"{codec}.csv").open() as file:
            for row in csv.DictReader(file):
                values.setdefault(int(row["q"]), []).append(
                    Row(*(float(row[key]) for key in ("bpp", "psnr", "ms_ssim", "lpips")))
                )
        curves[codec] = {q: Row(*(float(v) for v in np.mean(rows, axis=0))) for q, rows in values.items()}
    return curves


def bd_rate(curve: Curve, anchor: Curve, metric: str) -> tuple[float, float, float]:
    """BD-rate in per cent over the rates that both curves and RATES share, and those rates."""
    rows, anchors = (sorted(c.values(), key=lambda r: r.bpp) for c in (curve, anchor))
    low = max(RATES[0], rows[0].bpp, anchors[0].bpp)
    high = min(RATES[1], rows[-1].bpp, anchors[-1].bpp)
    if high < 2 * low:
        return float("nan"), low, high
    sides = [resample(side, metric, low, high) for side in (anchors, rows)]
    value = bjontegaard.bd_rate(*sides[0], *sides[1], method="pchip", require_matching_points=False, min_overlap=0)
    return float(value), low, high


def resample(rows: list[Row], metric: str, low: float, high: float) -> tuple[list[float], list[float]]:
    """Rates and qualities of a curve cut to low..high; end points are interpolated over the logarithm of the rate."""
    rates = np.array([r.bpp for r in rows])
    values = np.array([quality(r, metric) for r in rows])
    inside = [r for r in rates if low < r < high]
    points = [low, *inside, high]
    return points, [float(np.interp(np.log(r), np.log(rates), values)) for r in points]


def quality(row: Row, metric: str) -> float:
    """The metric on a scale that rises with quality and is roughly straight over the logarithm of the rate."""
    if metric == "ms_ssim":
        return float(-10 * np.log10(1 - row.ms_ssim))
    return float(-10 * np.log10(row.lpips)) if metric == "lpips" else row.psnr


def quality_table(curve: Curve) -> str:
    shown = [q for q in SHOWN if q in curve]
    rows = [
        [str(q), f"{r.bpp:.3f}", f"{r.psnr:.2f}", f"{r.ms_ssim:.4f}", f"{r.lpips:.3f}"]
        for q in shown
        for r in [curve[q]]
    ]
    return table(["-q", "bpp", "PSNR (dB)", "MS-SSIM", "LPIPS"], rows)


def bd_table(curve: Curve, others: dict[str, Curve]) -> str:
    rows = []
    for name, anchor in others.items():
        found = [bd_rate(curve, anchor, metric) for metric in METRICS]
        low, high = found[0][1:]
        rows.append([name, *(f"{value:+.1f} %" for value, _, _ in found), f"{low:.2f} to {high:.2f}"])
    return "Bytes more (+) or fewer (-) than the other codec at equal quality (BD-rate):\n\n" + table(
        ["against", "PSNR", "MS-SSIM", "LPIPS", "bpp"], rows
    )


def at_rate_table(curves: dict[str, Curve], bpp: float) -> str:
    rows = []
    for name, curve in curves.items():
        points = sorted(curve.values(), key=lambda r: r.bpp)
        rates = [r.bpp for r in points]
        if rates[0] <= bpp <= rates[-1]:
            values = [float(np.interp(np.log(bpp), np.log(rates), [getattr(r, m) for r in points])) for m in METRICS]
            rows.append([name, f"{values[0]:.2f}", f"{values[1]:.4f}", f"{values[2]:.3f}"])
    return f"At {bpp} bpp, interpolated:\n\n" + table(["codec", "PSNR (dB)", "MS-SSIM", "LPIPS"], rows)


if __name__ == "__main__":
    main()
