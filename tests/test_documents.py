"""The documents: links lead somewhere, experiments that are named exist, entries and the README stay short."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("docs", "src", "spec")
OTHERS = (ROOT / "fuzz/README.md", ROOT / "web/README.md")
DOCUMENTS = sorted({*ROOT.glob("*.md"), *OTHERS, *(page for name in FOLDERS for page in ROOT.glob(f"{name}/**/*.md"))})
ENTRY_WORDS = 150  # of an experiment, besides its tables
README_WORDS = 800  # besides its tables
REFERENCE = re.compile(r"experiments(?:\.md)?[`,)]*,? ((?:[0-9]+(?:, | and ))*[0-9]+)|experiment ([0-9]+)")


def prose(text: str) -> list[str]:
    """The words outside of tables and tags."""
    lines = [line for line in text.splitlines() if not line.startswith(("|", "<"))]
    return [word for word in " ".join(lines).split() if any(map(str.isalnum, word))]


def anchors(page: Path) -> set[str]:
    """The places of a page that a link can name, as GitHub makes them from its headings."""
    text = page.read_text()
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    made = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return made | set(re.findall(r'<a id="(\w+)"></a>', text))


def experiments() -> set[str]:
    """The numbers in the table of experiments."""
    return set(re.findall(r"^\| ([0-9]+b?) \|", (ROOT / "docs/experiments.md").read_text(), re.MULTILINE))


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_places_that_exist(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" in target:
            continue
        path, _, place = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        assert not place or place in anchors(found), target


def test_experiments_that_code_and_documents_name_are_in_the_table() -> None:
    known = experiments()
    named = 0
    for folder in ("src", "benchmarks", "scripts", "tests", "docs"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix not in (".py", ".yaml", ".md", ".sh"):
                continue
            for many, one in REFERENCE.findall(path.read_text()):
                numbers = re.findall(r"[0-9]+", many or one)
                named += len(numbers)
                assert known.issuperset(numbers), (path, numbers)
    assert named > 20


def test_every_entry_of_an_experiment_is_in_the_table_and_short() -> None:
    found = set()
    for page in sorted((ROOT / "docs/experiments").glob("*.md")):
        for entry in re.split(r'^<a id="', page.read_text(), flags=re.MULTILINE)[1:]:
            number, _, text = entry.partition('"')
            found.add(number)
            body = text.split("\n", 3)[3]
            assert len(prose(body)) <= ENTRY_WORDS, (page, number)
    assert found == experiments()
    assert {str(number) for number in range(1, 54)} <= found


def test_the_readme_is_short() -> None:
    assert len(prose((ROOT / "README.md").read_text())) <= README_WORDS


def test_what_the_readme_says_of_costs_was_measured() -> None:
    table = (ROOT / "README.md").read_text().partition("<!-- costs -->")[2].partition("<!-- end costs -->")[0]
    figures = re.findall(r"[0-9]+(?:\.[0-9]+)?", table.partition("---: |\n")[2])
    results = (ROOT / "docs/results.md").read_text()
    assert len(figures) > 30
    assert [figure for figure in figures if not re.search(rf"(?<![\d.]){re.escape(figure)}(?![\d.])", results)] == []
