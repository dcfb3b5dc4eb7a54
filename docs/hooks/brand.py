"""The product's colours and icon for the site: mkdocs calls `on_files`.

The colours are the console's, in `web/src/platform/theme.css`, so that the site follows them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

PLATFORM = Path(__file__).parents[2] / "web" / "src" / "platform"
STYLESHEET, ICON = "assets/brand.css", "assets/icon.svg"
_CONSOLE = re.compile(r':root\[data-page="console"\] \{(.*?)\n\}', re.DOTALL)
_COLOUR = re.compile(r"--([\w-]+): light-dark\((#\w+), (#\w+)\);")

_PROPERTIES: Mapping[str, str] = {
    "primary-fg-color": "accent",
    "primary-fg-color--light": "accent",
    "primary-fg-color--dark": "accent",
    "primary-bg-color": "on-accent",
    "primary-bg-color--light": "on-accent",
    "accent-fg-color": "accent",
    "typeset-a-color": "accent",
    "default-bg-color": "raised",
    "default-fg-color": "ink",
    "default-fg-color--light": "faint",
    "code-bg-color": "ground",
    "footer-bg-color": "sunken",
    "footer-bg-color--dark": "sunken",
    "footer-fg-color": "ink",
    "footer-fg-color--light": "faint",
    "footer-fg-color--lighter": "faint",
}
"""Colours of the theme, after `--md-`, and the product's."""


_RULES = """\
.md-typeset h1, .md-typeset h2 { color: var(--md-default-fg-color); font-weight: 650; letter-spacing: -0.02em; }
/* In the dark, a header in the light accent would outshine the page. */
[data-md-color-scheme="slate"] {
  --md-primary-bg-color: var(--md-default-fg-color);
  --md-primary-bg-color--light: var(--md-default-fg-color--light);
}
[data-md-color-scheme="slate"] :is(.md-header, .md-tabs) { background-color: var(--md-default-bg-color); }
"""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the stylesheet and the icon."""
    from mkdocs.structure.files import File  # mkdocs is no dependency of the tests

    files.append(File.generated(config, STYLESHEET, content=stylesheet((PLATFORM / "theme.css").read_text())))
    files.append(File.generated(config, ICON, abs_src_path=str(PLATFORM / "icon.svg")))
    return files


def stylesheet(theme: str) -> str:
    """Return the theme's colours in light and dark from the product's design tokens.

    Raises
    ------
    ValueError
        If a token is missing.
    """
    console = _CONSOLE.search(theme)
    colours = {name: (light, dark) for name, light, dark in _COLOUR.findall(console[1] if console else "")}
    if missing := {*_PROPERTIES.values()} - colours.keys():
        raise ValueError(f"the console's tokens in theme.css lack {', '.join(sorted(missing))}, expected light-dark()")
    schemes = []
    for place, scheme in enumerate(("default", "slate")):
        lines = [f"  --md-{name}: {colours[token][place]};" for name, token in _PROPERTIES.items()]
        schemes.append("\n".join([f'[data-md-color-scheme="{scheme}"] {{', *lines, "}"]))
    return "\n".join([*schemes, _RULES])
