"""The documentation's indexes."""

import re
from pathlib import Path

DECISIONS = Path(__file__).parents[2] / "docs" / "adr"


def test_the_index_links_each_decision_once() -> None:
    links = re.findall(r"\| \d+ \| \[[^]]+\]\(([^)]+)\)", (DECISIONS / "README.md").read_text())

    assert links == sorted(page.name for page in DECISIONS.glob("0*.md"))
