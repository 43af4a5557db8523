"""Tiles of a file and windows of the networks: neither is to be seen in the picture."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

import skosh
from skosh.bundle.bundle import Bundle
from skosh.bundle.manifest import find
from skosh.codec import tiling
from skosh.codec.boxes import Box
from skosh.codec.decoder import Decoder
from skosh.container.chunks import read

TILE_BYTES = 16  # what a tile costs at the most besides its symbols


@pytest.fixture(scope="module")
def bundles(tiny_bundle: Path) -> dict[str, Path]:
    return {"tiny": tiny_bundle, "shipped": find(None)}


def small_windows(monkeypatch: pytest.MonkeyPatch, side: int) -> None:
    monkeypatch.setattr(tiling, "WINDOW", side)


def pixels(image: Image.Image) -> npt.NDArray[np.int16]:
    return np.asarray(image).astype(np.int16)


def test_an_area_no_larger_than_a_window_is_seen_at_once_whatever_its_shape() -> None:
    assert tiling.in_windows(Box(0, 0, 36, 52), 48) == [Box(0, 0, 36, 52)]
    assert tiling.in_windows(Box(0, 0, 49, 48), 48) == [Box(0, 0, 48, 48), Box(48, 0, 49, 48)]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tiny", "shipped"])
@pytest.mark.parametrize("side", [64, 128])
def test_windows_change_neither_the_file_nor_the_picture(
    bundles: dict[str, Path], photo: Image.Image, monkeypatch: pytest.MonkeyPatch, name: str, side: int
) -> None:
    assert max(photo.size) < tiling.WINDOW  # so the first file is made in one window
    one = skosh.encode(photo, 60, bundles[name], tile=128)
    natural, faithful = (pixels(skosh.decode(one, bundles[name], realism=realism)) for realism in (1, 0))
    small_windows(monkeypatch, side)
    many = skosh.encode(photo, 60, bundles[name], 2, tile=128)
    assert abs(len(many) - len(one)) <= len(one) // 500  # a symbol may fall to the other side of a half
    assert np.abs(pixels(skosh.decode(one, bundles[name], 2, realism=1)) - natural).max() <= 1
    assert np.abs(pixels(skosh.decode(many, bundles[name], realism=0)) - faithful).mean() < 0.01


@pytest.mark.parametrize("name", ["tiny", "shipped"])
def test_a_picture_in_tiles_is_the_picture_in_one_but_for_corrections(
    bundles: dict[str, Path], photo: Image.Image, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skosh.codec.rdo.solve", lambda *arguments: None)
    one = skosh.encode(photo, 60, bundles[name], tile=0)
    assert skosh.info(one)["tiles"] == 1
    shown = pixels(skosh.decode(one, bundles[name], realism=0))  # the noise of detail is the file's own
    for tile in (64, 128, 256):
        many = skosh.encode(photo, 60, bundles[name], tile=tile)
        tiles = skosh.info(many)["tiles"]
        assert tiles == -(-451 // tile) * -(-300 // tile)
        assert np.abs(pixels(skosh.decode(many, bundles[name], realism=0)) - shown).max() <= 1
        assert len(many) <= len(one) + TILE_BYTES * tiles


@pytest.mark.parametrize("region", [(0, 0, 451, 300), (100, 50, 200, 150), (450, 299, 1, 1), (0, 130, 64, 7)])
def test_a_region_is_the_crop_of_the_whole(tiny_bundle: Path, photo: Image.Image, region) -> None:
    data = skosh.encode(photo, 60, tiny_bundle, tile=64)
    x, y, width, height = region
    crop = skosh.decode(data, tiny_bundle).crop((x, y, x + width, y + height))
    part = skosh.decode(data, tiny_bundle, region=region)
    assert part.size == (width, height)
    assert np.abs(pixels(part) - pixels(crop)).max() <= 1


def test_a_region_reads_only_the_tiles_that_it_needs(tiny_bundle: Path, photo: Image.Image) -> None:
    wide = Image.new("RGB", (1024, 512))
    wide.paste(photo.resize((1024, 512)))
    contents = read(skosh.encode(wide, 30, tiny_bundle, tile=64))
    far = [n for n in range(len(contents.tiles)) if n % 16 >= 8]  # the right half
    for n in far:
        contents.tiles[n] = b"\xff" * 50  # would decode to noise
    decoder = Decoder(Bundle(tiny_bundle), contents, 1, salvage=False)
    from skosh.codec.boxes import Box

    needed = decoder.needed(Box(200, 10, 260, 70))
    assert 0 < len(needed) < 64
    assert all(tile.right <= 8 for tile in needed)
    shown, lost = decoder.pixels(Box(200, 10, 260, 70))
    assert lost == []
    assert np.abs(shown.astype(int) - np.asarray(wide)[200:260, 10:70]).mean() < 25


@pytest.mark.parametrize("region", [(-1, 0, 5, 5), (0, 0, 0, 5), (450, 0, 2, 5), (0, 0, 452, 300)])
def test_a_region_outside_of_the_picture_is_refused(tiny_bundle: Path, photo: Image.Image, region) -> None:
    with pytest.raises(skosh.LimitError, match="not inside of 451x300"):
        skosh.decode(skosh.encode(photo, 10, tiny_bundle), tiny_bundle, region=region)


def test_salvage_shows_the_rest_and_marks_what_is_lost(tiny_bundle: Path, photo: Image.Image) -> None:
    data = skosh.encode(photo, 60, tiny_bundle, tile=128)
    whole = pixels(skosh.decode(data, tiny_bundle))
    stream = read(data).tiles[5]
    assert stream is not None
    at = data.index(stream) + len(stream) // 2
    damaged = data[:at] + bytes([data[at] ^ 8]) + data[at + 1 :]
    with pytest.raises(skosh.FormatError, match="checksum"):
        skosh.decode(damaged, tiny_bundle)
    with pytest.warns(UserWarning, match="lost: 128x128 pixels at 128,128"):
        shown = pixels(skosh.decode(damaged, tiny_bundle, salvage=True))
    lost = np.zeros(whole.shape[:2], bool)
    lost[128:256, 128:256] = True
    assert (shown[lost] == 128).all()
    near = np.zeros_like(lost)
    near[16:, 16:368] = True  # as far as the networks see from the lost tile
    assert np.abs(shown[~near] - whole[~near]).max() <= 1
    assert np.abs(shown[near & ~lost] - whole[near & ~lost]).mean() < 4


def test_salvage_of_a_part_of_which_nothing_is_left_is_refused_and_many_lost_tiles_are_counted(
    tiny_bundle: Path, photo: Image.Image
) -> None:
    data = skosh.encode(photo, 10, tiny_bundle, tile=64)
    tiles = [tile for tile in read(data).tiles if tile is not None]
    at = data.index(tiles[5])
    damaged = data[:at]  # the first five tiles of the first row are whole
    with pytest.warns(UserWarning, match="lost") as said:
        skosh.decode(damaged, tiny_bundle, salvage=True)
    found = [str(one.message) for one in said]
    assert len(found) == 9
    assert found[-1] == f"lost: {len(tiles) - 5} of the {len(tiles)} tiles that are needed"
    for region in ((0, 240, 64, 60), (0, 64, 64, 64)):  # far from what is left, and near it
        with pytest.raises(skosh.FormatError, match="nothing is left of this part"):
            skosh.decode(damaged, tiny_bundle, salvage=True, region=region)


def test_a_lost_tile_greys_no_part_but_its_own(tiny_bundle: Path, photo: Image.Image) -> None:
    data = skosh.encode(photo, 60, tiny_bundle, tile=64)
    stream = read(data).tiles[16]  # third row, first column
    assert stream is not None
    at = data.index(stream) + len(stream) // 2
    damaged = data[:at] + bytes([data[at] ^ 8]) + data[at + 1 :]
    with pytest.warns(UserWarning, match="lost: 64x64 pixels at 0,128"):
        part = pixels(skosh.decode(damaged, tiny_bundle, salvage=True, region=(0, 240, 64, 60)))
    due = pixels(skosh.decode(data, tiny_bundle, region=(0, 240, 64, 60)))
    assert np.abs(part.astype(int) - due).mean() < 4
    assert not (part == 128).all(2).all(1).any()


def test_salvage_of_a_file_that_is_whole_warns_of_nothing(tiny_bundle: Path, photo: Image.Image) -> None:
    data = skosh.encode(photo, 60, tiny_bundle, tile=128)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert skosh.decode(data, tiny_bundle, salvage=True) == skosh.decode(data, tiny_bundle)


@pytest.mark.parametrize("tile", [1, 32, 63, 96, 1000, -64, 1 << 21])
def test_a_tile_that_no_file_can_have_is_refused(tiny_bundle: Path, noise: Image.Image, tile: int) -> None:
    with pytest.raises(ValueError, match="power of two"):
        skosh.encode(noise, 10, tiny_bundle, tile=tile)
