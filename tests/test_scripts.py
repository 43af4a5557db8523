"""The demo and the scripts that write docs/results.md."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))


def test_the_demo_leaves_a_file_a_picture_and_a_comparison(tmp_path: Path, photo: Image.Image) -> None:
    photo.save(tmp_path / "cat.png")
    call = [sys.executable, str(ROOT / "scripts" / "demo.py"), "cat.png"]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, check=True)
    out = tmp_path / "demo-out"
    assert (out / "cat.skosh").stat().st_size < (tmp_path / "cat.png").stat().st_size / 10
    with Image.open(out / "cat.png") as back, Image.open(out / "side-by-side.png") as sheet:
        assert back.size == photo.size
        assert sheet.width == 3 * photo.width
    assert "JPEG" in done.stdout


def test_a_section_of_the_results_is_replaced_and_the_rest_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import page

    monkeypatch.setattr(page, "PAGE", tmp_path / "results.md")
    page.PAGE.write_text("before\n<!-- a -->\nold\n<!-- end a -->\nafter\n")
    page.replace_section("a", "new\n")
    assert page.PAGE.read_text() == "before\n<!-- a -->\nnew\n<!-- end a -->\nafter\n"
    with pytest.raises(SystemExit, match="no section b"):
        page.replace_section("b", "")
    other = tmp_path / "README.md"
    other.write_text("<!-- a -->\n<!-- end a -->")
    page.replace_section("a", "there", other)
    assert other.read_text() == "<!-- a -->\nthere\n<!-- end a -->"


@pytest.mark.slow
def test_pictures_are_packed_to_a_size_and_what_is_no_picture_is_named(photo_folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "photos"
    shutil.copytree(photo_folder, source)
    (source / "notes.jpg").write_text("no picture")
    (source / "more").mkdir()
    shutil.move(source / "1.png", source / "more" / "0.png")
    command = [sys.executable, str(ROOT / "scripts" / "pack.py"), str(source), str(tmp_path / "packed")]
    done = subprocess.run([*command, "--megabytes", "0.2", "--side", "200"], capture_output=True, text=True, check=True)
    assert "left out" in done.stderr
    assert "notes.jpg" in done.stderr
    packed = sorted((tmp_path / "packed").rglob("*.avif"))
    names = [path.relative_to(tmp_path / "packed").as_posix() for path in packed]
    assert names == ["0.png.avif", "2.png.avif", "3.png.avif", "more/0.png.avif"]
    assert sum(path.stat().st_size for path in packed) <= 200_000
    with Image.open(packed[0]) as picture:
        assert picture.size == (160, 128)
    refused = subprocess.run([*command, "--megabytes", "0.001"], capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "take fewer pictures" in refused.stderr
    for path in source.rglob("*.png"):
        path.unlink()
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "none of the 1 files" in refused.stderr


def test_a_quality_that_costs_less_or_shows_less_is_counted() -> None:
    from monotone import Curve, finding

    good = Curve(list(range(100, 201)), [30 + q / 10 for q in range(101)])
    assert (good.size_drops, good.psnr_drops) == ([], [])
    bad = Curve([*range(100, 150), 140, *range(151, 201)], [30.0, 29.9, *(30 + q / 10 for q in range(2, 101))])
    assert (bad.size_drops, bad.psnr_drops) == ([50], [1])
    text = finding([good, bad])
    assert "| steps of one, from -q 0 to 100 | 200 |" in text
    assert "| steps to a smaller file | 1 |" in text
    assert "| least and median gain of PSNR in a step | -0.1000 dB, 0.1000 dB |" in text


@pytest.mark.slow
def test_pieces_of_a_training_go_on_with_their_run_or_from_the_last_bundle(photo_folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")

    def piece(init: str, *settings: str) -> tuple[str, dict[str, Any]]:
        call = [str(ROOT / "scripts" / "gpu_piece.sh"), str(photo_folder), str(photo_folder), "out", "5"]
        for setting in ("autocast=bf16", *settings):
            call += ["--set", setting]
        given = {"PYTHON": sys.executable, "CONFIG": "tiny", "RUN": "run", "INIT": init}
        done = subprocess.run(call, env=os.environ | given, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        with tarfile.open(tmp_path / "out" / "bundle.tar") as bundle:
            bundle.extractall(tmp_path / "taken", filter="data")
        manifest: dict[str, Any] = json.loads((tmp_path / "taken" / "run-bundle" / "manifest.json").read_text())
        return done.stdout, manifest

    assert piece("", "steps=6")[1]["provenance"]["steps"] == 6
    said, last = piece("", "steps=12")
    assert "steps 6 to 12" in said
    assert "Mpx/s" in said
    assert last["provenance"]["steps"] == 12
    shutil.rmtree(tmp_path / "run")  # the machine was given back
    shutil.rmtree(tmp_path / "run-bundle")
    still = ("steps=1", "warmup=1", "learning_rate=1e-30", "learning_rate_min=0")
    said, again = piece("taken/run-bundle", *still)
    assert "steps 0 to 1" in said
    assert again["files"] == last["files"]
