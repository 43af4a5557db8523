"""A home of its own for what is installed, and the skosh command as somebody calls it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

import skosh
from calling import Tool


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home; programs that are run look for their files there."""
    folder = tmp_path / "home"
    folder.mkdir()
    for name in list(os.environ):
        if name.startswith("XDG_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("PYTHONPATH", str(Path(skosh.__file__).parents[1]))
    return folder


@pytest.fixture
def tool() -> Tool:
    """Run a program and return what it prints."""

    def run(*arguments: object) -> str:
        done = subprocess.run(list(map(str, arguments)), capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done
        return done.stdout.strip()

    return run
