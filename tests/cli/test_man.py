"""The manual pages say what --help says."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))


def test_the_manual_pages_are_those_of_the_commands() -> None:
    import man

    written = {path.name: path.read_text() for path in man.FOLDER.glob("*.1")}
    assert written == man.pages(), "run scripts/man.py"
    assert len(written) == 13


@pytest.mark.skipif(not shutil.which("groff"), reason="groff is not installed")
def test_the_manual_pages_can_be_set_without_a_warning() -> None:
    for page in sorted((ROOT / "docs" / "man").glob("*.1")):
        done = subprocess.run(["groff", "-man", "-Tascii", "-ww", page], capture_output=True, text=True, check=True)
        assert done.stderr == ""
        assert "General Commands Manual" in done.stdout
