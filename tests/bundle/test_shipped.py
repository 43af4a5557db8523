"""The bundles that come with the package: each has to be a codec that somebody would want."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import skosh
from skosh.bundle.bundle import Bundle
from skosh.bundle.manifest import DEFAULT, find, hashes, installed

SHIPPED = [folder for _, folder, _ in installed()]
BUNDLE_BYTES = 12_000_000


def psnr(a: Image.Image, b: Image.Image) -> float:
    error = np.mean((np.asarray(a, np.float64) - np.asarray(b, np.float64)) ** 2)
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def jpeg_psnr(image: Image.Image, size: int) -> float:
    """PSNR of the best JPEG of at most ``size`` bytes."""
    best = 0.0
    for quality in range(1, 96):
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality, optimize=True)
        if buffer.tell() > size:
            break
        best = psnr(image, Image.open(buffer).convert("RGB"))
    return best


def test_the_default_bundle_is_shipped() -> None:
    assert find(None) in SHIPPED
    assert find(None).name == DEFAULT


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_a_shipped_bundle_is_whole_small_and_says_where_it_comes_from(folder: Path) -> None:
    bundle = Bundle(folder)
    assert bundle.manifest["files"] == hashes(folder)
    assert sum(file.stat().st_size for file in folder.rglob("*.*")) <= BUNDLE_BYTES
    provenance = bundle.manifest["provenance"]
    assert provenance["gigapixels"] > 0
    if "blend" in provenance:  # the run's validation is of other weights
        assert provenance["validation"] is None
    else:
        assert provenance["validation"]["val"]
    assert bundle.manifest["licence"]


@pytest.mark.parametrize("quality", [20, 50, 80])
def test_the_default_bundle_beats_jpeg_of_the_same_size(photo: Image.Image, quality: int) -> None:
    data = skosh.encode(photo, quality)
    assert psnr(photo, skosh.decode(data)) > jpeg_psnr(photo, len(data)) + 1.0


def test_a_file_is_decoded_by_the_model_that_its_id_names(photo: Image.Image) -> None:
    data = skosh.encode(photo.crop((0, 0, 64, 64)), 50)
    assert skosh.info(data)["model"] == DEFAULT


def test_more_quality_costs_more_at_every_step(photo: Image.Image) -> None:
    small = photo.crop((100, 60, 228, 188))
    sizes = [len(skosh.encode(small, quality)) for quality in range(0, 101, 10)]
    assert sizes == sorted(sizes)
