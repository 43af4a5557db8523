"""``skosh desktop``: programs know the files after it, and nothing of it stays behind ``uninstall``."""

from __future__ import annotations

import configparser
import os
import shlex
import shutil
import stat
import sys
import tempfile
from pathlib import Path

import pytest

from calling import COMMAND, GOLDEN, Tool, call
from skosh.desktop import changes, places
from skosh.desktop.entries import MAGIC, quoted, thumbnailer
from skosh.errors import SkoshError

TYPE = "image/x-skosh"
DATABASE = {"mime"}  # folder that update-mime-database fills


def needs(*programs: str) -> pytest.MarkDecorator:
    missing = [name for name in programs if not shutil.which(name)]
    return pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)} missing")


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder but those of the database."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in found
        if path.parent.name == "packages" or not DATABASE.intersection(path.relative_to(folder).parts)
    }


@pytest.fixture
def picture(home: Path) -> Path:
    return Path(shutil.copy(GOLDEN / "cat.skosh", home / "a b%20é.skosh"))


@pytest.fixture
def nameless(picture: Path) -> Path:
    return Path(shutil.copy(picture, picture.with_name("nameless")))


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Places of the system, elsewhere."""
    monkeypatch.setattr(places, "SYSTEM_SHARE", tmp_path / "share")
    monkeypatch.setattr(places, "SYSTEM_MAGIC", tmp_path / "etc-magic")
    return tmp_path


@needs("update-mime-database", "xdg-mime", "gio")
def test_desktops_know_the_type_by_name_and_by_content(home: Path, picture: Path, nameless: Path, tool: Tool) -> None:
    empty, newer = home / "empty.skosh", home / "newer"
    empty.write_bytes(b"")
    newer.write_bytes(b"\x93SK\x02" + nameless.read_bytes()[4:])

    def known(path: Path) -> set[str]:
        gio = tool("gio", "info", "-a", "standard::content-type", path).rpartition(": ")[2]
        return {gio, tool("xdg-mime", "query", "filetype", path)}

    assert TYPE not in known(picture) | known(nameless)
    assert call("desktop", "install").exit_code == 0
    assert known(picture) == known(nameless) == {TYPE}
    assert TYPE in known(empty)
    assert TYPE not in known(newer)  # a version that is not ours to show
    assert call("desktop", "uninstall").exit_code == 0
    assert TYPE not in known(picture) | known(nameless)


@needs("file")
def test_file_knows_the_format_by_the_printed_lines(home: Path, nameless: Path, tool: Tool) -> None:
    lines = home / "skosh.magic"
    done = call("desktop", "magic")
    assert (done.exit_code, done.stdout) == (0, MAGIC)
    lines.write_text(done.stdout)
    assert tool("file", "-b", "-m", lines, nameless) == "skosh picture, version 1"
    assert tool("file", "-b", "--mime-type", "-m", lines, nameless) == TYPE
    assert tool("file", "-b", "--extension", "-m", lines, nameless) == "skosh"
    nameless.write_bytes(b"\x93SK\x02")
    assert "skosh" not in tool("file", "-b", "-m", lines, nameless)


@needs("file")
def test_file_knows_the_format_after_installing_and_not_after_uninstalling(
    home: Path, nameless: Path, tool: Tool
) -> None:
    assert "skosh" not in tool("file", "-b", nameless)
    call("desktop", "install")
    assert tool("file", "-b", "--mime-type", nameless) == TYPE
    call("desktop", "uninstall")
    assert "skosh" not in tool("file", "-b", nameless)


def test_installing_twice_and_uninstalling_leaves_what_was_there(home: Path) -> None:
    before = tree(home)
    assert call("desktop", "install").exit_code == 0
    once = tree(home)
    assert set(once) == {
        ".magic",
        ".local/share/mime/packages/skosh.xml",
        ".local/share/thumbnailers/skosh.thumbnailer",
    }
    again = call("desktop", "install")
    assert again.stderr.count("as it shall be already") == 3
    assert tree(home) == once
    assert call("desktop", "uninstall").exit_code == 0
    assert tree(home) == before
    assert "nothing is installed" in call("desktop", "uninstall").stderr


@pytest.mark.parametrize(
    "own", [b"0 string ABC mine\n", b"0 string ABC no end", b"# \xe9 in Latin 1\r\n", b"\n\n", b"#\n" + MAGIC.encode()]
)
def test_magic_of_one_s_own_stays_byte_by_byte(home: Path, own: bytes) -> None:
    magic = home / ".magic"
    magic.write_bytes(own)
    magic.chmod(0o600)
    for _ in range(2):
        assert call("desktop", "install").exit_code == 0
    assert magic.read_bytes().startswith(own)
    assert magic.read_bytes().count(b"# >>> skosh") == 1
    assert stat.S_IMODE(magic.stat().st_mode) == 0o600
    assert call("desktop", "uninstall").exit_code == 0
    assert magic.read_bytes() == own
    assert stat.S_IMODE(magic.stat().st_mode) == 0o600


@pytest.mark.parametrize("own", [b"0 string ABC mine\n", b"0 string ABC no end"])
def test_lines_that_were_added_to_magic_later_stay_lines(home: Path, own: bytes) -> None:
    magic = home / ".magic"
    magic.write_bytes(own)
    call("desktop", "install")
    with magic.open("ab") as file:
        file.write(b"0 string DEF later\n")
    call("desktop", "uninstall")
    assert magic.read_bytes() == own.rstrip(b"\n") + b"\n0 string DEF later\n"


def test_a_link_to_magic_stays_a_link(home: Path) -> None:
    kept = home / "dotfiles"
    kept.write_bytes(b"")
    (home / ".magic").symlink_to(kept)
    call("desktop", "install")
    assert MAGIC in kept.read_text()
    call("desktop", "uninstall")
    assert (home / ".magic").is_symlink()
    assert kept.read_bytes() == b""


def test_half_a_pair_of_marks_stops_before_anything_is_written(home: Path) -> None:
    (home / ".magic").write_bytes(b"# >>> skosh desktop install >>>\n0 string ABC mine\n")
    before = tree(home)
    for command in ("install", "uninstall"):
        done = call("desktop", command)
        assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
        assert f"{home}/.magic: one of the lines" in done.stderr
    assert tree(home) == before


def test_a_dry_run_shows_and_writes_nothing(home: Path) -> None:
    done = call("desktop", "install", "--dry-run")
    assert done.exit_code == 0
    assert list(home.iterdir()) == []
    call("desktop", "install")
    for path, content in tree(home).items():
        assert str(home / path) in done.stdout
        shown = MAGIC if path == ".magic" else content.decode()
        assert all(f"    {line}\n" in done.stdout for line in shown.splitlines())
    before = tree(home)
    done = call("desktop", "uninstall", "--dry-run")
    assert (done.stdout.count("would remove"), tree(home)) == (3, before)


def test_the_folder_of_data_is_where_the_environment_says(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
    call("desktop", "install")
    assert set(tree(home)) == {".magic", "data/mime/packages/skosh.xml", "data/thumbnailers/skosh.thumbnailer"}
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    assert f"{home}/.local/share/mime" in call("desktop", "install", "--dry-run").stdout


def test_files_of_somebody_else_are_neither_replaced_nor_removed(home: Path) -> None:
    theirs = home / ".local/share/thumbnailers/skosh.thumbnailer"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("[Thumbnailer Entry]\n")
    done = call("desktop", "install")
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
    assert f"{theirs} is there" in done.stderr
    assert call("desktop", "uninstall").exit_code == 0
    assert tree(home) == {".local/share/thumbnailers/skosh.thumbnailer": b"[Thumbnailer Entry]\n"}


def test_without_the_program_for_the_database_it_is_said_what_to_do(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(home))
    done = call("desktop", "install")
    assert done.exit_code == 0
    assert f"until update-mime-database {home}/.local/share/mime runs" in done.stderr
    assert not (home / ".local/share/mime/mime.cache").exists()


@needs("update-mime-database")
def test_a_database_that_can_t_be_made_is_a_failure(home: Path) -> None:
    (home / ".local/share/mime/packages").mkdir(parents=True)
    (home / ".local/share/mime/packages/broken.xml").write_text("<mime-info")
    (home / ".local/share/mime/globs2.new").mkdir()  # in the way of what it writes
    done = call("desktop", "install")
    assert done.exit_code == 1
    assert "skosh: update-mime-database failed: " in done.stderr


def test_the_system_s_own_magic_is_changed_only_where_there_is_one(home: Path, system: Path) -> None:
    done = call("desktop", "install", "--system")
    assert done.exit_code == 0
    assert "etc-magic is not there" in done.stderr
    assert not (system / "etc-magic").exists()
    assert (system / "share/thumbnailers/skosh.thumbnailer").stat().st_mode & 0o444 == 0o444
    (system / "etc-magic").write_bytes(b"")
    call("desktop", "install", "--system")
    assert MAGIC in (system / "etc-magic").read_text()
    assert list(home.iterdir()) == []
    call("desktop", "uninstall", "--system")
    assert (system / "etc-magic").read_bytes() == b""
    assert [path for path in tree(system / "share") if "skosh" in path] == []


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="takes root to be somebody else")
def test_who_may_not_write_is_told_how_in_one_line(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        monkeypatch.setattr(places, "SYSTEM_SHARE", Path(folder))
        monkeypatch.setattr(places, "SYSTEM_MAGIC", Path(folder, "etc-magic"))
        os.seteuid(65534)
        try:
            done = call("desktop", "install", "--system")
        finally:
            os.seteuid(0)
        assert os.listdir(folder) == []
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
    assert "Permission denied" in done.stderr
    assert "sudo" in done.stderr


@pytest.mark.parametrize(("platform", "name"), [("darwin", "macOS"), ("win32", "Windows")])
def test_elsewhere_there_is_nothing_to_install(
    home: Path, monkeypatch: pytest.MonkeyPatch, platform: str, name: str
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    for command in ("install", "uninstall"):
        done = call("desktop", command)
        assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
        assert f"nothing to install on {name}" in done.stderr
    assert list(home.iterdir()) == []


def test_the_entry_names_the_command_by_its_whole_path(home: Path) -> None:
    call("desktop", "install")
    entry = configparser.RawConfigParser()
    entry.optionxform = str  # type: ignore[assignment,method-assign]
    entry.read(home / ".local/share/thumbnailers/skosh.thumbnailer")
    section = entry["Thumbnailer Entry"]
    assert section["TryExec"] == str(COMMAND)
    assert shlex.split(section["Exec"]) == [str(COMMAND), "thumbnail", "--size", "%s", "%i", "%o"]
    assert section["MimeType"] == f"{TYPE};"


@pytest.mark.parametrize("name", ["plain", "a b", "100%i", "$HOME", 'q"', "q'", "`id`", "a\\b", ";", "é", "~", "#"])
def test_any_path_comes_out_of_quotes_as_it_was(tool: Tool, name: str) -> None:
    found = tool("sh", "-c", f"printf %s {quoted(f'/opt/{name}/skosh')}")
    assert found.replace("%%", "%") == f"/opt/{name}/skosh"
    assert "%" not in found.replace("%%", "")


@pytest.mark.parametrize("name", ["a\nExec=b", "a\tb", "\udcff", "\x1b"])
def test_a_path_that_no_entry_can_hold_is_refused(name: str) -> None:
    with pytest.raises(SkoshError, match="can't stand in"):
        thumbnailer(f"/opt/{name}/skosh")


def test_the_command_that_runs_is_the_one_that_is_written(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = home / "bin" / "skosh"
    link.parent.mkdir()
    link.symlink_to(COMMAND)
    monkeypatch.setattr(sys, "argv", [str(link)])
    assert places.own_command() == str(link)
    monkeypatch.setattr(sys, "argv", [str(home / "bin" / "gone" / "skosh")])
    assert places.own_command() == str(COMMAND)


def test_a_program_that_hangs_is_not_waited_for(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = home / "bin" / changes.UPDATE
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(changes, "PATIENCE", 0.2)
    done = call("desktop", "install")
    assert done.exit_code == 1
    assert "timed out" in done.stderr
