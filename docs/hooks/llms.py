"""The site's `llms.txt`, an index for agents (https://llmstxt.org): mkdocs calls `on_nav` and `on_post_build`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.nav import Navigation

_NO_PROSE = re.compile(r"[#|<!>-]|```|\d+\. |Status: ")
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_SENTENCE_END = re.compile(r"(?<=[.:!?])\s")
_navigation: list[Navigation] = []


def on_nav(nav: Navigation, **_: Any) -> None:
    """Keep the navigation for the end of the build."""
    _navigation[:] = [nav]


def on_post_build(config: MkDocsConfig) -> None:
    """Write the index into the site."""
    lines = [f"# {config.site_name}", "", f"> {config.site_description}", *_lines(_navigation[0].items, level=2)]
    Path(config.site_dir, "llms.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _lines(items: list[Any], *, level: int) -> Iterator[str]:
    for item in items:
        if item.is_page:
            summary = first_sentence(item.markdown or "")
            yield f"- [{item.title}]({item.url}){f': {summary}' if summary else ''}"
    for item in items:
        if item.children:
            yield from ("", f"{'#' * level} {item.title}", "", *_lines(item.children, level=level + 1))


def first_sentence(markdown: str) -> str:
    """Return the first sentence of a page's text, without links.

    Examples
    --------
    >>> first_sentence("# Cost\\n\\nA [bill](bill.md) has three parts. Each of them varies.")
    'A bill has three parts.'
    """
    for block in markdown.split("\n\n"):
        text = " ".join(block.split())
        if text and not _NO_PROSE.match(text):
            return _SENTENCE_END.split(_LINK.sub(r"\1", text))[0]
    return ""
