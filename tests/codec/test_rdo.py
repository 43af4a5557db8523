"""Rate-distortion optimised quantisation: symbols change where that costs less in bits and error together."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import skosh
from skosh.bundle.bundle import Bundle
from skosh.bundle.loading import load
from skosh.bundle.manifest import ENCODER_TABLES, reseal
from skosh.codec import tiling
from skosh.codec.analysis import analyse, hyper_symbols
from skosh.codec.boxes import Box, whole
from skosh.codec.context import in_first_half
from skosh.codec.decoder import Decoder
from skosh.codec.encoder import Encoder, take_apart
from skosh.codec.quantise import Quantiser
from skosh.codec.rdo import Comparison, Optimised, optimise
from skosh.codec.synthesis import share_inside
from skosh.codec.wiener import Filters
from skosh.container.chunks import read
from skosh.errors import BundleError
from skosh.types import Pixels


def cost(bundle: Bundle, data: bytes, picture: Image.Image, quality: float) -> float:
    """Bits and squared error of a file, in bits."""
    left = np.asarray(skosh.decode(data, bundle, realism=0), np.float64) - np.asarray(picture)
    return 8 * len(data) + float(bundle.at(quality).lambda_of * np.sum(left**2)) / 255.0**2


def plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Encode without a look from here on."""
    monkeypatch.setattr(Bundle, "has_gradients", False)


def quantised(bundle: Bundle, pixels: Pixels, quality: float) -> Quantiser:
    y = analyse(bundle, pixels, 1)
    return Quantiser(bundle.at(quality), y, hyper_symbols(bundle.at(quality), y, 1))


@pytest.mark.parametrize(("name", "least"), [("tiny", 0.005), ("shipped", 0.01)])
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


def test_coded_symbols_move_by_one_and_hardly_any_others(tiny_bundle: Path, photo: Image.Image) -> None:
    bundle = load(tiny_bundle)
    quantiser = quantised(bundle, np.asarray(photo), 60)
    found = optimise(quantiser, np.asarray(photo), 0, change=True)
    before = quantiser.q.copy()
    quantiser.change(found.changes)
    moved = np.abs(quantiser.q - before)
    ((box, change),) = found.changes.items()
    asked = np.zeros(before.shape, bool)
    np.put(asked, change.places, True)
    first = in_first_half(bundle.latents, box)
    assert 0.001 < asked.mean() < 0.05
    assert np.array_equal(moved[first], asked[first].astype(int))
    followed = moved[~first & ~asked] != 0  # their means have moved
    assert followed.mean() < 0.02
    assert (moved[~first & asked] == 1).mean() > 0.9


def test_what_is_not_coded_stays_0_whatever_a_change_promises(
    photo: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skosh.entropy.rate.OTHERS", -1e9)
    bundle = load()
    encoder = Encoder(take_apart(photo), bundle)
    residual = encoder.parts(60).coded.residual
    assert residual is not None
    free = residual.scale_index == 0
    assert free.mean() > 0.01
    assert not residual.q[free].any()
    assert np.count_nonzero(residual.q) > 0.5 * np.count_nonzero(~free)  # nearly all of the others moved
    reading = Decoder(bundle, read(encoder.file(60)), 1, False)
    assert np.array_equal(reading.symbols(reading.tiles)[1], residual.q)


def test_symbols_stay_in_the_range_of_the_format(
    tiny_bundle: Path, photo: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skosh.entropy.rate.OTHERS", -1e9)
    bundle = load(tiny_bundle)
    pixels = np.asarray(photo)[:64, :64]
    y = 1e6 * analyse(bundle, pixels, 1)
    quantiser = Quantiser(bundle.at(100), y, hyper_symbols(bundle.at(100), y, 1))
    assert np.abs(quantiser.q).max() == 32_767
    quantiser.change(optimise(quantiser, pixels, 0, change=True).changes)
    assert quantiser.q.min() >= -32_767


def test_learned_steps_count(tiny_bundle: Path, photo: Image.Image) -> None:
    """Where one step moves the latent twice as far, slope and curvature are two and four times as large."""
    bundle = load(tiny_bundle)
    pixels = np.asarray(photo)
    quantiser = quantised(bundle, pixels, 60)
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundle.rate, "moves", lambda q, index, slope, curvature: seen.append((slope, curvature)) or q * 0)
        comparison = Comparison(quantiser, pixels, quantiser.windows[0])
        comparison.change()
        comparison.means = comparison.means._replace(step=2.0 * comparison.means.step)
        comparison.change()
    (slope, curvature), (slope2, curvature2) = seen
    assert comparison.means.step.std() > 0
    np.testing.assert_allclose(slope2, 2.0 * slope, rtol=1e-4)
    np.testing.assert_allclose(curvature2, 4.0 * curvature, rtol=1e-4)


def test_nothing_is_changed_where_nothing_is_gained(
    tiny_bundle: Path, photo: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = load(tiny_bundle)
    monkeypatch.setattr("skosh.entropy.rate.OTHERS", 1e9)
    assert not optimise(quantised(bundle, np.asarray(photo), 60), np.asarray(photo), 0, change=True).changes
    file = skosh.encode(photo, 60, bundle)
    plainly(monkeypatch)
    assert skosh.encode(photo, 60, bundle) == file


def test_what_lies_beyond_the_picture_counts_for_nothing(tiny_bundle: Path) -> None:
    """Of a picture of one pixel, 255 in 256 are made up: wrong ones there are no error."""
    bundle = load(tiny_bundle)
    pixels = np.full((1, 1, 3), 200, np.uint8)
    y = analyse(bundle, pixels, 1)
    y[:, 0, 0] = 0.0  # grey, and wrong
    quantiser = Quantiser(bundle.at(60), y, hyper_symbols(bundle.at(60), y, 1))
    slope = Comparison(quantiser, pixels, quantiser.windows[0]).gradient()
    assert np.any(slope[..., 0, 0])
    assert not np.any(slope[..., 1:, :])
    assert not np.any(slope[..., 1:])
    assert np.abs(slope[0, :, 0, 0]).max() < 5.0  # a whole block that is wrong would give hundreds


def test_the_share_of_a_block_inside_of_the_picture(tiny_bundle: Path) -> None:
    share = share_inside(load(tiny_bundle), Box(1, 0, 4, 4), whole(40, 20))
    assert share.tolist() == [[1.0, 0.25, 0.0, 0.0], [0.5, 0.125, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]


@pytest.mark.parametrize("quality", [20, 80])
def test_small_pictures_gain_as_well(photo: Image.Image, monkeypatch: pytest.MonkeyPatch, quality: int) -> None:
    """In the mean of some that fill no block of 64 pixels, with the shipped bundle."""
    pictures = [photo.crop((left, 60, left + 37 + left // 3, 60 + 45 + left // 4)) for left in range(0, 300, 30)]
    better = [skosh.encode(picture, quality) for picture in pictures]
    plainly(monkeypatch)
    plain = [skosh.encode(picture, quality) for picture in pictures]
    costs = [
        sum(cost(load(), file, picture, quality) for file, picture in zip(files, pictures, strict=True))
        for files in (better, plain)
    ]
    assert costs[1] - costs[0] > 0.01 * 8 * sum(map(len, plain))


@pytest.mark.parametrize("side", [64, 128])
@pytest.mark.parametrize("size", [(451, 300), (193, 65), (64, 257)])
def test_windows_do_not_matter(
    tiny_bundle: Path, photo: Image.Image, monkeypatch: pytest.MonkeyPatch, side: int, size: tuple[int, int]
) -> None:
    picture = photo.crop((0, 0, *size))
    one = Encoder(take_apart(picture), load(tiny_bundle, 1)).parts(60).coded
    monkeypatch.setattr(tiling, "WINDOW", side)
    many = Encoder(take_apart(picture), load(tiny_bundle, 1), 2).parts(60).coded
    assert one.q is not None
    assert many.q is not None
    assert np.mean(one.q != many.q) < 1e-4  # a symbol may fall to the other side of a half


def test_efforts_look_for_themselves(tiny_bundle: Path, photo: Image.Image, monkeypatch: pytest.MonkeyPatch) -> None:
    small = photo.crop((0, 0, 128, 128))
    assert skosh.encode(small, 60, tiny_bundle) != skosh.encode(small, 60, tiny_bundle, effort=1)
    monkeypatch.setattr(Comparison, "change", lambda comparison: pytest.fail("a second look"))
    skosh.encode(small, 60, tiny_bundle, effort=1)


def test_a_bundle_without_curvature_is_coded_without_a_look(
    tiny_bundle: Path, tmp_path: Path, photo: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = altered(tiny_bundle, tmp_path / "older", None)
    older = Bundle(folder, 1)
    file = skosh.encode(photo, 60, older)
    assert np.asarray(skosh.decode(file, older)).std() > 20
    with pytest.raises(BundleError, match="no efforts"):
        skosh.encode(photo, 60, older, effort=1)
    plainly(monkeypatch)
    assert len(skosh.encode(photo, 60, tiny_bundle)) == len(file)


def test_curvature_without_what_an_error_is_worth_is_refused(tiny_bundle: Path, tmp_path: Path) -> None:
    bundle = Bundle(altered(tiny_bundle, tmp_path / "bundle", np.ones(48, np.float32), "lambda"))
    with pytest.raises(BundleError, match="lacks lambda"):
        skosh.encode(np.zeros((8, 8, 3), np.uint8), 60, bundle)


@pytest.mark.parametrize("values", [np.ones(3, np.float32), np.full(48, np.nan, np.float32), -np.ones(48, np.float32)])
def test_a_curvature_that_makes_no_sense_is_refused(tiny_bundle: Path, tmp_path: Path, values: np.ndarray) -> None:
    bundle = Bundle(altered(tiny_bundle, tmp_path / "bundle", values))
    with pytest.raises(BundleError, match="curvature"):
        skosh.encode(np.zeros((8, 8, 3), np.uint8), 60, bundle)


def altered(source: Path, folder: Path, curvature: np.ndarray | None, without: str = "") -> Path:
    """A copy of a bundle with another curvature, or none, and without another array."""
    shutil.copytree(source, folder)
    with np.load(folder / ENCODER_TABLES) as arrays:
        kept = {name: arrays[name] for name in arrays.files if name not in ("curvature", without)}
    np.savez_compressed(folder / ENCODER_TABLES, **(kept if curvature is None else kept | {"curvature": curvature}))
    reseal(folder)
    return folder


def test_a_bundle_without_gradients_has_nothing_to_optimise(plain_bundle: Path, photo: Image.Image) -> None:
    pixels = np.asarray(photo)[:64, :64]
    found = optimise(quantised(Bundle(plain_bundle, 1), pixels, 60), pixels, 0, change=True)
    assert found == Optimised({}, Filters(0, {}))


def test_a_graph_of_another_size_is_named(
    tiny_bundle: Path, photo: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = load(tiny_bundle)
    pixels = np.asarray(photo)[:64, :64]
    quantiser = quantised(bundle, pixels, 60)
    run = bundle.run
    monkeypatch.setattr(
        bundle,
        "run",
        lambda graph, *inputs, **only: [
            out[..., 1:] if graph == "linear_gradient" else out for out in run(graph, *inputs, **only)
        ],
    )
    with pytest.raises(BundleError, match="linear_gradient"):
        optimise(quantiser, pixels, 0, change=True)
