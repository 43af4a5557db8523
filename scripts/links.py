"""Check the built site: links and anchors lead somewhere, and no page loads anything from elsewhere.

Links to other sites are not followed.
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

LOADED = {"script": "src", "img": "src", "source": "src", "iframe": "src", "video": "src", "audio": "src"}
LOADED_KINDS = {"stylesheet", "icon", "preload", "modulepreload", "preconnect", "dns-prefetch", "manifest"}  # of <link>


class Link(NamedTuple):
    address: str
    loaded: bool  # by the browser, unasked


class Page(HTMLParser):
    """The links of a page and the places that a link can name."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[Link] = []
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what a tag links to, and its name."""
        given = {name: value or "" for name, value in attrs}
        self.places |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(Link(given["href"], False))
        elif tag == "link" and "href" in given:
            self.links.append(Link(given["href"], bool(LOADED_KINDS & set(given.get("rel", "").split()))))
        elif given.get(LOADED.get(tag, "")):
            self.links.append(Link(given[LOADED[tag]], True))


def main() -> None:
    site = Path(sys.argv[1] if len(sys.argv) > 1 else "site").resolve()
    pages = {path: Page(path.read_text()) for path in sorted(site.rglob("*.html"))}
    if not pages:
        raise SystemExit(f"links: no pages in {site}")
    wrong = [text for path, page in pages.items() for text in faults(site, path, page, pages)]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    count = sum(len(page.links) for page in pages.values())
    print(f"links: {len(pages)} pages, {count} links, {len(wrong)} of them wrong", file=sys.stderr)
    if wrong:
        raise SystemExit(1)


def faults(site: Path, path: Path, page: Page, pages: dict[Path, Page]) -> list[str]:
    """Return what is wrong with the links of a page."""
    name = path.relative_to(site)
    found = []
    for address, loaded in page.links:
        parts = urlsplit(address)
        if parts.scheme == "data" or (not loaded and (parts.scheme or parts.netloc)):
            continue
        if parts.scheme or parts.netloc:
            found.append(f"{name}: loads {address}")
            continue
        target = target_of(site, path, unquote(parts.path))
        if not target.is_file() or not target.is_relative_to(site):
            found.append(f"{name}: {address} leads nowhere")
        elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].places:
            found.append(f"{name}: {address}: there is no such place")
    return found


def target_of(site: Path, path: Path, address: str) -> Path:
    """Return the file that a path of an address means on a page. One that begins with a slash is the site's own."""
    if not address:
        return path
    target = (site / address.lstrip("/") if address.startswith("/") else path.parent / address).resolve()
    return target / "index.html" if target.is_dir() else target


if __name__ == "__main__":
    main()
