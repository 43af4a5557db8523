"""One file, every rendition: detail by realism, small sizes and the double one; no window and no tile is to be seen."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

import skosh
from skosh.bundle.bundle import Bundle
from skosh.bundle.graphs import HEADS, path_of
from skosh.bundle.manifest import MANIFEST, reseal
from skosh.bundle.point import Point
from skosh.codec import synthesis, tiling
from skosh.codec.boxes import Box, whole
from skosh.codec.decoder import Decoder
from skosh.codec.renditions import SCALES, Double, Natural, Small
from skosh.codec.synthesis import Faithful, Rendition, zoomed
from skosh.codec.wiener import Filters
from skosh.container.chunks import REALISM, read, write
from skosh.errors import BundleError

WAYS: list[dict[str, Any]] = [
    {"realism": 1.0},
    *({"scale": Fraction(1, by)} for by in (2, 4, 8)),
    {"scale": Fraction(1, 4), "realism": 0.5},
    {"scale": 2},
]

VIEWS: dict[str, Callable[[Point], Rendition]] = {
    "faithful": Faithful,
    "natural": lambda at: Natural(at, 1.0, 7),
    **{f"small {by}": lambda at, by=by: Small(at, by) for by in (2, 4, 8)},
    "double": Double,
}


@pytest.fixture(scope="module", params=["tiny", "filtered"])
def bundle(request: pytest.FixtureRequest, tiny_bundle: Path, filtered_bundle: Path) -> Path:
    return tiny_bundle if request.param == "tiny" else filtered_bundle


@pytest.fixture(scope="module")
def file(bundle: Path, photo: Image.Image) -> bytes:
    """A picture of 451x300 in tiles."""
    return skosh.encode(photo, 60, bundle, tile=128)


@pytest.fixture
def folder(tiny_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))


def without(folder: Path, *graphs: str) -> Bundle:
    for graph in graphs:
        (folder / path_of(graph)).unlink()
    reseal(folder)
    return Bundle(folder)


def heads_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / MANIFEST).read_text())[HEADS]
    return found


def pixels(image: Image.Image) -> npt.NDArray[np.int16]:
    return np.asarray(image).astype(np.int16)


def difference(a: Image.Image, b: Image.Image) -> float:
    assert (a.size, a.mode) == (b.size, b.mode)
    return float(np.abs(pixels(a) - pixels(b)).max())


def crop_of(image: Image.Image, region: tuple[int, int, int, int], scale: Fraction) -> Image.Image:
    """The part of a whole picture that a region meets."""
    x, y, width, height = region
    down, up = scale.denominator, scale.numerator
    box = (x // down, y // down, -(-(x + width) // down), -(-(y + height) // down))
    return image.crop(tuple(up * edge for edge in box))


# Realism


def test_a_realism_of_nothing_is_the_faithful_picture_and_opens_no_head(
    folder: Path, tiny_bundle: Path, photo: Image.Image
) -> None:
    data = skosh.encode(photo, 60, tiny_bundle)
    (folder / path_of("detail")).write_bytes(b"no network")
    reseal(folder, heads=heads_of(folder) | {"realism": 0.7})
    assert skosh.decode(data, folder, realism=0) == skosh.decode(data, tiny_bundle)
    with pytest.raises(BundleError, match="detail"):
        skosh.decode(data, folder)


def test_more_realism_adds_more_of_the_same_detail(bundle: Path, file: bytes) -> None:
    faithful, half, full = (pixels(skosh.decode(file, bundle, realism=r)) for r in (0, 0.5, 1))
    inside = (full > 15) & (full < 240)  # not clipped
    drawn = (full - faithful)[inside]
    assert 2 < np.abs(drawn).mean() < 12
    assert np.abs(drawn - 2 * (half - faithful)[inside]).max() <= 3  # each rounded


def test_detail_is_the_files_own_and_the_same_each_time(tiny_bundle: Path, photo: Image.Image) -> None:
    def detail(data: bytes) -> npt.NDArray[np.int16]:
        return pixels(skosh.decode(data, tiny_bundle, realism=1)) - pixels(skosh.decode(data, tiny_bundle, realism=0))

    grey = Image.new("RGB", (128, 128), (128, 120, 110))
    one, other = (skosh.encode(grey, quality, tiny_bundle) for quality in (50, 60))
    assert np.array_equal(detail(one), detail(one))
    assert np.abs(detail(one)).mean() > 1
    assert np.corrcoef(detail(one).ravel(), detail(other).ravel())[0, 1] < 0.6
    stripped = skosh.encode(photo, 50, tiny_bundle, metadata=skosh.Metadata(xmp=b"<x/>"))
    assert np.array_equal(detail(stripped), detail(skosh.encode(photo, 50, tiny_bundle)))


def test_nobody_asked_so_the_file_or_else_the_bundle_says(folder: Path, photo: Image.Image) -> None:
    reseal(folder, heads=heads_of(folder) | {"realism": 0.25})
    bundle = Bundle(folder)
    plain, asking = (skosh.encode(photo, 60, bundle, realism=r) for r in (None, 0.8))
    assert read(plain).tiles == read(asking).tiles
    assert len(asking) == len(plain) + 7  # type, length, byte and checksum
    assert skosh.decode(plain, bundle) == skosh.decode(plain, bundle, realism=0.25)
    assert skosh.decode(asking, bundle) == skosh.decode(asking, bundle, realism=0.8)
    assert skosh.decode(asking, bundle, realism=0) == skosh.decode(plain, bundle, realism=0)
    none = skosh.encode(photo, 60, bundle, realism=0)
    assert skosh.decode(none, bundle) == skosh.decode(plain, bundle, realism=0)


def test_a_bundle_without_the_head_shows_the_faithful_picture_unless_more_is_asked_for(
    folder: Path, tiny_bundle: Path, photo: Image.Image
) -> None:
    data = skosh.encode(photo, 60, tiny_bundle, realism=1)
    reseal(folder, heads=heads_of(folder) | {"realism": 1})
    bundle = without(folder, "detail")
    assert skosh.decode(data, bundle) == skosh.decode(data, tiny_bundle, realism=0)
    with pytest.raises(BundleError, match=r"draws no detail: it lacks heads/detail\.onnx; decode with a realism of 0"):
        skosh.decode(data, bundle, realism=0.1)


def test_a_head_that_sees_less_far_than_the_filter_takes_nothing_from_it(
    filtered_bundle: Path, tmp_path: Path, photo: Image.Image
) -> None:
    folder = Path(shutil.copytree(filtered_bundle, tmp_path / "bundle"))
    reseal(folder, heads=heads_of(folder) | {"halo": heads_of(folder)["halo"] | {"detail": 0}})
    bundle = Bundle(folder)
    halo, grid, core = bundle.halo["wiener"], whole(12, 20), Box(64, 128, 80, 144)
    seen = Natural(bundle.at(50), 1.0, 7).latents(grid, core).times(bundle.stride)
    assert core.grown(halo, seen) == core.moved(-halo, -halo, halo, halo)
    assert skosh.decode(skosh.encode(photo, 50, bundle), bundle, realism=1).size == photo.size


def test_a_head_of_another_decoder_is_refused(folder: Path, photo: Image.Image) -> None:
    reseal(folder, heads=heads_of(folder) | {"made_for": dict.fromkeys(heads_of(folder)["made_for"], "0" * 16)})
    data = skosh.encode(photo, 60, folder)
    for way in WAYS:
        with pytest.raises(BundleError, match="made for the decoder 0000000000000000"):
            skosh.decode(data, folder, **way)


@pytest.mark.parametrize(("payload", "words"), [(b"", "0 bytes"), (b"ab", "2 bytes")])
def test_a_preference_that_makes_no_sense_is_refused_and_salvage_does_without(
    tiny_bundle: Path, photo: Image.Image, payload: bytes, words: str
) -> None:
    contents = read(skosh.encode(photo, 60, tiny_bundle))
    data = write(contents.header, {REALISM: payload}, [tile or b"" for tile in contents.tiles])
    with pytest.raises(skosh.FormatError, match=f"realism has {words}"):
        skosh.decode(data, tiny_bundle)
    with pytest.warns(UserWarning, match="lost: the preferred realism"):
        shown = skosh.decode(data, tiny_bundle, salvage=True)
    assert shown == skosh.decode(skosh.encode(photo, 60, tiny_bundle), tiny_bundle)


@pytest.mark.parametrize("realism", [-0.1, 1.1, float("nan")])
def test_a_realism_out_of_range_is_refused(tiny_bundle: Path, noise: Image.Image, realism: float) -> None:
    with pytest.raises(ValueError, match="0 to 1"):
        skosh.encode(noise, 50, tiny_bundle, realism=realism)
    with pytest.raises(ValueError, match="0 to 1"):
        skosh.decode(b"", tiny_bundle, realism=realism)


@pytest.mark.parametrize("way", [{"realism": "1"}, {"realism": True}, {"scale": "1/2"}, {"scale": True}])
def test_what_is_no_number_is_refused(tiny_bundle: Path, way: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="number"):
        skosh.decode(b"", tiny_bundle, **way)


# Sizes


@pytest.mark.parametrize("scale", [0, 3, -1, 0.3, 1 / 16, float("inf"), float("nan"), Fraction(1, 3)])
def test_a_scale_that_is_none_of_the_five_is_refused(tiny_bundle: Path, scale: float) -> None:
    with pytest.raises(ValueError, match="1/8, 1/4, 1/2, 1 or 2"):
        skosh.decode(b"", tiny_bundle, scale=scale)


@pytest.mark.parametrize("size", [(1, 1), (65, 17), (64, 63)])
def test_sides_round_up_as_those_of_jpeg_do(
    folder: Path, tiny_bundle: Path, photo: Image.Image, size: tuple[int, int]
) -> None:
    data = skosh.encode(photo.resize(size), 60, folder)
    for bundle in (tiny_bundle, without(folder, "small_2", "small_4", "small_8")):
        for scale in SCALES:
            due = tuple(-(-side * scale.numerator // scale.denominator) for side in size)
            assert skosh.decode(data, bundle, scale=scale).size == due
            assert skosh.decode(data, bundle, scale=np.float32(float(scale))).size == due


@pytest.mark.parametrize("by", [2, 4, 8])
def test_a_small_picture_is_about_the_whole_one_reduced(bundle: Path, file: bytes, by: int) -> None:
    small, due = skosh.decode(file, bundle, scale=1 / by), skosh.decode(file, bundle).reduce(by)
    assert small.size == due.size
    assert np.abs(pixels(small) - pixels(due)).mean() < 4


def test_small_pictures_run_no_synthesis(folder: Path, tiny_bundle: Path, photo: Image.Image) -> None:
    data = skosh.encode(photo, 60, tiny_bundle)
    bundle, opened = Bundle(folder), []
    open_network = bundle._sessions._open
    bundle._sessions._open = lambda graph: opened.append(graph) or open_network(graph)  # type: ignore[method-assign]
    skosh.decode(data, bundle, scale=1 / 8)
    assert sorted(opened) == ["mean_first", "mean_second", "small_8"]


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("by", [2, 4, 8])
def test_without_a_head_for_it_a_small_picture_is_the_whole_one_reduced(
    folder: Path, photo: Image.Image, mode: str, by: int
) -> None:
    bundle = without(folder, f"small_{by}")
    data = skosh.encode(photo.convert(mode), 60, bundle)
    small = skosh.decode(data, bundle, scale=Fraction(1, by))
    assert difference(small, skosh.decode(data, bundle).reduce(by)) <= 1


def test_grey_pictures_are_grey_at_every_size(bundle: Path, photo: Image.Image) -> None:
    data = skosh.encode(photo.convert("L"), 60, bundle)
    for way in WAYS:
        image = skosh.decode(data, bundle, **way)
        assert image.mode == "L"
        scale = Fraction(way.get("scale", 1))
        due = skosh.decode(data, bundle).resize(image.size, Image.Resampling.BOX)
        assert np.abs(pixels(image) - pixels(due)).mean() < 12, scale


def test_a_reduced_picture_weighs_colours_by_their_opacity(tiny_bundle: Path, photo: Image.Image) -> None:
    """What clear pixels hold below does not bleed into the small picture."""
    image, shown = Image.new("RGB", (130, 90), "red"), (21, 13, 99, 71)
    image.paste(photo.crop(shown), shown)
    mask = Image.new("L", image.size, 0)
    mask.paste(255, shown)
    image.putalpha(mask)
    for data in (skosh.encode(image, 80, tiny_bundle), skosh.encode(image.convert("LA"), 80, tiny_bundle)):
        for by in (2, 4, 8):
            small, due = skosh.decode(data, tiny_bundle, scale=1 / by), skosh.decode(data, tiny_bundle).reduce(by)
            weighed = [one.convert({"RGBA": "RGBa", "LA": "La"}[one.mode]) for one in (small, due)]
            assert np.abs(np.asarray(weighed[0], np.int16) - np.asarray(weighed[1])).max() <= 2  # grey: rounded twice


def test_transparency_is_enlarged_with_the_picture(tiny_bundle: Path, photo: Image.Image) -> None:
    image = photo.crop((0, 0, 130, 90))
    image.putalpha(image.getchannel("G"))
    large = skosh.decode(skosh.encode(image, 80, tiny_bundle), tiny_bundle, scale=2)
    assert (large.size, large.mode) == ((260, 180), "RGBA")
    due = image.getchannel("A").resize((260, 180), Image.Resampling.BICUBIC)
    assert difference(large.getchannel("A"), due) == 0


def test_double_size_adds_detail_to_the_faithful_picture(bundle: Path, file: bytes) -> None:
    large, due = skosh.decode(file, bundle, scale=2), skosh.decode(file, bundle)
    assert large.size == (902, 600)
    error = np.abs(pixels(large) - pixels(due.resize(large.size, Image.Resampling.NEAREST)))
    assert 2 < error.mean() < error.max() <= 12  # the test's head adds a texture of at most 0.04


def test_double_size_needs_its_head_and_takes_no_realism(folder: Path, tiny_bundle: Path, photo: Image.Image) -> None:
    data = skosh.encode(photo, 60, tiny_bundle, realism=1)
    with pytest.raises(ValueError, match="realism does not go with a scale of 2"):
        skosh.decode(data, tiny_bundle, scale=2, realism=0.5)
    assert skosh.decode(data, tiny_bundle, scale=2) == skosh.decode(data, tiny_bundle, scale=2, realism=0)
    with pytest.raises(BundleError, match=r"no pictures of double size: it lacks heads/double\.onnx"):
        skosh.decode(data, without(folder, "double"), scale=2)


def test_double_size_keeps_to_the_limit_of_pixels(tiny_bundle: Path, photo: Image.Image) -> None:
    data = skosh.encode(photo, 30, tiny_bundle)
    limit = photo.width * photo.height * 3
    with pytest.raises(skosh.LimitError, match="902x600"):
        skosh.decode(data, tiny_bundle, scale=2, max_pixels=limit)
    assert skosh.decode(data, tiny_bundle, scale=2, max_pixels=limit, region=(0, 0, 200, 200)).size == (400, 400)


# Windows, tiles, regions, salvage


@pytest.mark.parametrize("make", VIEWS.values(), ids=VIEWS)
def test_a_part_sees_all_that_decides_it(bundle: Path, make: Callable[[Point], Rendition]) -> None:
    """In floats, with latents that are larger than those of pictures: what lies around a part counts for little."""
    rendition = make(Bundle(bundle).at(50))
    grid = whole(12, 20)
    y_hat = np.random.default_rng(0).normal(size=(1, 48, 12, 20)).astype(np.float32) * 4
    terms = rendition.at.bundle.wiener_terms
    filters = Filters(64, {(1, 2): np.arange(terms, dtype=np.int32) % 7 - 3} if terms else {})

    def shown(core: Box) -> npt.NDArray[np.float32]:
        latents = rendition.latents(grid, core)
        return rendition.shown(latents.of(y_hat), grid, core, filters)

    full = shown(grid.times(16))
    for core in (Box(64, 128, 80, 144), Box(40, 96, 96, 168), Box(0, 0, 56, 16), Box(176, 304, 192, 320)):
        part, due = shown(core), zoomed(core, rendition.zoom).of(full)
        assert part.shape == due.shape
        assert np.abs(part - due).max() < 1e-5 * np.abs(full).max()


@pytest.mark.parametrize("side", [64, 128])
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_windows_are_not_to_be_seen(
    bundle: Path, file: bytes, monkeypatch: pytest.MonkeyPatch, way: dict[str, Any], side: int
) -> None:
    one = skosh.decode(file, bundle, **way)
    monkeypatch.setattr(tiling, "WINDOW", side)
    assert difference(skosh.decode(file, bundle, 2, **way), one) <= 1


@pytest.mark.parametrize("region", [(0, 0, 451, 300), (104, 56, 200, 150), (450, 299, 1, 1), (3, 131, 66, 7)])
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_region_is_the_part_of_the_whole_that_it_meets(
    bundle: Path, file: bytes, way: dict[str, Any], region: tuple[int, int, int, int]
) -> None:
    due = crop_of(skosh.decode(file, bundle, **way), region, Fraction(way.get("scale", 1)))
    assert difference(skosh.decode(file, bundle, region=region, **way), due) <= 1


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_region_with_transparency_is_the_part_of_the_whole_that_it_meets(
    tiny_bundle: Path, photo: Image.Image, way: dict[str, Any]
) -> None:
    image = photo.crop((0, 0, 200, 130))
    image.putalpha(image.getchannel("R").point(lambda v: 0 if v < 120 else v))
    data, region = skosh.encode(image, 60, tiny_bundle, tile=64), (37, 22, 101, 55)
    due = crop_of(skosh.decode(data, tiny_bundle, **way), region, Fraction(way.get("scale", 1)))
    part = skosh.decode(data, tiny_bundle, region=region, **way)
    assert difference(part.getchannel("A"), due.getchannel("A")) <= 1
    opaque = pixels(due.getchannel("A"))[..., None] > 40  # colours of clear pixels are anything
    assert np.abs((pixels(part) - pixels(due)) * opaque).max() <= 3


@pytest.mark.parametrize("make", VIEWS.values(), ids=VIEWS)
def test_every_tile_that_decides_a_region_is_read(
    bundle: Path, photo: Image.Image, make: Callable[[Point], Rendition], monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[Box] = []
    decoded = synthesis.decoded
    monkeypatch.setattr(synthesis, "decoded", lambda at, z, q, box: used.append(box) or decoded(at, z, q, box))
    loaded = Bundle(bundle)
    contents = read(skosh.encode(photo, 30, loaded, tile=64))
    decoder = Decoder(loaded, contents, 1, False, make(loaded.at(30)))
    halo = loaded.halo
    for left in range(160, 300, 8):  # every place in a tile
        region = Box(140, left, 148, left + 8)
        needed = decoder.needed(region)
        used.clear()
        decoder.pixels(region)
        (box,) = used
        seen = box.grown(halo["mean_second"], whole(20, 32)).over(4).grown(halo["mean_first"], whole(5, 8))
        assert {tile for tile in decoder.tiles if tile.meets(seen)} == set(needed)


@pytest.mark.parametrize("way", [{}, *WAYS], ids=str)
def test_a_region_reads_the_tiles_that_its_rendition_needs(
    bundle: Path, photo: Image.Image, way: dict[str, Any]
) -> None:
    """Tiles that are far away may hold anything; those that a head or a filter sees are read."""
    wide = Image.new("RGB", (1024, 256))
    wide.paste(photo.resize((1024, 256)))
    contents = read(skosh.encode(wide, 30, bundle, tile=64))
    damaged = [b"\xff" * 50 if n % 16 >= 8 else tile or b"" for n, tile in enumerate(contents.tiles)]
    due, found = (
        skosh.decode(write(contents.header, contents.extras, tiles), bundle, region=(10, 60, 200, 70), **way)
        for tiles in ([tile or b"" for tile in contents.tiles], damaged)
    )
    assert difference(found, due) == 0


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_salvage_greys_the_lost_part_at_every_size(bundle: Path, file: bytes, way: dict[str, Any]) -> None:
    full = pixels(skosh.decode(file, bundle, **way))
    stream = read(file).tiles[5]
    assert stream is not None
    at = file.index(stream) + len(stream) // 2
    damaged = file[:at] + bytes([file[at] ^ 8]) + file[at + 1 :]
    with pytest.warns(UserWarning, match="lost: 128x128 pixels at 128,128"):
        shown = pixels(skosh.decode(damaged, bundle, salvage=True, **way))
    scale = Fraction(way.get("scale", 1))
    start, end, right = (int(edge * scale) for edge in (128, 256, 384))
    assert (shown[start:end, start:end] == 128).all()
    assert not (shown[start:end, end:right] == 128).all(2).any(1).all()
    assert np.abs(shown[:, right:] - full[:, right:]).max() <= 1
    assert shown.shape == full.shape


@pytest.mark.parametrize("tile", [0, 64])
def test_tiles_are_not_to_be_seen(
    tiny_bundle: Path, photo: Image.Image, tile: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for the noise, whose seed is the first tile's."""
    monkeypatch.setattr("skosh.codec.renditions.seed_of", lambda stream: 7)
    due, other = skosh.encode(photo, 60, tiny_bundle, tile=128), skosh.encode(photo, 60, tiny_bundle, tile=tile)
    for way in WAYS:
        assert difference(skosh.decode(other, tiny_bundle, **way), skosh.decode(due, tiny_bundle, **way)) <= 1
