"""Pictures through the whole codec, with the tiny bundle: its quality is poor, its behaviour is that of any other."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import skosh
from skosh.bundle import loading as bundles
from skosh.bundle import manifest
from skosh.bundle.bundle import Bundle
from skosh.bundle.graphs import path_of
from skosh.bundle.scale_map import scale_map_reference, shifted
from skosh.codec.analysis import hyper_symbols
from skosh.codec.boxes import whole
from skosh.codec.context import latent
from skosh.codec.decoder import take_symbols
from skosh.codec.encoder import Encoder, take_apart
from skosh.codec.planes import to_network
from skosh.codec.quantise import Quantiser
from skosh.container.chunks import Header, read, write


def psnr(a: Image.Image, b: Image.Image) -> float:
    error = np.mean((np.asarray(a, np.float64) - np.asarray(b, np.float64)) ** 2)
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def test_a_photograph_comes_back_and_more_quality_costs_more_and_shows_more(
    tiny_bundle: Path, photo: Image.Image
) -> None:
    sizes, qualities = [], []
    for quality in (0, 50, 100):
        data = skosh.encode(photo, quality, tiny_bundle)
        back = skosh.decode(data, tiny_bundle)
        assert (back.size, back.mode) == (photo.size, "RGB")
        sizes.append(len(data))
        qualities.append(psnr(photo, back))
    assert sizes == sorted(sizes)
    assert qualities == sorted(qualities)
    assert qualities[-1] > 30
    assert sizes[-1] < 3 * photo.width * photo.height / 6


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (63, 65), (64, 64), (129, 2)])
def test_any_size_comes_back(tiny_bundle: Path, photo: Image.Image, size: tuple[int, int]) -> None:
    small = photo.resize(size)
    back = skosh.decode(skosh.encode(small, 100, tiny_bundle), tiny_bundle)
    assert back.size == size
    assert psnr(small, back) > 24


def test_edges_are_repeated_and_not_filled_with_black() -> None:
    pixels = np.full((3, 5, 3), 200, dtype=np.uint8)
    assert np.all(to_network(pixels, 64, 64) == np.float32(200) / np.float32(255))


def test_symbols_are_the_same_for_any_threads_and_graph_optimisation(tiny_bundle: Path, photo: Image.Image) -> None:
    ways = [Bundle(tiny_bundle, threads, optimise) for threads in (1, 2) for optimise in (True, False)]
    files = [skosh.encode(photo, 60, way) for way in ways]
    for file in files:
        found = [taken(way, file) for way in ways]
        for z, q, index in found[1:]:
            assert np.array_equal(z, found[0][0])
            assert np.array_equal(q, found[0][1])
            assert np.array_equal(index, found[0][2])
        pictures = [np.asarray(skosh.decode(file, way), np.int16) for way in ways]
        assert max(np.abs(picture - pictures[0]).max() for picture in pictures) <= 1


def taken(bundle: Bundle, file: bytes):  # type: ignore[no-untyped-def]
    contents = read(file)
    height, width = (-(-n // 64) for n in (contents.header.height, contents.header.width))
    return take_symbols(bundle.at(contents.header.quality), contents.tiles[0], height, width)[:3]


def test_the_int64_reference_gives_the_scale_index_that_the_file_was_coded_with(
    tiny_bundle: Path, photo: Image.Image
) -> None:
    bundle = Bundle(tiny_bundle)
    z, _, index = taken(bundle, skosh.encode(photo, 60, bundle))
    arrays = bundle.arrays
    plain = scale_map_reference(z, arrays["scale_weight"], arrays["scale_bias"], int(arrays["scale_bits"]), 4)
    assert np.array_equal(shifted(plain, arrays["shift"][60].astype(np.int64)), index)
    assert len(np.unique(index)) > 3


def test_the_decoder_gets_the_encoders_symbols_and_latents(tiny_bundle: Path, photo: Image.Image) -> None:
    bundle = Bundle(tiny_bundle)
    (y,) = bundle.run("analysis", to_network(np.asarray(photo), 320, 512))
    encoder = Encoder(take_apart(photo), bundle)
    (z, residual), _ = encoder.parts(60)
    assert residual is not None
    z_back, q_back, index_back = taken(bundle, encoder.file(60))
    assert np.array_equal(z, z_back)
    assert np.array_equal(residual.q, q_back)
    assert np.array_equal(residual.scale_index, index_back)
    coded, at = index_back > 0, bundle.at(60)
    q = Quantiser(bundle.at(60), y[0], hyper_symbols(bundle.at(60), y[0], 1)).q  # before any was changed for the better
    error = latent(at, z, q, whole(*y.shape[2:])) / at.inverse - y * at.gain
    assert np.abs(error[0][coded]).max() < 0.5 * math.e  # half a step, which may be up to e


def test_an_array_is_coded_as_its_picture_is(tiny_bundle: Path, noise: Image.Image) -> None:
    assert skosh.encode(np.asarray(noise), 20, tiny_bundle) == skosh.encode(noise, 20, tiny_bundle)


@pytest.mark.parametrize("bad", [np.zeros(4, np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((4, 4, 5), np.uint8)])
def test_an_array_that_is_no_picture_is_refused(tiny_bundle: Path, bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8"):
        skosh.encode(bad, 20, tiny_bundle)


@pytest.mark.parametrize("quality", [-1, 101])
def test_a_quality_out_of_range_is_refused(tiny_bundle: Path, noise: Image.Image, quality: int) -> None:
    with pytest.raises(ValueError, match="0 to 100"):
        skosh.encode(noise, quality, tiny_bundle)


def test_arguments_of_the_wrong_kind_are_refused_in_words(tiny_bundle: Path, noise: Image.Image) -> None:
    with pytest.raises(TypeError, match=r"skosh\.Metadata, not dict"):
        skosh.encode(noise, 20, tiny_bundle, metadata={})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="threads are 0"):
        skosh.encode(noise, 20, tiny_bundle, threads=-1)
    data = skosh.encode(noise, 20, tiny_bundle, effort=np.int64(1))  # type: ignore[arg-type]
    assert data == skosh.encode(noise, 20, tiny_bundle, effort=1)
    with pytest.raises(ValueError, match="threads are 0"):
        skosh.decode(data, tiny_bundle, threads=-1)
    for region in ((0, 0, 10.5, 10), (0, 0, 10), 5):
        with pytest.raises(ValueError, match="four whole numbers"):
            skosh.decode(data, tiny_bundle, region=region)  # type: ignore[arg-type]
    part = skosh.decode(data, tiny_bundle, region=np.array([80, 60, 9, 10], np.uint8))  # type: ignore[arg-type]
    assert part.size == (9, 10)


def test_info_says_what_was_coded(tiny_bundle: Path, photo: Image.Image) -> None:
    data = skosh.encode(photo, 33, tiny_bundle)
    found = skosh.info(data)
    assert (found["width"], found["height"], found["quality"], found["mode"]) == (*photo.size, 33, "RGB")
    assert found["bytes"] == len(data)
    assert found["bpp"] == pytest.approx(8 * len(data) / (photo.width * photo.height))
    assert found["model"] is None
    assert manifest.read_manifest(tiny_bundle)["model_id"] == found["model_id"]


def test_a_file_from_an_unknown_model_names_it(tiny_bundle: Path, noise: Image.Image) -> None:
    data = skosh.encode(noise, 50, tiny_bundle)
    with pytest.raises(skosh.BundleError, match=skosh.info(data)["model_id"]):
        skosh.decode(data)


def test_a_file_is_not_decoded_with_another_model(tiny_bundle: Path, noise: Image.Image) -> None:
    contents = read(skosh.encode(noise, 50, tiny_bundle))
    other = replace(contents.header, model_id=b"otherone")
    with pytest.raises(skosh.BundleError, match="made with model"):
        skosh.decode(write(other, {}, contents.tiles), tiny_bundle)


def test_a_stream_that_makes_no_sense_ends_in_a_picture_or_a_format_error(
    tiny_bundle: Path, noise: Image.Image
) -> None:
    header = read(skosh.encode(noise, 50, tiny_bundle)).header
    rng = np.random.default_rng(0)
    for size in (0, 1, 7, 300):
        try:
            back = skosh.decode(write(header, {}, [rng.bytes(size)]), tiny_bundle)
        except skosh.FormatError:
            continue
        assert back.size == noise.size


def copied(tiny_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_bundle, tmp_path / "copy"))


def test_a_bundle_with_a_changed_byte_is_refused(tiny_bundle: Path, tmp_path: Path) -> None:
    folder = copied(tiny_bundle, tmp_path)
    content = bytearray((folder / path_of("synthesis")).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / path_of("synthesis")).write_bytes(bytes(content))
    with pytest.raises(skosh.BundleError, match="damaged"):
        Bundle(folder)


def test_a_bundle_whose_scale_map_is_not_exact_here_is_refused(tiny_bundle: Path, tmp_path: Path) -> None:
    folder = copied(tiny_bundle, tmp_path)
    with np.load(folder / manifest.DECODER_TABLES) as arrays:
        changed = {name: arrays[name] for name in arrays.files}
    changed["scale_bias"][7] += 64  # as if the network added up differently from the integers
    np.savez(folder / manifest.DECODER_TABLES, **changed)
    manifest.reseal(folder)
    with pytest.raises(skosh.BundleError, match="not exact"):
        Bundle(folder)


def test_a_bundle_of_a_later_version_asks_for_an_update(tiny_bundle: Path, tmp_path: Path) -> None:
    folder = copied(tiny_bundle, tmp_path)
    state = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(state | {"bundle_version": 99}))
    with pytest.raises(skosh.BundleError, match="version 99"):
        Bundle(folder)


def test_a_folder_that_is_no_bundle_is_called_so(tmp_path: Path) -> None:
    with pytest.raises(skosh.BundleError, match="no bundle"):
        Bundle(tmp_path)
    with pytest.raises(skosh.BundleError, match="no model"):
        bundles.load("there is no such model")


def test_a_short_file_that_claims_a_huge_picture_is_refused(tiny_bundle: Path, noise: Image.Image) -> None:
    header = read(skosh.encode(noise, 50, tiny_bundle)).header
    huge = Header(5000, 5000, 50, header.model_id)
    with pytest.raises(skosh.LimitError, match="5000x5000"):
        skosh.decode(write(huge, {}, [b""]), tiny_bundle)


def test_a_stray_file_in_a_bundle_does_not_change_its_id(tiny_bundle: Path, tmp_path: Path) -> None:
    folder = copied(tiny_bundle, tmp_path)
    for path in (folder, folder / "decoder"):
        (path / ".DS_Store").write_bytes(b"x")
    assert Bundle(folder).model_id == Bundle(tiny_bundle).model_id


@pytest.mark.parametrize(
    "change",
    [
        {"stride": 0},
        {"latent_channels": "48"},
        {"latent_channels": 40},
        {"hyper_channels": None},
        {"multiple": 65},
        {"multiple": 0},
        {"multiple": 128},
        {"halo": {}},
        {"halo": {"synthesis": -1}},
        {"halo": 7},
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(tiny_bundle: Path, tmp_path: Path, change: dict[str, object]) -> None:
    folder = copied(tiny_bundle, tmp_path)
    state = json.loads((folder / "manifest.json").read_text())
    manifest.reseal(folder, decoder=state["decoder"] | change)
    with pytest.raises(skosh.BundleError):
        Bundle(folder)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", b"words"])
def test_a_bundle_whose_tables_are_no_archive_is_refused(tiny_bundle: Path, tmp_path: Path, content: bytes) -> None:
    folder = copied(tiny_bundle, tmp_path)
    (folder / manifest.DECODER_TABLES).write_bytes(content)
    manifest.reseal(folder)
    with pytest.raises(skosh.BundleError, match="tables"):
        Bundle(folder)


def test_z_has_tables_of_the_nearest_of_the_rows_that_a_bundle_brings(
    tiny_bundle: Path, photo: Image.Image, tmp_path: Path
) -> None:
    folder = tmp_path / "rows"
    shutil.copytree(tiny_bundle, folder)
    arrays = dict(np.load(folder / manifest.DECODER_TABLES))
    (plain,) = arrays["z_tables"]
    arrays["z_tables"] = np.stack([plain, plain[:, ::-1], plain])
    np.savez(folder / manifest.DECODER_TABLES, **arrays)
    manifest.reseal(folder)
    bundle = Bundle(folder)
    for quality, row in ((0, 0), (24.875, 0), (25, 1), (50, 1), (74.875, 1), (75, 2), (100, 2)):
        due = arrays["z_tables"][row]
        assert all(np.array_equal(table, right) for table, right in zip(bundle.models(quality).z, due, strict=True))
    for quality in (10, 40, 90):
        data = skosh.encode(photo, quality, bundle)
        plain_tiles = read(skosh.encode(photo, quality, tiny_bundle)).tiles
        assert (read(data).tiles == plain_tiles) == (quality != 40)
        assert skosh.decode(data, bundle).size == photo.size
