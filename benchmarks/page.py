"""Generated sections of Markdown pages."""

from __future__ import annotations

from pathlib import Path


def write_section(page: Path, name: str, section: str) -> None:
    """Replace the text between the comments `NAME: begin` and `NAME: end` of a page."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, _, rest = page.read_text().partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"{page} has no marks {begin} and {end}")
    page.write_text(f"{before}{begin}\n{section}\n{end}{after}")
