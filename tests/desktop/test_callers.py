"""Thumbnails through the installed entry, by the programs that file managers leave it to."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

import skosh
from calling import COMMAND, GOLDEN, call
from skosh.desktop.places import hidden_from_gnome

ODD = "we ird%$x'q\"b`c\\\\d%i"  # a folder's name, with everything that some level of quotes reads
TUMBLER = "org.freedesktop.thumbnails.Thumbnailer1"
GNOME = """
import sys, gi
gi.require_version("GnomeDesktop", "3.0")
from gi.repository import GnomeDesktop
factory = GnomeDesktop.DesktopThumbnailFactory.new(GnomeDesktop.DesktopThumbnailSize.NORMAL)
assert factory.can_thumbnail(sys.argv[1], "image/x-skosh", 0)
factory.generate_thumbnail(sys.argv[1], "image/x-skosh", None).savev(sys.argv[2], "png", [], [])
"""


def has_gnome() -> bool:
    """Whether Debian's Python can load GNOME's library of thumbnails."""
    code = 'import gi; gi.require_version("GnomeDesktop", "3.0")'
    python = shutil.which("python3", path="/usr/bin")
    return python is not None and subprocess.run([python, "-c", code], capture_output=True, check=False).returncode == 0


def sandboxes() -> bool:
    return shutil.which("bwrap") is not None and not subprocess.run(["bwrap", "--ro-bind", "/", "/", "true"]).returncode


@pytest.fixture
def installed(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed entry for a command with an odd path, and a picture with an odd name."""
    link = home / ODD / "skosh"
    link.parent.mkdir()
    link.symlink_to(COMMAND)
    monkeypatch.setattr(sys, "argv", [str(link)])
    assert call("desktop", "install").exit_code == 0
    return Path(shutil.copy(GOLDEN / "cat.skosh", home / "a 'b'%20é.skosh"))


@pytest.mark.skipif(not shutil.which("dbus-run-session") or not shutil.which("gdbus"), reason="no session bus")
@pytest.mark.skipif(
    not Path("/usr/share/dbus-1/services/org.xfce.Tumbler.Thumbnailer1.service").exists(), reason="no Tumbler"
)
def test_tumbler_makes_a_thumbnail(installed: Path) -> None:
    call_it = ["gdbus", "call", "--session", "-d", TUMBLER, "-o", f"/{TUMBLER.replace('.', '/')}"]
    queue = [
        *call_it,
        "-m",
        f"{TUMBLER}.Queue",
        f'["{installed.as_uri()}"]',
        '["image/x-skosh"]',
        "normal",
        "foreground",
        "0",
    ]
    folder = Path.home() / ".cache/thumbnails"
    session = subprocess.Popen(
        ["dbus-run-session", "--", "sh", "-c", '"$@" && read end', "sh", *queue],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        found: list[Path] = []
        end = time.monotonic() + 60
        while not found and time.monotonic() < end:
            time.sleep(0.2)
            found = list((folder / "normal").glob("*.png"))
    finally:
        session.communicate(b"\n", timeout=30)
    assert found, list(folder.rglob("*"))
    with Image.open(found[0]) as image:
        assert image.size == (128, 86)
        assert image.info["Thumb::URI"] == installed.as_uri()


@pytest.mark.skipif(not has_gnome(), reason="GNOME's library of thumbnails is missing")
@pytest.mark.skipif(not sandboxes(), reason="no sandbox can be made here")
def test_gnome_makes_a_thumbnail_in_its_sandbox_if_it_sees_the_command(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out.png"
    thumbnail = ["/usr/bin/python3", "-c", GNOME, installed.as_uri(), str(out)]
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    if hidden_from_gnome(sys.argv[0]):
        assert subprocess.run(thumbnail, env=environment, capture_output=True, check=False).returncode == 1
    # The real sandbox, with what the tests run on made visible in it: as if all were below /usr.
    prefixes = {sys.prefix, sys.base_prefix}
    seen = [word for prefix in sorted(prefixes) for word in ("--ro-bind", prefix, prefix)]
    seen += ["--ro-bind", str(Path(skosh.__file__).parents[1]), "/source", "--setenv", "PYTHONPATH", "/source"]
    program = tmp_path / "bin" / "bwrap"
    program.parent.mkdir()
    words = "' '".join(seen)
    program.write_text(f"#!/bin/sh\nexec {shutil.which('bwrap')} '{words}' \"$@\"\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(COMMAND)])
    assert call("desktop", "install").exit_code == 0
    environment["PATH"] = f"{program.parent}:{environment['PATH']}"
    done = subprocess.run(thumbnail, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with Image.open(out) as image:
        assert image.size == (128, 86)
