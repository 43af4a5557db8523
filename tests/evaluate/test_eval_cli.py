"""``skosh eval`` and ``skosh compare`` as a user calls them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from skosh.cli import app
from skosh.evaluate.trial import Trial

runner = CliRunner()


def call(*arguments: str | Path) -> tuple[int, str, str]:
    result = runner.invoke(app, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, " ".join(result.stderr.split())


@pytest.mark.slow
def test_eval_writes_a_report_and_resumes(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "report"
    common = ["--codecs", "webp,jpeg", "--qualities", "10,30,50,80", "--metrics", "psnr", "-o", out]
    status, table, words = call("eval", pictures, *common, "--workers", "1")
    assert (status, "16 results, 0 of them measured before" in words) == (0, True)
    assert table.startswith("| WebP against | PSNR |")
    assert {"index.html", "results.json", "results.csv", "psnr.svg", "psnr.png"} <= {
        path.name for path in out.iterdir()
    }
    status, again, words = call("eval", pictures, *common)
    assert (status, again, "16 of them measured before" in words) == (0, table, True)


def test_eval_shows_the_pictures_that_are_named_or_none(pictures: Path, tmp_path: Path, here: list[Trial]) -> None:
    common = ["eval", pictures, "--codecs", "jpeg", "--qualities", "10,30", "--metrics", "psnr", "-o", tmp_path]
    for show, sections in (("left", 1), ("0", 0)):
        assert call(*common, "--show", show, "-j", "1")[0] == 0
        assert (tmp_path / "index.html").read_text().count("<section>") == sections
    assert [path.name[:9] for path in (tmp_path / "pictures").iterdir()] == ["left-jpeg"]
    assert call(*common, "--show", "lefd")[0] == 2


def test_eval_of_a_folder_without_pictures_fails_with_words(tmp_path: Path) -> None:
    status, _, words = call("eval", tmp_path, "-o", tmp_path / "report")
    assert status == 1
    assert "has no pictures" in words


def test_eval_refuses_results_of_an_older_version(pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text(json.dumps({"results_version": 0}))
    status, _, words = call("eval", pictures, "-o", tmp_path, "--codecs", "jpeg")
    assert status == 1
    assert "version 0" in words
    assert "another folder with -o" in words


@pytest.mark.parametrize(
    "wrong",
    [
        ["--codecs", "gif"],
        ["--qualities", "ten"],
        ["--codecs", "jpeg", "--qualities", "jpeg=300"],
        ["--metrics", "beauty"],
    ],
    ids=" ".join,
)
def test_eval_wrong_usage_is_status_2(pictures: Path, tmp_path: Path, wrong: list[str]) -> None:
    assert call("eval", pictures, "-o", tmp_path, *wrong)[0] == 2


def test_eval_names_a_broken_picture_and_ends_with_status_1(pictures: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    status, _, words = call("eval", folder, "-o", tmp_path / "out", "--codecs", "jpeg", "--metrics", "psnr")
    assert status == 1
    assert "failed: broken: can't read the picture" in words
    assert (tmp_path / "out" / "index.html").is_file()


@pytest.mark.parametrize("module", ["torch", "matplotlib"])
def test_a_missing_package_is_named_with_the_extra(
    module: str, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = f"""
import sys
sys.modules[{module!r}] = None
from skosh.cli import main
sys.argv = ["skosh", "eval", {str(pictures)!r}, "-o", {str(tmp_path)!r}]
sys.argv += ["--codecs", "jpeg", "--metrics", "psnr,ms_ssim"]
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"this needs {module}: pip install '.[eval]'" in done.stderr


def test_the_command_line_loads_nothing_heavy() -> None:
    heavy = "('torch', 'onnxruntime', 'matplotlib', 'scipy', 'pillow_heif', 'skosh.evaluate')"
    code = f"import sys, skosh.cli; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_compare_draws_a_figure_and_does_not_replace_one_unasked(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "figure.png"
    common = ["compare", pictures / "left.png", "--bpp", "0.8", "--against", "jpeg", "-o", out]
    status, _, words = call(*common, "--crop", "10,20,44,42")
    assert status == 0, words
    assert "skosh, quality" in words
    assert "JPEG, quality" in words
    with Image.open(out) as sheet:
        assert sheet.width > 3 * 176
    before = out.read_bytes()
    status, _, words = call(*common)
    assert (status, out.read_bytes() == before) == (1, True)
    assert "--force replaces it" in words


def test_compare_takes_two_of_ours_and_other_metrics(tiny_bundle: Path, pictures: Path, tmp_path: Path) -> None:
    ours, against = f"skosh={tiny_bundle}@1", f"skosh={tiny_bundle}"
    common = ["compare", pictures / "left.png", "--against", against, "--metrics", "psnr,ssimulacra2"]
    status, _, words = call(*common, "--ours", ours, "--bpp", "2", "-o", tmp_path / "figure.png")
    assert status == 0, words
    assert "skosh bundles/tiny, effort 1, quality" in words
    assert "skosh bundles/tiny, quality" in words
    assert "SSIMULACRA 2" in words
    assert "MS-SSIM" not in words


def test_compare_never_replaces_a_picture_that_it_compares(photo: Image.Image, tmp_path: Path) -> None:
    picture = tmp_path / "a-compare.png"
    photo.save(picture)
    before = picture.read_bytes()
    for inputs, out in (([picture], picture), ([tmp_path / "a.png", picture], tmp_path)):
        status, _, words = call("compare", *inputs, "--against", "jpeg", "-o", out, "--force")
        assert status == 2
        assert "is one of the pictures" in words
    assert picture.read_bytes() == before


def test_compare_goes_on_after_a_picture_that_fails(pictures: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_text("no picture")
    status, _, words = call(
        "compare", broken, pictures / "right.png", "--bpp", "0.8", "--against", "jpeg", "-o", tmp_path / "out"
    )
    assert status == 1
    assert "broken.png: can't read the picture" in words
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["right-compare.png"]


@pytest.mark.parametrize(
    "wrong",
    [
        ["--crop", "1,2,3"],
        ["--crop", "0,0,0,5"],
        ["--against", "gif"],
        ["-o", "figure.txt"],
        ["--bpp", "0"],
        ["--ours", "skosh@2", "--model", "skosh"],
        ["--ours", "skosh@realizm=1"],
        ["--metrics", "beauty"],
    ],
    ids=" ".join,
)
def test_compare_wrong_usage_is_status_2(pictures: Path, wrong: list[str]) -> None:
    assert call("compare", pictures / "left.png", *wrong)[0] == 2


def test_compare_does_not_make_a_folder_of_a_figure_s_name(pictures: Path, tmp_path: Path) -> None:
    both = [pictures / "left.png", pictures / "right.png"]
    assert call("compare", *both, "--against", "jpeg", "-o", tmp_path / "figure.png")[0] == 2
    assert not (tmp_path / "figure.png").exists()
