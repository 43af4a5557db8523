"""Gather the pages of the documentation site in build/pages, for ``make docs``.

Pages of docs/ and the few that stand elsewhere, with their relative links turned to where each page stands on the site.
A link to a file of the repository that is no page takes that file along; one to a folder gets a page that lists it.
scripts/gallery.py comes first.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "build" / "pages"
ELSEWHERE = {  # pages outside of docs/, and their names on the site
    "README.md": "index.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changes.md",
    "web/README.md": "browser.md",
    "spec/vectors/README.md": "vectors.md",
    "src/skosh/models/README.md": "models.md",
}
GALLERY = ROOT / "build" / "gallery"
GALLERY_MARK = "<!-- gallery -->\n"
FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]+`")
LINK = re.compile(r"(?<=\]\()([^)\s]+)(?=\))")


def main() -> None:
    shutil.rmtree(PAGES, ignore_errors=True)
    homes = homes_of_pages()
    taken: dict[Path, Path] = {}
    for source, home in homes.items():
        target = PAGES / home
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(with_links(source, home, homes, taken))
    for source, home in taken.items():
        take(source, PAGES / home)
    shutil.copytree(ROOT / "docs" / "assets", PAGES / "assets")
    add_gallery(PAGES / "gallery.md")
    print(f"{len(homes)} pages and {len(taken)} other files in {PAGES.relative_to(ROOT)}")


def homes_of_pages() -> dict[Path, Path]:
    """Return where each page stands on the site, by its file in the repository."""
    docs = ROOT / "docs"
    homes = {path: path.relative_to(docs) for path in sorted(docs.rglob("*.md"))}
    return homes | {ROOT / path: Path(home) for path, home in ELSEWHERE.items()}


def with_links(source: Path, home: Path, homes: dict[Path, Path], taken: dict[Path, Path]) -> str:
    """Return a page's text with its links turned. Files and folders that it links to are added to ``taken``."""

    def turned(found: re.Match[str]) -> str:
        path, mark, place = found[0].partition("#")
        if not path or "://" in path:
            return found[0]
        target = Path(os.path.normpath(source.parent / path))
        if not target.exists():
            raise SystemExit(f"site_pages: {source.relative_to(ROOT)} links to {path}, which is not there")
        there = homes.get(target) or taken.setdefault(target, home_of(target))
        return Path(os.path.relpath(there, home.parent)).as_posix() + mark + place

    text = source.read_text()
    pieces, end = [], 0
    for code in code_in(text):
        pieces += [LINK.sub(turned, text[end : code.start()]), code[0]]
        end = code.end()
    return "".join([*pieces, LINK.sub(turned, text[end:])])


def code_in(text: str) -> list[re.Match[str]]:
    """Return blocks and pieces of code, in which nothing is a link, from first to last."""
    blocks = list(FENCE.finditer(text))
    pieces = [one for one in CODE.finditer(text) if not any(b.start() <= one.start() < b.end() for b in blocks)]
    return sorted([*blocks, *pieces], key=lambda one: one.start())


def home_of(target: Path) -> Path:
    """Return where a file or the page of a folder stands on the site: as in docs/, else as in the repository."""
    home = target.relative_to(ROOT / "docs" if target.is_relative_to(ROOT / "docs") else ROOT)
    return home / "index.md" if target.is_dir() else home


def take(source: Path, target: Path) -> None:
    """Copy a file, or write the page of a folder with its files beside it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_file():
        shutil.copyfile(source, target)
        return
    files = sorted(path for path in source.iterdir() if path.is_file())
    rows = [f"| [{file.name}]({file.name}) | {file.stat().st_size:,} |" for file in files]
    target.write_text("\n".join([f"# {source.relative_to(ROOT)}", "", "| file | bytes |", "| --- | ---: |", *rows, ""]))
    for file in files:
        shutil.copyfile(file, target.parent / file.name)


def add_gallery(page: Path) -> None:
    """Put the pictures and the text of scripts/gallery.py where the page has its mark."""
    piece = GALLERY / "gallery.md"
    if not piece.is_file():
        raise SystemExit("site_pages: there is no gallery; run scripts/gallery.py")
    before, mark, after = page.read_text().partition(GALLERY_MARK)
    if not mark:
        raise SystemExit(f"site_pages: docs/gallery.md has no {GALLERY_MARK}")
    page.write_text(before + piece.read_text() + after)
    shutil.copytree(GALLERY, PAGES / "gallery", ignore=shutil.ignore_patterns("*.md"))


if __name__ == "__main__":
    main()
