"""What is in folders beside pictures: links to other folders, and what macOS leaves there."""

from __future__ import annotations

from pathlib import Path

from PIL import Image
from typer.testing import CliRunner

from skosh.batch.plan import below, plan
from skosh.cli import app
from skosh.files import APPLE_DOUBLE, SKOSH

PNG = {".png"}


def tree(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    return root


def names(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in below(folder, PNG)]


def test_what_macos_keeps_beside_a_picture_is_no_picture(tmp_path: Path) -> None:
    tree(tmp_path, "a.png", "._mine.png", "__MACOSX/b.png")
    for name in ("._a.png", "__MACOSX/._b.png"):
        (tmp_path / name).write_bytes(APPLE_DOUBLE + b"\0\2\0\0Mac OS X        ")
    assert names(tmp_path) == ["._mine.png", "__MACOSX/b.png", "a.png"]


def test_a_folder_with_what_macos_keeps_goes_through_without_a_failure(tmp_path: Path, photo: Image.Image) -> None:
    (tmp_path / "in").mkdir()
    photo.crop((0, 0, 32, 24)).save(tmp_path / "in/a.png")
    (tmp_path / "in/._a.png").write_bytes(APPLE_DOUBLE + bytes(100))
    done = CliRunner().invoke(app, ["compress", str(tmp_path / "in"), "-o", str(tmp_path / "out")])
    assert done.exit_code == 0, done.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.skosh"]
    done = CliRunner().invoke(app, ["compress", str(tmp_path / "in/._a.png")])
    assert done.exit_code == 1
    assert "what macOS keeps beside one (AppleDouble)" in done.stderr


def test_linked_folders_count_as_folders_do(tmp_path: Path) -> None:
    tree(tmp_path, "album/a.png", "elsewhere/b.png", "elsewhere/deep/c.png")
    (tmp_path / "album/more").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert names(tmp_path / "album") == ["a.png", "more/b.png", "more/deep/c.png"]
    jobs = plan([tmp_path / "album"], tmp_path / "out", PNG, SKOSH)
    assert jobs[1].target == tmp_path / "out/more/b.skosh"


def test_linked_folders_in_a_circle_end_and_no_picture_counts_twice(tmp_path: Path) -> None:
    tree(tmp_path, "album/a.png", "album/sub/b.png", "other/c.png")
    for link, target in (
        ("album/again", "album/sub"),  # there already
        ("album/sub/up", "album"),
        ("album/itself", "album"),
        ("album/above", "."),  # everything, the album among it
        ("album/one", "other"),
        ("album/two", "other"),
        ("other/back", "album"),
        ("album/loop", "album/loop"),
    ):
        (tmp_path / link).symlink_to(tmp_path / target, target_is_directory=True)
    assert names(tmp_path / "album") == ["a.png", "one/c.png", "sub/b.png"]


def test_a_linked_folder_that_holds_the_folder_of_another_link_gives_each_picture_once(tmp_path: Path) -> None:
    tree(tmp_path, "album/a.png", "other/b.png", "other/deep/c.png")
    (tmp_path / "album/deep").symlink_to(tmp_path / "other/deep", target_is_directory=True)
    (tmp_path / "album/whole").symlink_to(tmp_path / "other", target_is_directory=True)
    assert names(tmp_path / "album") == ["a.png", "deep/c.png", "whole/b.png"]


def test_a_folder_that_is_named_by_a_link_is_walked_as_itself(tmp_path: Path) -> None:
    tree(tmp_path, "album/a.png", "album/sub/b.png")
    (tmp_path / "link").symlink_to(tmp_path / "album", target_is_directory=True)
    assert names(tmp_path / "link") == ["a.png", "sub/b.png"]
