"""Wiener filters: fitted by the encoder, carried by the file, applied by the decoder, tile by tile."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

import skosh
from skosh.bundle.bundle import Bundle
from skosh.bundle.loading import load
from skosh.bundle.manifest import DECODER_TABLES, ENCODER_TABLES, MANIFEST, reseal
from skosh.codec import tiling
from skosh.codec.boxes import Box, whole
from skosh.codec.decoder import Decoder
from skosh.codec.encoder import Encoder, take_apart, tile_stream
from skosh.codec.planes import from_network, to_network
from skosh.codec.quantise import Coded, Residual
from skosh.codec.synthesis import Faithful, synthesise
from skosh.codec.wiener import Filters, filtered, margin, parts_of
from skosh.codec.wiener_fit import Equations, bits, equations, sampled, solve
from skosh.container.chunks import read
from skosh.entropy.coder import Models, Reader, Writer
from skosh.errors import BundleError


@pytest.fixture(scope="module")
def bundle(filtered_bundle: Path) -> Bundle:
    return Bundle(filtered_bundle, threads=1)


def decoder(bundle: Bundle, file: bytes) -> Decoder:
    return Decoder(bundle, read(file), 1, False)


def error(shown: npt.NDArray[np.uint8] | Image.Image, due: Image.Image) -> float:
    return float(np.mean((np.asarray(shown, np.float64) - np.asarray(due, np.float64)) ** 2))


def test_a_corrected_picture_is_nearer_to_the_true_one_for_a_few_bytes(bundle: Bundle, photo: Image.Image) -> None:
    file = skosh.encode(photo, 60, bundle)
    reading = decoder(bundle, file)
    box = whole(photo.height, photo.width)
    z, q, filters, _ = reading.symbols(reading.tiles)
    at = bundle.at(60)
    plain = synthesise(Faithful(at), z, q, box, 1, Filters(0, {}))
    found = synthesise(Faithful(at), z, q, box, 1, filters)
    assert np.array_equal(found, np.asarray(skosh.decode(file, bundle)))
    assert error(found, photo) < 0.95 * error(plain, photo)
    (stream,) = read(file).tiles
    assert stream is not None
    coded = Coded(z, Residual(q, at.scale_index(z)))
    assert 4 < len(stream) - len(tile_stream(at, coded, whole(*z.shape[1:]))) < 40


def test_the_filter_is_what_the_terms_say(bundle: Bundle, photo: Image.Image) -> None:
    x = to_network(np.asarray(photo)[:45, :61], 45, 61)
    c = np.arange(bundle.wiener_terms, dtype=np.int32) - 7
    (shown,) = bundle.run("wiener", x, c[None, :, None, None])
    (terms,) = bundle.run("wiener_terms", x)
    around = margin(bundle)
    due = x[..., around:-around:5, around:-around:5] + np.einsum("k,kchw->chw", c, terms.reshape(len(c), 3, 9, 12))
    np.testing.assert_allclose(shown[..., ::5, ::5], due, atol=1e-4)
    assert np.abs(shown - x[..., around:-around, around:-around]).max() > 1e-3


@pytest.mark.parametrize("tile", [128, 256])
def test_tiles_leave_no_seams(photo: Image.Image, tile: int) -> None:
    """Across their edges the error changes hardly more than it does there without tiles, with the shipped bundle."""

    def steps(side: int) -> float:
        left = np.asarray(skosh.decode(skosh.encode(photo, 60, tile=side)), float) - np.asarray(photo, float)
        columns, rows = np.abs(np.diff(left, axis=1)), np.abs(np.diff(left, axis=0))
        return float(columns[:, tile - 1 :: tile].mean() + rows[tile - 1 :: tile].mean())

    assert steps(tile) < 1.15 * steps(0)


@pytest.mark.parametrize("side", [64, 128])
def test_windows_do_not_matter(bundle: Bundle, photo: Image.Image, monkeypatch: pytest.MonkeyPatch, side: int) -> None:
    file = skosh.encode(photo, 60, bundle, tile=256)
    picture = np.asarray(skosh.decode(file, bundle), int)
    monkeypatch.setattr(tiling, "WINDOW", side)
    assert np.abs(np.asarray(skosh.decode(file, bundle), int) - picture).max() <= 1
    before, after = decoder(bundle, file), decoder(bundle, skosh.encode(photo, 60, bundle, tile=256))
    one, other = before.symbols(before.tiles), after.symbols(after.tiles)
    assert np.array_equal(one.z, other.z)
    assert np.array_equal(one.q, other.q)
    assert one.filters.found.keys() == other.filters.found.keys()
    for place, symbols in one.filters.found.items():
        assert np.abs(symbols - other.filters.found[place]).max() <= 1


@pytest.mark.parametrize("region", [(0, 0, 451, 300), (250, 120, 20, 150), (256, 0, 64, 64), (440, 290, 11, 10)])
def test_a_region_is_corrected_as_the_whole(
    bundle: Bundle, photo: Image.Image, region: tuple[int, int, int, int]
) -> None:
    file = skosh.encode(photo, 60, bundle, tile=256)
    left, top, width, height = region
    part = np.asarray(skosh.decode(file, bundle, region=region), int)
    due = np.asarray(skosh.decode(file, bundle).crop((left, top, left + width, top + height)), int)
    assert np.abs(part - due).max() <= 1


def test_each_tile_has_its_own(bundle: Bundle, photo: Image.Image) -> None:
    reading = decoder(bundle, skosh.encode(photo, 60, bundle, tile=256))
    filters = reading.symbols(reading.tiles).filters
    assert filters.side == 256
    assert set(filters.found) <= {(row, column) for row in (0, 1) for column in (0, 1)}
    assert len({tuple(symbols) for symbols in filters.found.values()}) == len(filters.found) > 1


def test_a_box_is_cut_into_the_parts_of_its_tiles() -> None:
    assert list(parts_of(Box(100, 200, 300, 260), 0)) == [((0, 0), Box(100, 200, 300, 260))]
    assert list(parts_of(Box(100, 200, 300, 260), 128)) == [
        ((0, 1), Box(100, 200, 128, 256)),
        ((0, 2), Box(100, 256, 128, 260)),
        ((1, 1), Box(128, 200, 256, 256)),
        ((1, 2), Box(128, 256, 256, 260)),
        ((2, 1), Box(256, 200, 300, 256)),
        ((2, 2), Box(256, 256, 300, 260)),
    ]


def test_what_a_tile_gets_is_its_filter_and_the_rest_stays(bundle: Bundle, photo: Image.Image) -> None:
    around = margin(bundle)
    core = whole(64, 96)
    x = to_network(np.asarray(photo)[: 64 + 2 * around, : 96 + 2 * around], 64 + 2 * around, 96 + 2 * around)
    symbols = np.full(bundle.wiener_terms, 5, np.int32)
    before = x.copy()
    out = filtered(bundle, x, core, Filters(64, {(0, 1): symbols}))
    (all_of_it,) = bundle.run("wiener", x, symbols[None, :, None, None])
    assert np.array_equal(x, before)
    np.testing.assert_allclose(out[..., 64:], all_of_it[..., 64:], atol=1e-6)
    assert np.array_equal(out[..., :64], x[0, :, around:-around, around:-around][None, ..., :64])


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (66, 66), (1, 300), (140, 20), (130, 140)])
@pytest.mark.parametrize("quality", [10, 60, 100])
def test_small_pictures_do_not_get_worse(photo: Image.Image, size: tuple[int, int], quality: int) -> None:
    """With the shipped bundle: a filter that is sent is worth it on all pixels, not only those it was fitted to."""
    shipped = load()
    for left in (0, 100, 200, 300):
        part = photo.crop((left, 90, left + size[0], 90 + size[1]))
        encoder = Encoder(take_apart(part), shipped, 1)
        coded, found = encoder.parts(quality)
        box = whole(part.height, part.width)
        plain, shown = (
            synthesise(Faithful(shipped.at(quality)), coded.z, coded.q, box, 1, way) for way in (Filters(0, {}), found)
        )
        assert error(shown, part) <= 1.02 * error(plain, part)


def test_tiles_too_small_get_none(photo: Image.Image) -> None:
    encoder = Encoder(take_apart(photo), load(), 1, tile=64)
    assert not encoder.parts(60).filters.found


def test_no_correction_where_there_is_nothing_to_win(bundle: Bundle, photo: Image.Image) -> None:
    around = margin(bundle)
    x = to_network(np.asarray(photo)[:132, :132], 132, 132)
    inner = x[..., around:-around, around:-around]
    assert solve(bundle.at(60), equations(bundle, x, inner), 3 * 128**2) is None
    (due,) = bundle.run("wiener", x, np.full((1, bundle.wiener_terms, 1, 1), 3))
    few = equations(bundle, x[..., :12, :12], due[..., :8, :8])
    assert solve(bundle.at(0), few, 3 * 8**2) is None  # it would be right, but not worth the bits for 64 pixels


def test_noise_is_no_reason_for_a_correction(bundle: Bundle, photo: Image.Image) -> None:
    around = margin(bundle)
    x = to_network(np.asarray(photo)[:132, :132], 132, 132)
    inner = x[..., around:-around, around:-around]
    for seed in range(20):
        due = inner + np.random.default_rng(seed).normal(0, 0.05, inner.shape).astype(np.float32)
        assert solve(bundle.at(100), equations(bundle, x, due), 3 * 128**2) is None


def test_what_is_no_number_gives_no_correction(bundle: Bundle) -> None:
    count = bundle.wiener_terms
    nothing = Equations(np.full((count, count), np.nan), np.zeros(count), 1.0, 100)
    assert solve(bundle.at(50), nothing, 2500) is None


def test_a_graph_that_gives_another_size_than_the_manifest_says_is_named(bundle: Bundle) -> None:
    x = np.zeros((1, 3, 20, 20), np.float32)
    symbols = np.ones(bundle.wiener_terms, np.int32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(bundle.halo, "wiener", 3)
        with pytest.raises(BundleError, match="gives"):
            filtered(bundle, x, whole(14, 14), Filters(0, {(0, 0): symbols}))
        with pytest.raises(BundleError, match="gives"):
            equations(bundle, x, x[..., 3:-3, 3:-3])


def test_the_right_coefficients_are_found(bundle: Bundle, photo: Image.Image) -> None:
    x = to_network(np.asarray(photo), 300, 451)
    c = np.random.default_rng(0).integers(-9, 10, bundle.wiener_terms).astype(np.int32)
    (due,) = bundle.run("wiener", x, c[None, :, None, None])
    found = solve(bundle.at(100), equations(bundle, x, due), due.size)
    assert found is not None
    left = bundle.run("wiener", x, found[None, :, None, None])[0] - due
    around = margin(bundle)
    assert np.mean(left**2) < 0.01 * np.mean((x[..., around:-around, around:-around] - due) ** 2)


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="there is no other core to keep busy")
def test_no_thread_keeps_a_core_busy_once_the_equations_are_there(bundle: Bundle) -> None:
    around = 2 * margin(bundle)
    x = np.random.default_rng(0).random((1, 3, 512 + around, 768 + around), np.float32)
    due = np.zeros((1, 3, 512, 768), np.float32)
    busy = []
    for _ in range(3):
        equations(bundle, x, due)
        start = time.process_time()
        time.sleep(0.05)
        busy.append(time.process_time() - start)
    assert min(busy) < 0.01


@pytest.mark.parametrize(
    ("part", "due"), [((0, 0, 5, 9), (0, 0, 5, 9)), ((4, 64, 70, 128), (5, 65, 70, 128)), ((1, 5, 2, 6), (5, 5, 2, 6))]
)
def test_the_same_pixels_are_looked_at_wherever_a_part_begins(
    part: tuple[int, int, int, int], due: tuple[int, int, int, int]
) -> None:
    assert sampled(Box(*part)) == Box(*due)


def test_coefficients_come_back_from_a_stream_and_take_the_bits_that_their_tables_say(bundle: Bundle) -> None:
    models = bundle.models(50)
    symbols = np.array([*range(-12, 11), 63], np.int32)
    for given in (symbols, None):
        writer = Writer(models)
        writer.put_coefficients(given)
        found = Reader(models, writer.stream()).take_coefficients()
        assert found is None if given is None else np.array_equal(found, given)
    writer = Writer(models)
    writer.put_coefficients(symbols)
    assert abs(8 * len(writer.stream()) - bits(bundle.wiener_tables, symbols)) < 40


def test_a_bundle_without_corrections_has_nothing_in_the_stream(tiny_bundle: Path) -> None:
    models = Bundle(tiny_bundle).models(50)
    writer = Writer(models)
    writer.put_coefficients(None)
    assert writer.stream() == b""
    assert Reader(Models(models.z, models.q), b"\xff" * 8).take_coefficients() is None


def test_a_target_of_psnr_counts_them(bundle: Bundle, photo: Image.Image) -> None:
    best = 10 * np.log10(255**2 / error(skosh.decode(skosh.encode(photo, 100, bundle), bundle), photo))
    file = skosh.encode(photo, model=bundle, target_psnr=best - 0.01)
    assert 10 * np.log10(255**2 / error(skosh.decode(file, bundle), photo)) >= best - 0.011


def test_coefficients_of_any_size_give_pixels(bundle: Bundle) -> None:
    x = np.random.default_rng(0).random((1, 3, 20, 20), np.float32)
    symbols = np.full(bundle.wiener_terms, -63, np.int32)
    out = filtered(bundle, x, whole(16, 16), Filters(0, {(0, 0): symbols}))
    assert np.isfinite(out).all()
    assert out.min() < 0.0 or out.max() > 1.0
    assert np.array_equal(from_network(out), np.rint(255 * np.clip(out, 0, 1))[0].transpose(1, 2, 0).astype(np.uint8))


@pytest.mark.parametrize("damage", ["halo", "table", "lambda", "sum"])
def test_a_bundle_with_half_of_what_corrections_need_is_refused(
    filtered_bundle: Path, tmp_path: Path, damage: str
) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(filtered_bundle, folder)
    manifest = json.loads((folder / MANIFEST).read_text())
    file = folder / (ENCODER_TABLES if damage == "lambda" else DECODER_TABLES)
    with np.load(file) as arrays:
        kept = dict(arrays)
    if damage == "halo":
        del manifest["decoder"]["halo"]["wiener"]
    elif damage == "table":
        kept["wiener_tables"] = kept["wiener_tables"][:, :-1]
    elif damage == "lambda":
        del kept["lambda"]
    else:
        kept["wiener_tables"][3, 5] += 1
    np.savez_compressed(file, **kept)
    reseal(folder, **manifest)
    with pytest.raises(BundleError, match=r"Wiener|frequencies|lambda"):
        skosh.encode(np.zeros((8, 8, 3), np.uint8), 60, Bundle(folder))
