"""Size and quality of files: ``-q``, ``--target-size``, ``--target-bpp``, ``--target-psnr``.

And the options that change neither.
"""

from __future__ import annotations

import io
import math
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import skosh
from skosh.cli import app
from skosh.codec.encoder import Encoder, take_apart

WIDTH, HEIGHT = 256, 192


@pytest.fixture(scope="module")
def picture(photo: Image.Image) -> Image.Image:
    return photo.crop((90, 60, 90 + WIDTH, 60 + HEIGHT))


@pytest.fixture
def source(tmp_path: Path, picture: Image.Image) -> Path:
    picture.save(tmp_path / "a.png")
    return tmp_path / "a.png"


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


def compressed(source: Path, *options: object) -> bytes:
    done = call("compress", source, "--force", *options)
    assert done.exit_code == 0, done.stderr
    return source.with_suffix(".skosh").read_bytes()


def psnr(data: bytes, picture: Image.Image) -> float:
    error = np.asarray(skosh.decode(data, realism=0), float) - np.asarray(picture, float)
    return 10 * float(np.log10(255**2 / np.mean(error**2)))


@pytest.fixture(scope="module")
def reach(picture: Image.Image) -> tuple[int, int]:
    """The sizes of the smallest and of the largest file."""
    encoder = Encoder(take_apart(picture))
    return len(encoder.file(0)), len(encoder.file(100))


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.98])
def test_a_size_is_hit_within_two_percent_and_never_passed(source: Path, reach: tuple[int, int], share: float) -> None:
    target = round(reach[0] + share * (reach[1] - reach[0]))
    assert 0.98 * target <= len(compressed(source, "--target-size", target)) <= target


def test_sizes_have_units(source: Path, reach: tuple[int, int]) -> None:
    target = round(sum(reach) / 2)
    plain = compressed(source, "--target-size", target)
    assert plain == compressed(source, "--target-size", f"{target}B")
    assert plain == compressed(source, "--target-size", f"{target / 1000}kB")
    assert plain == compressed(source, "--target-size", f"{target / 1024} KiB")


def test_bits_a_pixel_are_hit(source: Path, reach: tuple[int, int]) -> None:
    target = 8 * sum(reach) / 2 / (WIDTH * HEIGHT)
    assert 0.98 * target <= 8 * len(compressed(source, "--target-bpp", target)) / (WIDTH * HEIGHT) <= target


def test_metadata_and_alpha_count_towards_a_size(tmp_path: Path, picture: Image.Image, reach: tuple[int, int]) -> None:
    image = picture.copy()
    image.putalpha(picture.getchannel("G"))
    image.save(tmp_path / "a.png", icc_profile=np.random.default_rng(0).bytes(2000))
    found = skosh.info(compressed(tmp_path / "a.png", "--target-size", target := reach[1] + 30_000))
    assert found["bytes"] <= target
    assert found["icc_bytes"] == 2000
    assert found["alpha_bytes"] > 0


def test_a_size_above_all_is_the_best_picture(source: Path) -> None:
    assert skosh.info(compressed(source, "--target-size", "5MB"))["quality"] == 100


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_psnr_is_reached_and_hardly_passed(source: Path, picture: Image.Image, share: float) -> None:
    low, high = (psnr(skosh.encode(picture, quality), picture) for quality in (0, 100))
    target = low + share * (high - low)
    assert target <= psnr(compressed(source, "--target-psnr", target), picture) < target + 0.15


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--target-size", 40, "40 bytes are too few: the smallest file has"),
        ("--target-size", 0, "bytes are too few"),
        ("--target-bpp", 0.001, "are too few"),
        ("--target-psnr", 90, "90.0 dB can't be reached: the best is"),
    ],
)
def test_what_is_out_of_reach_is_said_with_what_is_in_reach(
    source: Path, option: str, value: float, words: str
) -> None:
    done = call("compress", source, option, value)
    assert done.exit_code == 1
    assert words in done.stderr
    assert not source.with_suffix(".skosh").exists()


@pytest.mark.parametrize(
    "options",
    [
        *(["-q", "40", "--target-size", "9000"], ["--target-bpp", "1", "--target-psnr", "30"]),
        *(["--target-size", "9000", "--target-bpp", "1"], ["-q", "40", "--target-psnr", "30"]),
        *(
            ["--target-size", "much"],
            ["--target-size", "-5"],
            ["--target-size", "9 parsecs"],
            ["--target-size", ""],
            ["--target-bpp", "-1"],
        ),
        *(["-q", "100.1"], ["-q", "-1"], ["-q", "good"], ["--tune", "speed"], ["--tune", "fidelity"]),
        *(["--target-psnr", "nan"], ["--target-psnr", "inf"], ["--target-bpp", "nan"]),
        *(["--tile", "100"], ["--tile", "32"], ["--tile", "-64"], ["--threads", "-1"], ["--max-pixels", "0"]),
    ],
    ids=" ".join,
)
def test_what_makes_no_sense_is_a_usage_error(source: Path, options: list[str]) -> None:
    done = call("compress", source, *options)
    assert done.exit_code == 2, done.stderr
    assert not source.with_suffix(".skosh").exists()


@pytest.mark.parametrize(("given", "coded"), [(37.5, 37.5), (37.55, 37.5), (0.125, 0.125), (99.99, 100), (40, 40)])
def test_quality_goes_in_eighths(source: Path, given: float, coded: float) -> None:
    assert skosh.info(compressed(source, "-q", given))["quality"] == coded


def test_eighths_lie_between_their_neighbours(picture: Image.Image) -> None:
    encoder = Encoder(take_apart(picture))
    sizes = [len(encoder.file(50 + n / 8)) for n in range(0, 9, 4)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


@pytest.mark.slow
def test_every_quality_costs_more_and_shows_more(picture: Image.Image) -> None:
    encoder = Encoder(take_apart(picture.crop((0, 0, 128, 128))))
    sizes = [len(encoder.file(quality)) for quality in range(101)]
    quality = [encoder.psnr(quality) for quality in range(101)]
    assert min(np.diff(sizes)) >= -4  # bytes: a word of the coder, on so small a picture
    assert min(np.diff(quality)) > -0.05  # dB, likewise; benchmarks/monotone.py has whole pictures
    assert min(np.diff(sizes[::5])) > 0
    assert min(np.diff(quality[::5])) > 0


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_the_search_measures_what_the_decoder_shows(picture: Image.Image, mode: str) -> None:
    picture = picture.convert(mode)
    encoder = Encoder(take_apart(picture))
    assert encoder.psnr(40) == pytest.approx(psnr(encoder.file(40), picture), abs=0.01)


@pytest.mark.parametrize("target", ["target_bytes", "target_psnr"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0])
def test_a_target_that_is_none_is_a_value_error(picture: Image.Image, target: str, value: float) -> None:
    with pytest.raises(ValueError, match=target):
        skosh.encode(picture, **{target: value})


@pytest.mark.parametrize(("tile", "tiles"), [(0, 1), (64, 12), (128, 4), (1024, 1)])
def test_tiles_are_as_large_as_was_asked(source: Path, tile: int, tiles: int) -> None:
    found = skosh.info(compressed(source, "--tile", tile))
    assert found["tiles"] == tiles
    assert found["tile"] == (tile if tiles > 1 else None)


def test_a_region_is_the_crop_of_the_whole(source: Path, tmp_path: Path) -> None:
    whole = skosh.decode(compressed(source, "--tile", 64))
    done = call("decompress", tmp_path / "a.skosh", "--region", "70,30,100,90", "-o", tmp_path / "part.png")
    assert done.exit_code == 0
    with Image.open(tmp_path / "part.png") as part:
        assert np.array_equal(np.asarray(part), np.asarray(whole.crop((70, 30, 170, 120))))


@pytest.mark.parametrize(
    ("region", "status"),
    [("1,2,3", 2), ("a,b,c,d", 2), ("1;2;3;4", 2), ("0,0,257,1", 1), ("-1,0,5,5", 1), ("0,0,0,5", 1)],
)
def test_a_region_that_is_none_is_refused(source: Path, tmp_path: Path, region: str, status: int) -> None:
    compressed(source)
    done = call("decompress", tmp_path / "a.skosh", f"--region={region}", "-o", tmp_path / "part.png")
    assert done.exit_code == status
    assert ("is not inside of 256x192" in done.stderr) == (status == 1)


def test_pictures_over_the_limit_are_refused_both_ways_and_the_limit_can_be_raised(
    source: Path, tmp_path: Path
) -> None:
    for limit in (WIDTH * HEIGHT - 1, 100):
        done = call("compress", source, "--max-pixels", limit)
        assert done.exit_code == 1
        assert re.search(f"over the limit of {limit} .*--max-pixels raises it", done.stderr)
    compressed(source, "--max-pixels", WIDTH * HEIGHT)
    done = call("decompress", tmp_path / "a.skosh", "--max-pixels", 100, "-o", tmp_path / "b.png")
    assert done.exit_code == 1
    assert "--max-pixels" in done.stderr


def test_a_picture_inside_of_a_picture_is_held_to_the_limit_too(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.new("L", (3000, 3000)).save(buffer, "JPEG2000")
    size = 8 + len(buffer.getvalue())  # an icon of 32x32 whose content says otherwise
    icon = b"icns" + (8 + size).to_bytes(4, "big") + b"ic11" + size.to_bytes(4, "big") + buffer.getvalue()
    (tmp_path / "a.icns").write_bytes(icon)
    before = Image.MAX_IMAGE_PIXELS
    done = call("compress", tmp_path / "a.icns", "--max-pixels", 100_000)
    assert done.exit_code == 1
    assert "exceeds limit of" in done.stderr
    assert before == Image.MAX_IMAGE_PIXELS


def test_threads_and_workers_change_no_byte(tmp_path: Path, picture: Image.Image) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for i in range(3):
        picture.crop((i * 20, 0, 150 + i * 20, 100)).save(folder / f"{i}.png")
    found = []
    for n, options in enumerate((["--threads", 1], ["--threads", 2, "--workers", 1], ["--workers", 3])):
        done = call("compress", folder, "-o", tmp_path / str(n), *options)
        assert done.exit_code == 0, done.stderr
        found.append({path.name: path.read_bytes() for path in (tmp_path / str(n)).iterdir()})
    assert len(found[0]) == 3
    assert found[0] == found[1] == found[2]
