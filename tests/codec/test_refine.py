from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

import skosh
from skosh.bundle.bundle import Bundle
from skosh.bundle.loading import load
from skosh.bundle.manifest import find
from skosh.codec.analysis import analyse, hyper_symbols
from skosh.codec.boxes import whole
from skosh.codec.refine import Effort, Window, relaxed


def squared_error(bundle: Path, data: bytes, picture: Image.Image) -> float:
    """Mean over all values, of whole pixels in 0..1."""
    shown = np.asarray(skosh.decode(data, bundle)).astype(np.float64)
    return float(np.mean((shown - np.asarray(picture)) ** 2)) / 255.0**2


def cost(bundle: Path, data: bytes, picture: Image.Image, quality: float) -> float:
    """Bits and error of a file, in bits."""
    worth = float(load(bundle).at(quality).lambda_of)
    return 8 * len(data) + worth * squared_error(bundle, data, picture) * 3 * picture.width * picture.height


@pytest.fixture(scope="module")
def window(tiny_bundle: Path, photo: Image.Image) -> Window:
    bundle = load(tiny_bundle, 1)
    pixels = np.asarray(photo)[:128, :128]
    y = analyse(bundle, pixels, 1)
    z = hyper_symbols(bundle.at(70), y, 1)
    return Window(bundle.at(70), pixels, y, z, whole(*y.shape[1:]))


@pytest.mark.parametrize("quality", [20, 80])
def test_an_effort_costs_less_in_bits_and_error_together(tiny_bundle: Path, photo: Image.Image, quality: int) -> None:
    files = [skosh.encode(photo, quality, tiny_bundle, effort=effort) for effort in range(3)]
    costs = [cost(tiny_bundle, data, photo, quality) for data in files]
    assert max(costs[1:]) < costs[0]


@pytest.mark.slow
def test_each_effort_is_worth_more_than_the_one_before(photo: Image.Image) -> None:
    """Over two pictures: on one, or with barely trained weights, a longer effort can end a little worse."""
    folder = find(None)
    pictures = [photo.crop(box) for box in ((128, 0, 256, 128), (150, 60, 278, 188))]
    costs = [[cost(folder, skosh.encode(p, 30, effort=effort), p, 30) for effort in range(4)] for p in pictures]
    assert (np.diff(np.sum(costs, axis=0)) < 0).all()


def test_a_refined_file_is_the_same_each_time_and_on_any_number_of_threads_alike(
    tiny_bundle: Path, photo: Image.Image
) -> None:
    one, again = (skosh.encode(photo, 60, tiny_bundle, 1, effort=1) for _ in range(2))
    assert one == again
    two = skosh.encode(photo, 60, tiny_bundle, 2, effort=1)
    assert abs(len(two) - len(one)) <= len(one) // 200


def test_windows_and_odd_sizes_are_refined_as_well(
    tiny_bundle: Path, photo: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = photo.crop((3, 5, 404, 206))  # 401x201
    whole_ = cost(tiny_bundle, skosh.encode(picture, 60, tiny_bundle, effort=1), picture, 60)
    plain = cost(tiny_bundle, skosh.encode(picture, 60, tiny_bundle), picture, 60)
    monkeypatch.setattr("skosh.codec.tiling.WINDOW", 128)
    cut = cost(tiny_bundle, skosh.encode(picture, 60, tiny_bundle, 2, effort=1), picture, 60)
    assert whole_ < plain
    assert cut < plain
    assert cut == pytest.approx(whole_, rel=0.01)


def test_a_target_is_met_with_an_effort(tiny_bundle: Path, photo: Image.Image) -> None:
    small = photo.crop((0, 0, 128, 128))
    size = len(skosh.encode(small, 40, tiny_bundle))
    data = skosh.encode(small, model=tiny_bundle, target_bytes=size, effort=1)
    assert 0.95 * size <= len(data) <= size


def test_an_effort_out_of_range_and_a_bundle_without_are_refused(
    tiny_bundle: Path, plain_bundle: Path, noise: Image.Image
) -> None:
    for effort in (-1, 4, 1.0, "2"):
        with pytest.raises(ValueError, match="0 to 3"):
            skosh.encode(noise, 10, tiny_bundle, effort=effort)  # type: ignore[arg-type]
    with pytest.raises(skosh.BundleError, match="has no efforts"):
        skosh.encode(noise, 10, plain_bundle, effort=1)


def test_mixtures_sharpen_to_rounding_and_their_slope_is_right() -> None:
    r = np.linspace(-1.95, 1.95, 79).astype(np.float64) + 0.0125
    still: npt.NDArray[np.float32] = np.zeros_like(r)  # type: ignore[assignment]
    cold = relaxed(r, still, 0.05)  # type: ignore[arg-type]
    clear = np.abs(r - np.floor(r) - 0.5) > 0.1
    assert np.allclose((cold.low + cold.above)[clear], np.rint(r)[clear], atol=1e-3)
    step = 1e-6
    above = [relaxed(r + side * step, still + 0.3, 0.4).above for side in (-1, 1)]  # type: ignore[arg-type]
    assert np.allclose((above[1] - above[0]) / (2 * step), relaxed(r, still + 0.3, 0.4).slope, rtol=1e-4)  # type: ignore[arg-type]


def test_the_objective_is_that_of_the_file(window: Window) -> None:
    """Bits and error by the window's own arithmetic against a real file's, less its z and its frame."""
    picture = Image.fromarray((np.rint(window.x[0] * 255.0)).astype(np.uint8).transpose(1, 2, 0))
    data = skosh.encode(picture, 70, window.bundle)
    real = 8 * len(data) + window.weight * squared_error(window.bundle.folder, data, picture) * 3 * 128 * 128
    assert window.look(window.u).objective == pytest.approx(real, rel=0.05)


@pytest.mark.parametrize(
    ("module", "name", "value", "effort"),
    [
        ("codec.refine", "RATE", 3.0, Effort(0, 3)),
        ("entropy.rate", "OTHERS", -100.0, Effort(3, 0)),
    ],  # far too fast; whatever it costs
)
def test_a_window_is_never_worse_afterwards(
    window: Window, monkeypatch: pytest.MonkeyPatch, module: str, name: str, value: float, effort: Effort
) -> None:
    monkeypatch.setattr(sys.modules[f"skosh.{module}"], name, value)
    assert np.array_equal(window.refine(effort), window.u / window.gain)


def test_a_change_moves_coded_symbols_by_one_and_helps(window: Window) -> None:
    changed = window.change(window.look(window.u), 1)
    moved = changed != window.u
    q, changed_q = window.rounded(window.u)[0], window.rounded(changed)[0]
    assert 0.001 < moved.mean() < 0.2
    assert not (moved & ~window.coded).any()
    first = moved & window.first  # means of the others move, and may take a symbol with them
    assert (np.abs(changed_q - q)[first] == 1).all()
    assert window.look(changed).objective < window.look(window.u).objective


def test_an_effort_looks_once_at_each_state(window: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = []
    plain = window.bundle.run
    monkeypatch.setattr(window.bundle, "run", lambda graph, *inputs: runs.append(graph) or plain(graph, *inputs))
    window.refine(Effort(3, 0))
    assert runs.count("synthesis_gradient") == 4  # three for the changes, one for what they led to


def test_a_change_leaves_symbols_that_are_not_coded_alone(window: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skosh.entropy.rate.OTHERS", -1e9)  # every change promises something
    monkeypatch.setattr(window, "coded", window.first & (window.index > 0))
    assert np.array_equal(window.change(window.look(window.u), 1) != window.u, window.coded)


def test_of_all_states_on_the_way_the_best_is_kept(window: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = window.refine(Effort(6, 0))
    monkeypatch.setattr(sys.modules["skosh.codec.refine"], "RATE", 3.0)  # annealing that leads nowhere
    assert np.array_equal(window.refine(Effort(6, 3)), changed)
    assert not np.array_equal(changed, window.u / window.gain)


def test_annealing_helps(window: Window) -> None:
    assert window.look(window.anneal(window.u, 20)).objective < window.look(window.u).objective


def test_the_shipped_bundle_can_be_refined(tiny_bundle: Path, plain_bundle: Path) -> None:
    assert Bundle(tiny_bundle).has_gradients
    assert load(None).has_gradients
    assert not Bundle(plain_bundle).has_gradients
