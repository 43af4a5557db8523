"""Reports of a wrong call: one line in one style, with a suggestion, and exit status 2."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

import skosh
from skosh.cli import app
from skosh.codec import defaults, refine

runner = CliRunner()


def said(*arguments: str | Path) -> tuple[int, str]:
    result = runner.invoke(app, [str(one) for one in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stderr


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("photo.JPG", "photo.JPG is no command; did you mean skosh compress photo.JPG?"),
        ("a.skosh -o b.png", "a.skosh is no command; did you mean skosh decompress a.skosh -o b.png?"),
        ("compres a.png", "no command 'compres'; did you mean compress?"),
        (
            "nonsense",
            "no command 'nonsense': there are compress, decompress, info, thumbnail, eval, compare, train, export, "
            "desktop",
        ),
        ("desktop", "missing command (skosh desktop --help)"),
        ("desktop instal", "no command 'instal'; did you mean install?"),
        ("desktop --system install", "--system goes behind a command, as in skosh desktop install --system"),
        ("thumbnail a.skosh", "thumbnail needs OUT (skosh thumbnail --help)"),
        ("thumbnail a.skosh b.png -s 0", "--size: '0' is not a whole number from 1 to 4096"),
        ("thumbnail a.skosh b.jpg", "b.jpg does not have the name of a PNG, which thumbnails are"),
        ("-q 50 a.png", "-q goes behind a command, as in skosh compress -q"),
        ("--versoin", "skosh has no option --versoin; did you mean --version?"),
        ("compress a.png --qualty 3", "compress has no option --qualty; did you mean --quality?"),
        ("compress a.png --zzz", "compress has no option --zzz (skosh compress --help)"),
        (
            "compress a.png --tune psnt",
            "--tune: 'psnt' is not psnr; did you mean psnr?",
        ),
        ("compress a.png -q 300", "--quality: '300' is not a number from 0 to 100"),
        ("compress a.png -q nan", "--quality: 'nan' is not a number from 0 to 100"),
        ("compress a.png -e 1.5", "--effort: '1.5' is not a whole number from 0 to 3"),
        ("compress a.png -j -1", "--jobs: '-1' is not a whole number from 0 to 256"),
        ("compress a.png --target-bpp inf", "--target-bpp: 'inf' is not a number from 0 on"),
        ("compress a.png --target-size 3x", "--target-size: '3x' is not bytes, as 20000, 20KB or 1.5MiB"),
        ("compress a.png --quiet -v", "--quiet and --verbose exclude each other"),
        ("compress", "compress needs IN (skosh compress --help)"),
        ("compress a.png -q", "-q takes a value"),
        ("decompress a.skosh --region 1,2", "--region: '1,2' is not X,Y,W,H in pixels"),
    ],
)
def test_a_wrong_call_is_told_what_may_have_been_meant_in_one_line(call: str, words: str) -> None:
    assert said(*call.split()) == (2, f"skosh: {words}\n")


def test_a_file_without_a_command_is_known_by_what_is_in_it(tmp_path: Path, photo: Image.Image) -> None:
    file = tmp_path / "a b"
    file.write_bytes(skosh.encode(photo.crop((0, 0, 64, 64)), 20, threads=1))
    assert said(file) == (2, f"skosh: {file} is no command; did you mean skosh decompress '{file}'?\n")
    assert f"did you mean skosh compress {tmp_path}?" in said(tmp_path)[1]


def test_a_missing_file_suggests_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(b"")
    assert said("compress", tmp_path / "phto.png") == (
        1,
        f"failed: {tmp_path}/phto.png: does not exist; did you mean photo.png?\n",
    )
    (tmp_path / "photo.skosh").write_bytes(b"")
    assert said("info", tmp_path / "photo.skos")[1].endswith("; did you mean photo.skosh?\n")
    (tmp_path / "a.png").write_bytes(b"")
    for missing in ("nowhere/photo.skosh", "b.png", "a.skosh"):  # a name of another kind is no misspelling
        assert "did you mean" not in said("info", tmp_path / missing)[1]


def test_a_misspelt_model_suggests_an_installed_one(tmp_path: Path, photo: Image.Image) -> None:
    photo.save(tmp_path / "a.png")
    status, words = said("compress", tmp_path / "a.png", "--model", "skoshh")
    assert (status, "did you mean skosh?" in words) == (1, True)


def test_no_command_at_all_shows_help_and_is_wrong_usage() -> None:
    result = runner.invoke(app, [])
    assert result.exit_code == 2
    assert "skosh compress photo.jpg" in result.stdout


def test_versions_name_the_range_coder_and_the_models() -> None:
    result = runner.invoke(app, ["-V", "-v"])
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == f"skosh {skosh.__version__}"
    assert any(line.split()[:3] == ["range", "coder", "constriction"] for line in lines)
    assert any(line.split()[:2] == ["model", "skosh"] for line in lines)


def test_the_version_is_shown_without_loading_anything() -> None:
    code = """
import sys
before = set(sys.modules)
from skosh.cli import main
sys.argv = ["skosh", "-V"]
main()
print(sorted(name for name in set(sys.modules) - before if not name.startswith(("skosh", "__future__"))))
print(sorted(name for name in sys.modules if name.startswith("skosh")))
"""
    call = [sys.executable, "-S", "-c", code]
    path = str(Path(skosh.__file__).parents[1])
    done = subprocess.run(call, capture_output=True, text=True, check=True, env={"PYTHONPATH": path})
    assert done.stdout.splitlines() == [f"skosh {skosh.__version__}", "[]", "['skosh', 'skosh.cli']"]


def test_help_loads_neither_numpy_nor_pillow() -> None:
    code = (
        "import skosh.cli.commands, sys; "
        "print([m for m in ('numpy', 'PIL', 'onnxruntime', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_every_command_teaches_by_examples() -> None:
    for name in ("compress", "decompress", "info", "eval", "compare", "train", "export", "thumbnail"):
        assert runner.invoke(app, [name, "--help"]).stdout.count(f"skosh {name} ") >= 2
    for name in ("install", "uninstall", "magic"):
        assert runner.invoke(app, ["desktop", name, "--help"]).stdout.count(f"skosh desktop {name}") >= 2


def test_shells_get_what_completes_a_word() -> None:
    asked = {"_SKOSH_COMPLETE": "complete_bash", "COMP_WORDS": "skosh compr", "COMP_CWORD": "1"}
    code = "from skosh.cli import main; import sys; sys.argv = ['skosh']; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env={**os.environ, **asked}
    )
    assert done.stdout.split() == ["compress"]


def test_the_old_name_of_jobs_still_works_and_is_not_shown(tmp_path: Path, photo: Image.Image) -> None:
    photo.crop((0, 0, 64, 64)).save(tmp_path / "a.png")
    assert said("compress", tmp_path / "a.png", "--workers", "1")[0] == 0
    assert "--workers" not in runner.invoke(app, ["compress", "--help"]).stdout


def test_the_largest_effort_of_help_is_the_encoder_s() -> None:
    assert len(refine.EFFORTS) - 1 == defaults.EFFORT_MAX
