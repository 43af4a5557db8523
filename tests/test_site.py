"""The documentation site: what is generated or listed is complete, links are turned right, and wrong ones are found."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pytest
from PIL import Image

import skosh

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))


def test_the_page_of_options_is_that_of_the_commands() -> None:
    import options

    assert options.PAGE.read_text() == options.page(), "run scripts/options.py"
    assert options.page().count("\n## skosh") >= 8


def test_the_page_of_the_api_has_every_public_name() -> None:
    named = re.findall(r"^::: skosh\.([\w.]+)$", (ROOT / "docs/api.md").read_text(), re.MULTILINE)
    assert sorted(named) == sorted([*skosh.__all__, "bundle.load"])


def test_the_page_of_installing_has_every_extra() -> None:
    extras = (ROOT / "pyproject.toml").read_text().partition("[project.optional-dependencies]\n")[2].partition("\n[")[0]
    named = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/install.md").read_text(), re.MULTILINE)
    assert sorted(named) == sorted(re.findall(r"^(\w+) = \[", extras, re.MULTILINE))


def test_the_navigation_has_every_page_once() -> None:
    import site_pages

    nav = (ROOT / "mkdocs.yml").read_text().partition("\nnav:\n")[2]
    named = re.findall(r"([\w/-]+\.md)$", nav, re.MULTILINE)
    homes = [home.as_posix() for home in site_pages.homes_of_pages().values()]
    assert sorted(named) == sorted([*homes, "runs/index.md"])


def test_links_are_turned_to_where_pages_and_files_stand_on_the_site() -> None:
    import site_pages

    homes = site_pages.homes_of_pages()
    taken: dict[Path, Path] = {}

    def turned(page: str) -> str:
        return site_pages.with_links(ROOT / page, homes[ROOT / page], homes, taken)

    assert "](commands.md)" in turned("README.md")
    assert "](security.md)" in turned("README.md")
    assert "](../index.md#what--q-gives)" in turned("docs/guides/sizes.md")
    assert "](runs/index.md)" in turned("docs/experiments.md")
    assert taken[ROOT / "docs/runs"] == Path("runs/index.md")


def test_what_stands_in_code_is_no_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import site_pages

    monkeypatch.setattr(site_pages, "ROOT", tmp_path)
    page = tmp_path / "a.md"
    (tmp_path / "b.md").touch()
    homes = {page: Path("deep/a.md"), tmp_path / "b.md": Path("b.md")}
    page.write_text("[`b`](b.md#x) `[c](c.md)`\n```\n[d](d.md)\n```\n[e](https://e)\n")
    expected = "[`b`](../b.md#x) `[c](c.md)`\n```\n[d](d.md)\n```\n[e](https://e)\n"
    assert site_pages.with_links(page, homes[page], homes, {}) == expected
    page.write_text("[c](c.md)")
    with pytest.raises(SystemExit, match=r"a.md links to c.md"):
        site_pages.with_links(page, homes[page], homes, {})


def test_wrong_links_of_the_built_site_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import links

    monkeypatch.setattr(sys, "argv", ["links.py", str(tmp_path)])
    (tmp_path / "b").mkdir()
    (tmp_path / "b/index.html").write_text('<h1 id="here">B</h1><img src="../p.jpg"><a href="/">home</a>')
    (tmp_path / "p.jpg").touch()
    right = '<a href="b/#here">1</a><a href="b/index.html">2</a><a href="#">3</a><a href="https://e.org/x">4</a>'
    (tmp_path / "index.html").write_text(right)
    links.main()
    wrong = '<a href="b/#gone">1</a><a href="c/">2</a><script src="//e.org/x.js"></script><img src="../q.jpg">'
    (tmp_path / "index.html").write_text(
        wrong + '<link rel="stylesheet" href="https://e.org/x.css"><link rel="canonical" href="https://e.org">'
    )
    with pytest.raises(SystemExit):
        links.main()
    told = capsys.readouterr().out.splitlines()
    assert told == [
        "index.html: b/#gone: there is no such place",
        "index.html: c/ leads nowhere",
        "index.html: loads //e.org/x.js",
        "index.html: ../q.jpg leads nowhere",
        "index.html: loads https://e.org/x.css",
    ]


def test_the_gallery_shows_avif_of_no_more_bytes_and_nearly_as_many(photo: Image.Image) -> None:
    import gallery

    image = photo.crop((100, 60, 228, 156))
    versions = gallery.versions_of(image, 60)
    assert [version.label for version in versions] == ["original", "skosh, natural", "skosh, faithful", "AVIF"]
    ours, theirs = versions[2].size, versions[3].size
    assert 0.8 * ours < theirs <= ours
    text = gallery.section("cat", versions)
    assert text.count("](gallery/cat-") == 4
    assert f"| AVIF | {theirs:,} |" in text
    smallest = gallery.avif_of_size(image, 1)
    assert Image.open(io.BytesIO(smallest)).size == image.size
