"""Paths that must not lead to a file."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from serving import served
from skosh.asgi import Options, Pictures

AWAY = [
    "/",
    "//",
    "/none",
    "/sub",
    "/sub/",
    "/cat.skosh/",
    "/cat.skosh/x",
    "/../secret.skosh",
    "/../secret",
    "/%2e%2e/secret.skosh",
    "/..%2fsecret.skosh",
    "/%2E%2E%2Fsecret",
    "/sub/../../secret",
    "/sub/../cat",
    "/./cat",
    "//cat",
    "/sub//red%20panda",
    "/..%5csecret.skosh",
    "/%252e%252e/secret",
    "/../photos-private/secret",
    "/%00",
    "/cat.skosh%00",
    "/cat%00.skosh",
    "/%ff",
    "/%ed%b2%80",
    "/%0d%0aX-Other:%201",
    "/" + "a" * 300,
    "/" + "a/" * 3000 + "b",
    "/.hidden",
    "/.git/config",
    "/out",
    "/out.skosh",
    "/outside/secret",
    "/to-hidden",
    "/loop",
    "/gone",
    "/zero",
    "/pipe",
]


@pytest.fixture
def traps(pictures: Path, stored: bytes) -> Path:
    """The folder of pictures with everything that could lead astray; every target is a whole file."""
    (pictures / ".hidden.skosh").write_bytes(stored)
    (pictures / ".git").mkdir()
    (pictures / ".git" / "config.skosh").write_bytes(stored)
    private = pictures.with_name("photos-private")
    private.mkdir()
    (private / "secret.skosh").write_bytes(stored)
    (pictures / "out.skosh").symlink_to("../secret.skosh")
    (pictures / "outside").symlink_to("..")
    (pictures / "to-hidden.skosh").symlink_to(".hidden.skosh")
    (pictures / "loop.skosh").symlink_to("loop.skosh")
    (pictures / "gone.skosh").symlink_to("nowhere.skosh")
    (pictures / "zero.skosh").symlink_to("/dev/zero")
    (pictures / "inside.skosh").symlink_to("sub/red panda.skosh")
    os.mkfifo(pictures / "pipe.skosh")
    return pictures


def test_what_leads_out_or_is_no_ordinary_file_is_not_found(traps: Path, options: Options) -> None:
    with served(Pictures(traps, options)) as client:
        start = time.monotonic()
        answers = {path: client.get(path, "image/x-skosh") for path in AWAY}
        assert time.monotonic() - start < 30
        assert {path: answer.status for path, answer in answers.items()} == dict.fromkeys(AWAY, 404)
        assert {answer.body for answer in answers.values()} == {b"no such picture\n"}
        assert not any("x-other" in answer.headers for answer in answers.values())


def test_links_within_the_folder_are_followed(traps: Path, options: Options, stored: bytes) -> None:
    with served(Pictures(traps, options)) as client:
        assert client.get("/inside", "image/x-skosh").body == stored


def test_a_folder_may_itself_be_a_link_or_hidden(tmp_path: Path, pictures: Path, options: Options) -> None:
    hidden = pictures.rename(tmp_path / ".photos")
    pictures.symlink_to(hidden)
    with served(Pictures(pictures, options)) as client:
        assert client.get("/cat", "image/x-skosh").status == 200
