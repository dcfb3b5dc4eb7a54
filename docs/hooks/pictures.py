"""Charts and pictures of the site's pages: mkdocs calls `on_page_markdown`.

`<!-- chart: SECTION | COLUMN | ROW, ROW -->` becomes a bar chart of a table that a benchmark wrote between the marks of
SECTION in the same page. Without rows, all rows with a number have a bar. `<!-- picture: NAME | TEXT -->` becomes the
picture that `make docs WHAT=images` wrote, in light and in dark; nothing without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.structure.pages import Page

IMAGES = Path(__file__).parents[1] / "images"
_ROW, _LABEL, _LENGTH = 22, 300, 380
"""Height of a row, and widths of labels and of the longest bar."""

_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
CHART = re.compile(r"<!-- chart: ([^|]+?) \| ([^|]+?)(?: \| ([^|]+?))? -->")
_PICTURE = re.compile(r"<!-- picture: ([\w-]+) \| ([^|]+?) -->")


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Replace the marks of charts and pictures in a page."""
    with_charts = CHART.sub(lambda mark: chart(markdown, mark[1], mark[2], (mark[3] or "").split(", ")), markdown)
    up = "../" * page.file.src_uri.count("/")
    return _PICTURE.sub(lambda mark: picture(mark[1], mark[2], folder=f"{up}images"), with_charts)


def chart(markdown: str, section: str, column: str, rows: list[str]) -> str:
    """Return an SVG bar chart of a column in the first table of a section, in the colours of the theme."""
    body = markdown.partition(f"<!-- {section}: begin -->")[2].partition(f"<!-- {section}: end -->")[0]
    bars = [(label, number) for label, number in _bars(body, column) if rows == [""] or label in rows]
    if not bars:
        raise ValueError(f"section {section!r} has no column {column!r} with numbers of the rows {rows}")
    maximum, title = max(number for _, number in bars), escape(f"{section}: {column}")
    lines = [
        f'<svg class="chart" viewBox="0 0 760 {_ROW * len(bars)}" role="img" aria-label="{title}" font-size="13"'
        ' fill="currentColor">'
    ]
    for index, (label, number) in enumerate(bars):
        top, length = _ROW * index, 1 + _LENGTH * number / maximum
        lines += [
            f'<text x="{_LABEL}" y="{top + 16}" text-anchor="end">{escape(label)}</text>',
            f'<rect x="{_LABEL + 8}" y="{top + 3}" width="{length:.1f}" height="{_ROW - 6}"'
            ' fill="var(--md-primary-fg-color)"/>',
            f'<text x="{_LABEL + 14 + length:.1f}" y="{top + 16}">{number:,g}</text>',
        ]
    return "\n".join([*lines, "</svg>"])


def _bars(body: str, column: str) -> Iterator[tuple[str, float]]:
    """Yield each row's label and number; a table ends with its first line without cells."""
    header: list[str] = []
    for line in body.strip().splitlines():
        cells = [cell.strip().replace("*", "") for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            if header:
                return
        elif not header:
            header = cells
        elif column in header and (found := _NUMBER.match(cells[header.index(column)])):
            yield cells[0], float(found[0].replace(",", ""))


def picture(name: str, text: str, *, folder: str) -> str:
    """Return the images of a picture; the theme shows the one of its colour scheme."""
    files = {"": f"{name}.svg"} if (IMAGES / f"{name}.svg").exists() else {}
    files = files or {"#only-light": f"{name}.png", "#only-dark": f"{name}-dark.png"}
    return "\n".join(
        f"![{text}]({folder}/{file}{scheme})" for scheme, file in files.items() if (IMAGES / file).exists()
    )
