"""The codec half stands without PyTorch, and looking at a file without ONNX Runtime."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from PIL import Image

import skosh

HEAVY = "[m for m in ('torch', 'onnxruntime', 'onnx', 'yaml') if m in __import__('sys').modules]"


def modules_after(code: str) -> str:
    call = [sys.executable, "-c", f"{code}\nprint({HEAVY})"]
    return subprocess.run(call, capture_output=True, text=True, check=True).stdout.splitlines()[-1]


def test_importing_skosh_loads_neither_torch_nor_onnxruntime() -> None:
    assert modules_after("import skosh") == "[]"


def test_importing_skosh_loads_next_to_nothing() -> None:
    code = "import sys; before = set(sys.modules); import skosh; print(len(set(sys.modules) - before))"
    shown = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True, env=own_path()
    )
    assert int(shown.stdout) <= 3  # itself, __future__ and whatever an environment adds


def own_path() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(skosh.__file__).parents[1])}


def test_every_public_name_is_there() -> None:
    assert [name for name in skosh.__all__ if getattr(skosh, name, None) is None] == []


def test_info_loads_neither_torch_nor_onnxruntime(tiny_bundle: Path, photo: Image.Image, tmp_path: Path) -> None:
    file = tmp_path / "a.skosh"
    file.write_bytes(skosh.encode(photo, 30, tiny_bundle))
    code = f"""
import sys
from skosh.cli import app
app(["info", {str(file)!r}, "--json"], standalone_mode=False)
"""
    assert modules_after(code) == "[]"


def test_coding_loads_no_torch(tiny_bundle: Path, photo: Image.Image, tmp_path: Path) -> None:
    photo.crop((0, 0, 64, 64)).save(tmp_path / "a.png")
    code = f"""
import skosh
from PIL import Image
bundle = {str(tiny_bundle)!r}
skosh.decode(skosh.encode(Image.open({str(tmp_path / "a.png")!r}), 50, bundle), bundle)
"""
    assert modules_after(code) == "['onnxruntime']"


def test_nobody_is_told_what_is_coded(tiny_bundle: Path, photo: Image.Image, tmp_path: Path) -> None:
    photo.crop((0, 0, 64, 64)).save(tmp_path / "a.png")
    home = tmp_path / "home"
    home.mkdir()
    code = f"""
import skosh
from PIL import Image
skosh.encode(Image.open({str(tmp_path / "a.png")!r}), 50, {str(tiny_bundle)!r})
"""
    quiet = {name: value for name, value in os.environ.items() if not name.startswith(("ORT_", "XDG_"))}
    subprocess.run([sys.executable, "-c", code], check=True, env={**quiet, "HOME": str(home)})
    assert (
        list(home.rglob("*")) == []
    )  # ONNX Runtime, left to itself, keeps a number of the machine's there, and what it wants to report


def test_public_names_are_these() -> None:
    assert sorted(skosh.__all__) == [
        "Bundle",
        "BundleError",
        "ConfigError",
        "DependencyError",
        "FormatError",
        "ImageError",
        "LimitError",
        "Metadata",
        "SkoshError",
        "decode",
        "encode",
        "info",
        "open",
        "register_opener",
    ]
