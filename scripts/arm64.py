"""Decode and encode on an emulated arm64 Linux, and compare with what this machine does. Run by ``scripts/arm64.sh``.

``compare FOLDER`` runs here. FOLDER has ``emulated``, which runs an arm64 program, and ``venv``, an arm64 environment
with skosh. It calls the command there on every golden file; symbols have to be equal, and pixels to within one grey
level. Two pictures are encoded there and decoded on both machines.

``symbols FILE...`` runs on both: the hash of each file's symbols, as JSON, and whether constriction is there.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from golden import GOLDEN, symbol_hash

ENCODED = ("cat", "flower-alpha")  # golden pictures that are encoded once more, there


def compare(folder: Path) -> int:
    """Return how much differs: 0 if all is well."""
    python = [str(folder / "emulated"), str(folder / "venv/bin/python")]
    command = [*python, str(folder / "venv/bin/skosh")]
    print(subprocess.run([*command, "--version", "-v"], check=True, capture_output=True, text=True).stdout)
    files = folder / "files"
    files.mkdir(exist_ok=True)
    golden = sorted(GOLDEN.glob("*/*.skosh"))
    seen = {file: files / f"{file.parent.name}-{file.stem}.png" for file in golden}
    seconds = {file: timed([*command, "decompress", str(file), "-o", str(png)]) for file, png in seen.items()}
    made = [files / f"{name}.skosh" for name in ENCODED]
    for file in made:
        took = timed([*command, "compress", str(png_of(file.stem)), "-o", str(file)])
        timed([*command, "decompress", str(file), "-o", str(file.with_suffix(".png"))])
        print(f"{file.name}: encoded there in {took:.1f} s")
    call = [str(Path(__file__)), "symbols", *map(str, golden + made)]
    there, here = hashes([*python, *call]), hashes([sys.executable, *call])
    bad = 0 if there.pop("range coder").startswith("numba") and not there.pop("constriction") else 1
    for file in golden:
        due = json.loads((file.parent / "golden.json").read_text())[file.stem]
        bad += differs(file, there[str(file)] == due, seen[file], file.with_suffix(".png"), seconds[file])
    for file in made:
        own = files / f"{file.stem}-here.png"
        took = timed([sys.executable, "-m", "skosh", "decompress", str(file), "-o", str(own)])
        bad += differs(file, there[str(file)] == here[str(file)], file.with_suffix(".png"), own, took)
    print(f"{bad} differ")
    return bad


def png_of(name: str) -> Path:
    return next(GOLDEN.glob(f"flagship-*/{name}.png"))


def timed(call: list[str]) -> float:
    """Run a program and return the seconds that it took, its start included."""
    start = time.perf_counter()
    subprocess.run(call, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def hashes(call: list[str]) -> dict[str, Any]:
    found = json.loads(subprocess.run(call, check=True, capture_output=True, text=True).stdout)
    assert isinstance(found, dict)
    return found


def differs(file: Path, equal: bool, one: Path, other: Path, seconds: float) -> bool:
    """Print a line of the comparison. Return whether symbols differ, or pixels by more than one grey level."""
    first, second = (np.asarray(Image.open(png)).astype(np.int16) for png in (one, other))
    apart = np.abs(first - second) if first.shape == second.shape else np.full(1, 255)
    print(
        f"{file.parent.name}/{file.name}: {seconds:.1f} s, symbols {'equal' if equal else 'DIFFER'}, pixels at most "
        f"{apart.max()} apart, {np.count_nonzero(apart)} of {apart.size} values"
    )
    return not equal or int(apart.max()) > 1


def symbols(files: list[Path]) -> None:
    """Print the hash of each file's symbols, and the range coder in use."""
    from skosh.bundle.manifest import installed
    from skosh.container.chunks import read
    from skosh.entropy.rangecoder import backend

    models = {manifest["model_id"]: folder for _, folder, manifest in installed()}
    found: dict[str, Any] = {"constriction": importlib.util.find_spec("constriction") is not None}
    found["range coder"] = backend().NAME
    for file in files:
        data = file.read_bytes()
        found[str(file)] = symbol_hash(data, models[read(data).header.model_id.hex()])
    print(json.dumps(found))


if __name__ == "__main__":
    if sys.argv[1] == "symbols":
        symbols([Path(name) for name in sys.argv[2:]])
    else:
        sys.exit(compare(Path(sys.argv[2])))
