"""Planted grids, specks and wrong letters are found, and clean pictures have none."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from skosh.evaluate.guards import PERIODS, flat_and_vivid, letters_kept, pattern_shares, share_kept, specks

SIZE = 256
GREY = np.full((SIZE, SIZE, 3), 128, np.uint8)


def noisy(seed: int, sigma: float = 8.0, red: float = 0.0, size: int = SIZE) -> np.ndarray:
    """Noise of a standard deviation. ``red``: the power by which its amplitude falls with the frequency."""
    white = np.random.default_rng(seed).standard_normal((size, size, 3))
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(size), np.fft.fftfreq(size)))
    frequency[0, 0] = 1.0
    shaped = np.fft.ifft2(np.fft.fft2(white, axes=(0, 1)) / frequency[..., None] ** red, axes=(0, 1)).real
    return sigma * shaped / shaped.std()


def picture(error: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(128 + error), 0, 255).astype(np.uint8)


def waves(period: int, amplitude: float, down: bool = False) -> np.ndarray:
    """A cosine across or down, whose energy is half the square of its amplitude."""
    line = amplitude * np.cos(2 * np.pi * np.arange(SIZE) / period + 0.4)
    plane = np.tile(line, (SIZE, 1))
    return np.repeat((plane.T if down else plane)[..., None], 3, axis=2)


@pytest.mark.parametrize("red", [0.0, 0.5, 1.0])
def test_an_error_without_a_pattern_has_none(red: float) -> None:
    for seed in range(3):
        found = pattern_shares(GREY, picture(noisy(seed, red=red)))
        assert all(abs(share) < 0.01 for share in found.values()), found


@pytest.mark.parametrize("period", [4, 8, 16])
@pytest.mark.parametrize("down", [False, True])
def test_a_wave_is_found_at_its_period_with_its_share_of_the_energy(period: int, down: bool) -> None:
    error = noisy(1, red=0.5) + waves(period, 3.0, down)
    found = pattern_shares(GREY, picture(error))
    due = 3.0**2 / 2 / np.square(error).mean()
    assert 0.05 < found[period] == pytest.approx(due, abs=0.012)
    assert all(abs(share) < 0.008 for other, share in found.items() if other != period)


def test_a_checkerboard_is_period_2_and_counted_once() -> None:
    board = 2.0 * (-1.0) ** np.add.outer(np.arange(SIZE), np.arange(SIZE))[..., None]
    error = noisy(1) + board
    found = pattern_shares(GREY, picture(error))
    assert found[2] == pytest.approx(4.0 / np.square(error).mean(), abs=0.006)
    assert pattern_shares(GREY, picture(np.repeat(20 * board, 3, axis=2)))[2] == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(("step", "period"), [(16, 16), (8, 8), (4, 4)])
def test_a_grid_of_dots_is_found_with_its_overtones(step: int, period: int) -> None:
    dots = np.zeros((SIZE, SIZE, 3))
    dots[3::step, 5::step] = 25.0
    error = noisy(2) + dots
    found = pattern_shares(GREY, picture(error))
    due = (np.square(dots).mean() - dots.mean() ** 2) / np.square(error).mean()
    assert 0.02 < sum(found.values()) == pytest.approx(due, abs=0.01)
    assert found[period] > 0.015
    assert all(found[longer] < 0.005 for longer in PERIODS if longer > period)


def test_a_grid_in_a_corner_of_the_picture_is_found() -> None:
    clean, spoiled = noisy(3, red=0.5), noisy(3, red=0.5)
    spoiled[:96, :96] += waves(16, 6.0)[:96, :96]
    assert pattern_shares(GREY, picture(spoiled))[16] > 0.01 + pattern_shares(GREY, picture(clean))[16]


@pytest.mark.parametrize("period", [5, 11, 32])
def test_waves_of_other_periods_are_no_pattern(period: int) -> None:
    found = pattern_shares(GREY, picture(noisy(4) + waves(period, 4.0)))
    assert all(abs(share) < 0.01 for share in found.values()), found


def test_equal_pictures_have_no_pattern_and_small_ones_are_refused() -> None:
    assert pattern_shares(GREY, GREY) == dict.fromkeys(PERIODS, 0.0)
    with pytest.raises(ValueError, match="64 pixels"):
        pattern_shares(GREY[:60], GREY[:60])


def red_wall() -> np.ndarray:
    """A vivid wall with a little grain above a grey one."""
    wall = np.full((SIZE, SIZE, 3), (190, 50, 40), np.float64)
    wall[SIZE // 2 :] = 120
    return np.clip(np.rint(wall + noisy(5, 1.0)), 0, 255).astype(np.uint8)


def with_specks(original: np.ndarray, top: int, strength: int = 40) -> np.ndarray:
    """Fifty specks of 2x2 pixels in the 100 rows from ``top`` on."""
    spoiled = original.astype(np.int16)
    rng = np.random.default_rng(6)
    for y, x in zip(rng.integers(top, top + 100, 50), rng.integers(8, SIZE - 8, 50), strict=True):
        spoiled[y : y + 2, x : x + 2] += strength
    return np.clip(spoiled, 0, 255).astype(np.uint8)


def test_specks_on_a_vivid_wall_are_found() -> None:
    original = red_wall()
    blurred = np.asarray(Image.fromarray(original).resize((64, 64), Image.Resampling.BOX).resize((SIZE, SIZE)))
    clean, spoiled = specks(original, blurred), specks(original, with_specks(blurred, 10))
    assert clean is not None
    assert spoiled is not None
    assert clean.pixels == spoiled.pixels > 20_000
    assert clean.energy < 2.0
    assert clean.largest < 6.0
    assert spoiled.energy > 3 * clean.energy
    assert spoiled.largest > 20.0


def test_specks_elsewhere_and_colours_that_drift_are_not_counted() -> None:
    original = red_wall()
    assert specks(original, with_specks(original, 150)) == specks(original, original)
    drifted = original + np.linspace(0, 20, SIZE)[None, :, None]
    found = specks(original, np.clip(np.rint(drifted), 0, 255).astype(np.uint8))
    assert found is not None
    assert found.energy < 0.3


def test_stronger_specks_count_for_more() -> None:
    original = red_wall()
    found = [specks(original, with_specks(original, 10, strength)) for strength in (10, 20, 40)]
    assert all(b.energy > 3 * a.energy for a, b in pairwise(one for one in found if one is not None))
    assert None not in found


def test_what_is_grey_dark_or_busy_is_no_smooth_vivid_surface() -> None:
    assert specks(GREY, GREY) is None
    dark = np.full((SIZE, SIZE, 3), (50, 5, 5), np.uint8)
    busy = np.clip(np.full((SIZE, SIZE, 3), (190, 50, 40)) + noisy(7, 12.0), 0, 255).astype(np.uint8)
    vivid = np.full((SIZE, SIZE, 3), (190, 50, 40), np.uint8)
    assert [flat_and_vivid(one).mean() for one in (dark, busy, vivid)] == [0.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("due", "found", "kept"),
    [
        ("EXIT", "EXIT", 4),
        ("EXIT", "EX1T", 3),
        ("EXIT", "", 0),
        ("", "EXIT", 0),
        ("EXIT", "TIXE", 1),
        ("STREET", "ST REET", 6),
        ("ABCBDAB", "BDCABA", 4),
    ],
)
def test_letters_that_read_the_same_in_the_same_order(due: str, found: str, kept: int) -> None:
    assert letters_kept(due, found) == kept


def test_a_share_is_of_all_letters() -> None:
    assert share_kept([("EXIT", "EX1T"), ("AB", "AB")]) == pytest.approx(5 / 6)
    assert share_kept([]) is None
