"""Indexes and file names of the documentation."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DECISIONS = ROOT / "docs" / "adr"


def test_the_index_links_each_decision_once() -> None:
    links = re.findall(r"\| \d+ \| \[[^]]+\]\(([^)]+)\)", (DECISIONS / "README.md").read_text())

    assert links == sorted(page.name for page in DECISIONS.glob("0*.md"))


def test_the_files_to_change_exist() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    table = page[page.index("## Files to change") : page.index("## Failures")]
    paths = [path for path in re.findall(r"`([\w./]+)`", table) if "/" in path and not path.endswith("alsolike/")]
    core = ROOT / "layers" / "core" / "python"

    assert table.count("\n|") == 2 + 24
    assert [path for path in paths if not (ROOT / path).exists() and not (core / path).exists()] == []
