"""What a file shows, by options: ``--realism``, ``--scale``, ``--denoise`` and ``--tune psnr``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import skosh
from skosh.bundle.graphs import HEADS, path_of
from skosh.bundle.manifest import reseal
from skosh.cli import app


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.fixture
def source(tmp_path: Path, photo: Image.Image) -> Path:
    photo.crop((90, 60, 221, 157)).save(tmp_path / "a.png")
    return tmp_path / "a.png"


@pytest.fixture
def coded(source: Path, tiny_bundle: Path) -> Path:
    path = source.with_suffix(".skosh")
    path.write_bytes(skosh.encode(source, 60, tiny_bundle, realism=0.5))
    return path


def shown(coded: Path, model: Path, *options: object) -> Image.Image:
    out = coded.parent / "shown.png"
    done = call("decompress", coded, "--model", model, "-o", out, "--force", *options)
    assert done.exit_code == 0, done.stderr
    with Image.open(out) as image:
        return image.copy()


def test_realism_is_what_the_option_says_or_else_the_file(coded: Path, tiny_bundle: Path) -> None:
    for options, realism in (((), None), (("--realism", 0), 0), (("--realism", 1), 1)):
        assert shown(coded, tiny_bundle, *options) == skosh.decode(coded, tiny_bundle, realism=realism)


@pytest.mark.parametrize(("text", "scale"), [("1/8", 1 / 8), ("1/4", 1 / 4), ("0.5", 1 / 2), ("1", 1), ("2", 2)])
def test_a_scale_is_one_of_five_sizes(coded: Path, tiny_bundle: Path, text: str, scale: float) -> None:
    found = shown(coded, tiny_bundle, "--scale", text)
    assert found == skosh.decode(coded, tiny_bundle, scale=scale)
    assert found.size == tuple(-(-side * int(8 * scale) // 8) for side in (131, 97))


def test_previews_of_a_folder_say_their_size(coded: Path, tiny_bundle: Path) -> None:
    small = coded.parent / "small"
    small.mkdir()
    for name in ("b", "c"):
        (small / f"{name}.skosh").write_bytes(coded.read_bytes())
    done = call("decompress", small, "--model", tiny_bundle, "-o", coded.parent / "out", "--scale", "1/8", "--json")
    assert done.exit_code == 0
    assert [(row["width"], row["height"]) for row in json.loads(done.stdout)["files"]] == [(17, 13)] * 2
    assert sorted(path.name for path in (coded.parent / "out").iterdir()) == ["b.png", "c.png"]


def test_a_part_is_shown_small(coded: Path, tiny_bundle: Path) -> None:
    part = shown(coded, tiny_bundle, "--region", "16,8,64,64", "--scale", "1/4")
    due = skosh.decode(coded, tiny_bundle, scale=1 / 4).crop((4, 2, 20, 18))
    assert np.abs(np.asarray(part, np.int16) - np.asarray(due)).max() <= 1


def test_an_encoder_for_a_purpose_is_taken_and_a_realism_asked_for(source: Path, tiny_bundle: Path) -> None:
    for options, arguments in (
        (["--denoise"], {"denoise": True}),
        (["--tune", "psnr"], {"tune": "psnr"}),
        (["--realism", 0.5], {"realism": 0.5}),
    ):
        done = call("compress", source, "--force", "--model", tiny_bundle, *options)
        assert done.exit_code == 0, done.stderr
        assert source.with_suffix(".skosh").read_bytes() == skosh.encode(source, model=tiny_bundle, **arguments)


@pytest.mark.parametrize(
    "options",
    [
        ["compress", "--denoise", "--tune", "psnr"],
        ["compress", "--denoise", "--effort", "1"],
        ["compress", "--denoise", "--target-psnr", "30"],
        ["compress", "--realism", "1.1"],
        ["compress", "--realism", "much"],
        ["decompress", "--realism", "-1"],
        ["decompress", "--realism", "nan"],
        ["decompress", "--scale", "1/3"],
        ["decompress", "--scale", "1/0"],
        ["decompress", "--scale", ""],
        ["decompress", "--scale", "inf"],
        ["decompress", "--scale", "2", "--realism", "0.5"],
    ],
    ids=" ".join,
)
def test_what_makes_no_sense_is_a_usage_error(coded: Path, source: Path, options: list[str]) -> None:
    command, *others = options
    done = call(command, source if command == "compress" else coded, "-o", coded.parent / "out", *others)
    assert done.exit_code == 2, done.stderr
    assert not (coded.parent / "out").exists()


def test_what_a_model_lacks_is_said_once_with_a_remedy(
    tiny_bundle: Path, tmp_path: Path, source: Path, photo: Image.Image
) -> None:
    bare = Path(shutil.copytree(tiny_bundle, tmp_path / "bare"))
    shutil.rmtree(bare / HEADS)
    for graph in ("analysis_denoise", "analysis_psnr"):
        (bare / path_of(graph)).unlink()
    reseal(bare)
    (tmp_path / "album").mkdir()
    for name in "bc":
        photo.crop((0, 0, 64, 64)).save(tmp_path / "album" / f"{name}.png")
    for options, words in ((["--denoise"], "encode without denoise"), (["--tune", "psnr"], "encode without tune")):
        done = call("compress", tmp_path / "album", "--model", bare, *options)
        assert (done.exit_code, done.stderr.count(words)) == (1, 1)
    coded = tmp_path / "b.skosh"
    coded.write_bytes(skosh.encode(source, 30, bare))
    out = ("--model", bare, "-o", tmp_path / "out.png")
    for options, words in ((["--realism", 1], "realism of 0"), (["--scale", 2], "scale of 1")):
        done = call("decompress", coded, *out, *options)
        assert done.exit_code == 1
        assert words in done.stderr
    assert call("decompress", coded, *out, "--scale", "1/2").exit_code == 0
