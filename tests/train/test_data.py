"""Pictures and crops: what is left out is said, what is drawn depends on seed and step only."""

from __future__ import annotations

import shutil
import threading
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

from skosh.errors import ConfigError
from skosh.picture.picture import Picture
from skosh.train import data
from skosh.train.data import Crops, halved, load_pictures, noisy, patch_transform, recoloured, turned_hue


def numbered(height: int, width: int) -> npt.NDArray[np.uint8]:
    """A picture in which every pixel tells its row and column."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows, columns, np.zeros_like(rows)], 2).astype(np.uint8)


@pytest.fixture
def pictures(pixels: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.uint8]]:
    return [pixels, pixels[:100, :90]]


@pytest.fixture
def crops(pictures: list[npt.NDArray[np.uint8]]) -> Crops:
    return Crops(pictures, 64, 6, seed=3)


def test_pictures_come_in_the_order_of_their_names_from_subfolders_too(tmp_path: Path, photo_folder: Path) -> None:
    (tmp_path / "b").mkdir()
    shutil.copy(photo_folder / "0.png", tmp_path / "c.PNG")
    shutil.copy(photo_folder / "1.png", tmp_path / "b" / "x.png")
    shutil.copy(photo_folder / "2.png", tmp_path / "a.png")
    loaded = load_pictures(tmp_path, 64)
    for picture, name in zip(loaded, ("2", "1", "0"), strict=True):
        assert np.array_equal(picture, np.asarray(Image.open(photo_folder / f"{name}.png")))


def test_pictures_that_cannot_be_used_are_named_and_left_out(tmp_path: Path, photo_folder: Path) -> None:
    shutil.copy(photo_folder / "0.png", tmp_path / "good.png")
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    (tmp_path / "cut.png").write_bytes((photo_folder / "1.png").read_bytes()[:5000])
    Image.new("RGB", (500, 63)).save(tmp_path / "small.png")
    said: list[str] = []
    assert len(load_pictures(tmp_path, 64, said.append)) == 1
    assert len(said) == 3
    for line, name, why in zip(said, ("broken.jpg", "cut.png", "small.png"), ("", "", "500x63"), strict=True):
        assert name in line
        assert why in line


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "CMYK", "1", "I;16"])
def test_pictures_of_any_mode_become_rgb(tmp_path: Path, mode: str) -> None:
    grey = np.tile(np.linspace(0, 65535, 70).astype(np.uint16), (66, 1))
    image = Image.fromarray(grey if mode == "I;16" else (grey >> 8).astype(np.uint8)).convert(mode)
    image.save(tmp_path / "picture.tif")
    (picture,) = load_pictures(tmp_path, 64)
    assert (picture.shape, picture.dtype) == ((66, 70, 3), np.uint8)
    due = grey / 257.0 if mode == "I;16" else np.asarray(image.convert("L"))
    assert np.abs(picture - due[:, :, None]).max() <= 1.0


def test_pictures_are_turned_upright(tmp_path: Path, photo: Image.Image) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    photo.crop((0, 0, 100, 70)).save(tmp_path / "turned.jpg", exif=exif)
    (picture,) = load_pictures(tmp_path, 64)
    assert picture.shape == (100, 70, 3)


@pytest.mark.parametrize("content", [None, {}, {"notes.txt": b"x"}, {"broken.png": b"x"}])
def test_a_folder_without_a_usable_picture_is_an_error(tmp_path: Path, content: dict[str, bytes] | None) -> None:
    folder = tmp_path / "pictures"
    if content is not None:
        folder.mkdir()
        for name, text in content.items():
            (folder / name).write_bytes(text)
    with pytest.raises(ConfigError, match=r"pictures"):
        load_pictures(folder, 64, lambda text: None)


def test_loading_leaves_the_warning_filters_as_they_were(
    tmp_path: Path, photo_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two decoders at once: the second starts before the first ends, and ends after it."""
    for name in ("0.png", "1.png"):
        shutil.copy(photo_folder / name, tmp_path / name)
    second_started, first_ended = threading.Event(), threading.Event()
    plain = data.from_image

    def interleaved(image: Image.Image) -> Picture:
        if Path(image.filename).name == "0.png":
            second_started.wait(1)
            threading.Timer(0.2, first_ended.set).start()
        else:
            second_started.set()
            first_ended.wait(2)
        return plain(image)

    monkeypatch.setattr(data, "cores", lambda: 2)
    monkeypatch.setattr(data, "from_image", interleaved)
    before = list(warnings.filters)
    load_pictures(tmp_path, 64)
    assert list(warnings.filters) == before


def test_a_step_draws_the_same_crops_each_time_and_other_steps_and_seeds_draw_others(
    crops: Crops, pictures: list[npt.NDArray[np.uint8]]
) -> None:
    first, levels = crops.draw(7)
    crops.draw(8)
    again, levels_again = crops.draw(7)
    assert first.dtype == torch.uint8
    assert np.array_equal(first, again)
    assert np.array_equal(levels, levels_again)
    other_seed = Crops(pictures, 64, 6, seed=4)
    for other, other_levels in (crops.draw(8), other_seed.draw(7)):
        assert not np.array_equal(first, other)
        assert not np.array_equal(levels, other_levels)


def test_levels_of_a_batch_are_spread_evenly_over_the_axis(crops: Crops) -> None:
    seen = np.stack([crops.draw(step)[1] for step in range(200)])
    assert crops.draw(0)[1].dtype == torch.float32
    for i in range(6):
        assert seen[:, i].min() >= i / 6
        assert seen[:, i].max() <= (i + 1) / 6
    assert seen.min() < 0.01
    assert seen.max() > 0.99


@pytest.mark.parametrize("world", [2, 3])
def test_the_shares_of_all_ranks_make_up_the_batch_of_one_process(
    crops: Crops, pictures: list[npt.NDArray[np.uint8]], world: int
) -> None:
    whole, levels = crops.draw(5)
    shares = [Crops(pictures, 64, 6, 3, rank, world).draw(5) for rank in range(world)]
    for rank, (crop, level) in enumerate(shares):  # every process sees the whole axis of qualities
        assert np.array_equal(crop, whole[rank::world])
        assert np.array_equal(level, levels[rank::world])


def test_a_batch_that_the_processes_cannot_share_is_an_error(pictures: list[npt.NDArray[np.uint8]]) -> None:
    with pytest.raises(ConfigError, match="6 can't be shared by 4"):
        Crops(pictures, 64, 6, 3, 0, 4)


def test_crops_show_all_eight_orientations_and_nothing_else() -> None:
    picture = numbered(64, 64)
    views = [np.rot90(flip, turns).tobytes() for flip in (picture, picture[::-1]) for turns in range(4)]
    drawn = [crop for step in range(20) for crop in Crops([picture], 64, 8, 1).draw(step)[0].numpy()]
    assert {crop.shape for crop in drawn} == {(64, 64, 3)}
    assert {crop.tobytes() for crop in drawn} == set(views)


def test_crops_reach_every_place_of_a_picture() -> None:
    crops = Crops([numbered(66, 65)], 64, 8, 1)
    corners = {tuple(crop.min((0, 1))[:2]) for step in range(20) for crop in crops.draw(step)[0].numpy()}
    assert corners == {(i, j) for i in range(3) for j in range(2)}


def test_large_pictures_are_drawn_more_often() -> None:
    crops = Crops([np.zeros((64, 64, 3), np.uint8), np.full((128, 96, 3), 255, np.uint8)], 64, 8, 1)
    share = np.mean([crops.draw(step)[0].numpy().mean() / 255 for step in range(100)])
    assert share == pytest.approx(0.75, abs=0.05)


def test_patch_basis_is_orthonormal_sorted_and_decorrelates_the_patches(pixels: npt.NDArray[np.uint8]) -> None:
    basis, variance = patch_transform([pixels, pixels[::-1]], size=4, patches=20_000)
    np.testing.assert_allclose(basis @ basis.T, np.eye(48), atol=1e-5)
    assert np.all(np.diff(variance) <= 0)
    patches = pixels.reshape(64, 4, 96, 4, 3).transpose(0, 2, 4, 1, 3).reshape(-1, 48) / 255.0 - 0.5
    found = np.mean((patches @ basis.T) ** 2, axis=0)
    np.testing.assert_allclose(found[:8], variance[:8], rtol=0.25)


def test_a_turned_hue_keeps_luma_and_grey_and_stretches_chroma() -> None:
    rng = np.random.default_rng(0)
    matrix = turned_hue(1.1, 1.7)
    rgb = rng.random((50, 3))
    luma = np.array([0.299, 0.587, 0.114])
    assert np.allclose((rgb @ matrix.T) @ luma, rgb @ luma)
    assert np.allclose(matrix @ [0.4, 0.4, 0.4], 0.4)
    chroma = np.stack([(np.eye(3)[2] - luma) / 1.772, (np.eye(3)[0] - luma) / 1.402])
    before, after = rgb @ chroma.T, (rgb @ matrix.T) @ chroma.T
    assert np.allclose(np.hypot(*after.T), 1.7 * np.hypot(*before.T))
    assert np.allclose(turned_hue(0.0, 1.0), np.eye(3))


def test_a_share_of_the_crops_is_recoloured_the_same_way_each_time(crops: Crops) -> None:
    same = torch.eye(3).expand(6, 3, 3)
    assert torch.allclose(crops.colours(5, 0.0), same)
    assert not torch.isclose(crops.colours(5, 1.0), same).all(2).all(1).any()
    assert torch.equal(crops.colours(5, 0.5), crops.colours(5, 0.5))
    assert not torch.equal(crops.colours(5, 1.0), crops.colours(6, 1.0))
    chosen = torch.cat([~torch.isclose(crops.colours(step, 0.25), same).all(2).all(1) for step in range(100)])
    assert 0.15 < chosen.float().mean() < 0.35


def test_processes_recolour_their_own_part_of_a_batch(pictures: list[npt.NDArray[np.uint8]], crops: Crops) -> None:
    parts = [Crops(pictures, 64, 6, 3, rank, 2).colours(4, 0.7) for rank in (0, 1)]
    assert torch.equal(torch.stack(parts, 1).reshape(6, 3, 3), crops.colours(4, 0.7))


def test_recoloured_pictures_stay_in_range() -> None:
    x = torch.rand(2, 3, 8, 8)
    colours = torch.stack([torch.eye(3), torch.from_numpy(turned_hue(2.0, 2.0)).float()])
    found = recoloured(x, colours)
    assert torch.allclose(found[0], x[0])
    assert 0.0 <= found.min() <= found.max() <= 1.0
    assert (found[1] - x[1]).abs().max() > 0.1


def test_noise_is_for_a_share_of_the_crops_and_depends_on_seed_and_step(crops: Crops) -> None:
    chosen = torch.cat([crops.noise(step, 0.75, 50.0) for step in range(200)])  # (1200, 2)
    assert torch.equal(crops.noise(7, 0.75, 50.0), chosen[42:48])
    white = chosen.sum(1).sqrt() * 255.0  # standard deviation at white
    assert (white > 0).float().mean().item() == pytest.approx(0.75, abs=0.05)
    assert 48 < white.max() <= 50.01
    assert white[white > 0].mean().item() == pytest.approx(25.0, abs=1.5)
    growing = chosen[:, 0] > 0
    assert growing.float().mean().item() == pytest.approx(0.75 / 2, abs=0.05)
    assert not crops.noise(0, 0.0, 50.0).any()


def test_noise_has_the_variance_that_was_chosen_and_clean_pictures_stay_as_they_are() -> None:
    torch.manual_seed(0)
    x = torch.cat([torch.full((1, 3, 200, 200), value) for value in (0.25, 0.5, 0.5)])
    slope, offset = 0.004, 0.001
    found = noisy(x, torch.tensor([[slope, offset], [0.0, 0.0], [0.0, 0.01]]))
    assert found[0].var().item() == pytest.approx(slope * 0.25 + offset, rel=0.03)
    assert torch.equal(found[1], x[1])
    assert found[2].var().item() == pytest.approx(0.01, rel=0.03)
    torch.testing.assert_close(found[0] * 255.0, torch.round(found[0] * 255.0), atol=1e-3, rtol=0)
    bright = noisy(torch.ones(1, 3, 50, 50), torch.tensor([[0.0, 0.04]]))
    assert bright.min() < 0.5
    assert bright.max() == 1.0


def test_pictures_are_halved_as_pillow_does_it(pixels: npt.NDArray[np.uint8]) -> None:
    grey = pixels[:64, :96, 0].astype(np.float32) / 255.0
    due = np.asarray(Image.fromarray(grey).resize((48, 32), Image.Resampling.BICUBIC))
    found = halved(torch.from_numpy(grey).expand(1, 3, -1, -1))
    np.testing.assert_allclose(found[0, 2].numpy(), due.clip(0.0, 1.0), atol=1e-5)
