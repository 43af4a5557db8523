"""The examples of the documents run: all Python, and the commands that are cheap and need no network."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from sybil import Document, Example
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser

import skosh

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PYTHON = [page for page in PAGES if "\n```python\n" in page.read_text()]
SHELL = [page for page in PAGES if "\n```sh\n" in page.read_text()]
RUN = [page for page in PYTHON if page not in SHELL] + [pytest.param(page, marks=pytest.mark.slow) for page in SHELL]
COMMANDS = ("README.md", "docs/commands.md")  # their blocks name no language; every line is an example of its own
NOT_RUN = {
    "pip install": "changes the environment",
    "make ": "changes the environment",
    "skosh eval": "measures for minutes; tests/evaluate",
    "skosh compare": "searches for minutes; tests/evaluate",
    "--scale 2": "needs a head that the shipped bundle lacks; tests/codec",
}
ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, photo: Image.Image) -> Path:
    """What the examples suppose: a photograph, its file, and folders of both."""
    folder = tmp_path_factory.mktemp("examples")
    small = photo.crop((100, 60, 260, 204))
    data = skosh.encode(small, 40)
    for name in ("photo.jpg", "photos/a.jpg", "photos/b.jpg", "album/a.png", "album/b.jpg"):
        (folder / name).parent.mkdir(exist_ok=True)
        small.save(folder / name)
    for name in ("photo.skosh", "small/a.skosh", "small/b.skosh"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def place(prepared: Path, folder: Path, text: str) -> None:
    """Make a folder for examples; where they compress on the command line, without what that writes."""
    shutil.copytree(prepared, folder, dirs_exist_ok=True)
    if re.search(r"^skosh compress", text, re.MULTILINE):
        (folder / "photo.skosh").unlink()
        shutil.rmtree(folder / "small")


def run(command: str, folder: Path) -> None:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


def run_block(example: Example) -> None:
    run(example.parsed, Path.cwd())


def commands(page: str) -> list[str]:
    """The commands in a page's blocks without a language: lines behind a prompt, or all where there is none."""
    found = []
    for block in re.findall(r"^```\n(.*?)^```$", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL):
        lines = block.splitlines()
        prompted = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        found += prompted or lines
    return found


@pytest.mark.parametrize("page", RUN, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_examples_of_a_page_run_from_first_to_last(
    page: Path, prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(prepared, tmp_path, page.read_text() if page in SHELL else "")
    monkeypatch.chdir(tmp_path)
    parsers = PythonCodeBlockParser(), CodeBlockParser("sh", run_block)
    examples = list(Document.parse(str(page), *parsers))
    assert examples
    for example in examples:
        example.evaluate()


@pytest.mark.slow
@pytest.mark.parametrize(("page", "command"), [(page, line) for page in COMMANDS for line in commands(page)])
def test_a_command_that_a_page_shows_runs(page: str, command: str, prepared: Path, tmp_path: Path) -> None:
    for part, why in NOT_RUN.items():
        if part in command:
            pytest.skip(why)
    place(prepared, tmp_path, command)
    run(command, tmp_path)


def test_commands_that_are_not_run_stand_in_a_page() -> None:
    shown = "\n".join(line for page in COMMANDS for line in commands(page))
    assert [part for part in NOT_RUN if part not in shown] == []
    assert shown.count("\nskosh ") > 20
