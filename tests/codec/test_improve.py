"""A look at the symbols: some are changed before the file is written, where that costs less in bits and error together."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import skosh
from skosh import latents
from skosh.analyse import Quantiser, analyse, hyper_symbols
from skosh.bundle import Bundle, load
from skosh.correct import Corrections
from skosh.encode import Encoder, take_apart
from skosh.errors import BundleError
from skosh.improve import Improvements, can_change, look
from skosh.manifest import MANIFEST, TABLES, content_hash
from skosh.pixels import Pixels


def cost(bundle: Bundle, data: bytes, picture: Image.Image, quality: float) -> float:
    """Bits and squared error of a file, in bits."""
    left = np.asarray(skosh.decode(data, bundle), np.float64) - np.asarray(picture)
    return 8 * len(data) + float(bundle.level("distortion", quality)[0, 0, 0, 0] * np.sum(left**2)) / 255.0**2


def plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Encode without a look from here on."""
    monkeypatch.setattr("skosh.improve.can_change", lambda bundle: False)


def looked(bundle: Bundle, pixels: Pixels, quality: float) -> tuple[Quantiser, Improvements]:
    y = analyse(bundle, pixels, 1)
    z = hyper_symbols(bundle, y, quality, 1)
    quantiser = Quantiser(bundle, y, z, quality)
    return quantiser, look(bundle, pixels, z, quantiser.residual(), 0, quality, 1, change=True)


@pytest.mark.parametrize(("name", "least"), [("tiny", 0.005), ("shipped", 0.015)])
@pytest.mark.parametrize("quality", [10, 50, 90])
def test_a_look_costs_less_in_bits_and_error_together(
    tiny_bundle: Path, photo: Image.Image, monkeypatch: pytest.MonkeyPatch, name: str, least: float, quality: int
) -> None:
    bundle = load(tiny_bundle if name == "tiny" else None)
    better = skosh.encode(photo, quality, bundle)
    plainly(monkeypatch)
    plain = skosh.encode(photo, quality, bundle)
    saved = cost(bundle, plain, photo, quality) - cost(bundle, better, photo, quality)
    assert saved > least * 8 * len(plain)
    assert len(better) < len(plain)


def test_coded_symbols_move_by_one_and_no_others(tiny_bundle: Path, photo: Image.Image) -> None:
    bundle = load(tiny_bundle)
    quantiser, found = looked(bundle, np.asarray(photo), 60)
    before = quantiser.q.copy()
    quantiser.change(found.changes)
    moved = np.abs(quantiser.q - before)
    ((box, change),) = found.changes.items()
    asked = np.zeros(before.shape, bool)
    np.put(asked, change.places, True)
    first = bundle.first_half(box)
    assert 0.001 < asked.mean() < 0.05
    assert not (asked & (quantiser.scale_index == 0)).any()
    assert np.array_equal(moved[first], asked[first].astype(int))
    followed = moved[~first & ~asked] != 0  # their means have moved
    assert followed.mean() < 0.02
    assert (moved[~first & asked] == 1).mean() > 0.9


def test_nothing_is_changed_where_nothing_is_gained(
    tiny_bundle: Path, photo: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = load(tiny_bundle)
    monkeypatch.setattr("skosh.costs.OTHERS", 1e9)
    _, found = looked(bundle, np.asarray(photo), 60)
    assert [change.places.size for change in found.changes.values()] == [0]
    file = skosh.encode(photo, 60, bundle)
    plainly(monkeypatch)
    assert skosh.encode(photo, 60, bundle) == file


def test_what_lies_beyond_the_picture_counts_for_nothing(tiny_bundle: Path) -> None:
    """Of a picture of one pixel, 255 in 256 are made up: wrong ones there are no error."""
    bundle = load(tiny_bundle)
    pixels = np.full((1, 1, 3), 200, np.uint8)
    y = analyse(bundle, pixels, 1)
    y[:, 0, 0] = 0.0  # grey, and wrong
    z = hyper_symbols(bundle, y, 60, 1)
    from skosh.improve import Window

    quantiser = Quantiser(bundle, y, z, 60)
    window = Window(bundle, pixels, z, quantiser.residual(), quantiser.windows[0], 60)
    slope = window.gradient()
    assert np.any(slope[..., 0, 0])
    assert not np.any(slope[..., 1:, :])
    assert not np.any(slope[..., 1:])
    basis = np.abs(slope[0, :, 0, 0]).max()
    assert basis < 5.0  # a whole block that is wrong would give hundreds


@pytest.mark.parametrize("side", [64, 192])
@pytest.mark.parametrize("size", [(451, 300), (193, 65), (64, 257)])
def test_windows_do_not_matter(
    tiny_bundle: Path, photo: Image.Image, monkeypatch: pytest.MonkeyPatch, side: int, size: tuple[int, int]
) -> None:
    picture = photo.crop((0, 0, *size))
    one = Encoder(take_apart(picture), load(tiny_bundle, 1)).parts(60).coded
    monkeypatch.setattr(latents, "WINDOW", side)
    many = Encoder(take_apart(picture), load(tiny_bundle, 1), 2).parts(60).coded
    assert one.q is not None
    assert many.q is not None
    assert np.mean(one.q != many.q) < 1e-4  # a symbol may fall to the other side of a half


def test_efforts_look_for_themselves(tiny_bundle: Path, photo: Image.Image, monkeypatch: pytest.MonkeyPatch) -> None:
    small = photo.crop((0, 0, 128, 128))
    file = skosh.encode(small, 60, tiny_bundle, effort=1)
    plainly(monkeypatch)
    assert skosh.encode(small, 60, tiny_bundle, effort=1) == file


def test_a_bundle_without_curvature_is_coded_without_a_look(
    tiny_bundle: Path, tmp_path: Path, photo: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert can_change(load())
    assert not can_change(load("perceptual"))
    folder = altered(tiny_bundle, tmp_path / "older", None)
    older = Bundle(folder, 1)
    file = skosh.encode(photo, 60, older)
    assert np.asarray(skosh.decode(file, older)).std() > 20
    with pytest.raises(BundleError, match="no efforts"):
        skosh.encode(photo, 60, older, effort=1)
    plainly(monkeypatch)
    assert len(skosh.encode(photo, 60, tiny_bundle)) == len(file)


@pytest.mark.parametrize("values", [np.ones(3, np.float32), np.full(48, np.nan, np.float32), -np.ones(48, np.float32)])
def test_a_curvature_that_makes_no_sense_is_refused(tiny_bundle: Path, tmp_path: Path, values: np.ndarray) -> None:
    with pytest.raises(BundleError, match="curvature"):
        Bundle(altered(tiny_bundle, tmp_path / "bundle", values))


def altered(source: Path, folder: Path, curvature: np.ndarray | None) -> Path:
    """A copy of a bundle with another curvature, or none."""
    shutil.copytree(source, folder)
    with np.load(folder / TABLES) as arrays:
        kept = {name: arrays[name] for name in arrays.files if name != "curvature"}
    np.savez_compressed(folder / TABLES, **(kept if curvature is None else kept | {"curvature": curvature}))
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps(manifest | {"content_sha256": content_hash(folder)}))
    return folder


def test_a_picture_without_a_look_has_no_changes(photo: Image.Image) -> None:
    bundle = load("perceptual")
    y = analyse(bundle, np.asarray(photo)[:64, :64], 1)
    z = hyper_symbols(bundle, y, 60, 1)
    residual = Quantiser(bundle, y, z, 60).residual()
    found = look(bundle, np.asarray(photo)[:64, :64], z, residual, 0, 60, 1, change=True)
    assert found == Improvements({}, Corrections(0, {}))
