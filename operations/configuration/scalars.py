"""Conversion from a position in a YAML scalar's value to the position in its source."""

from __future__ import annotations

import re

_PROPERTIES = re.compile(r"([!&]\S*\s+)*")
_CONTINUED = re.compile(r"(\\\r?\n[ \t]*)+")
_ESCAPE_DIGITS = {"x": 2, "u": 4, "U": 8}


def scalar_position(source: str, value: str, offset: int, *, style: str | None) -> int:
    """Return the position in `source` of the character `value[offset]`.

    The source can also contain quotes, escapes, a block header, line breaks and indentation.

    Parameters
    ----------
    style
        PyYAML's style: a quote, `|`, `>`, or None for a plain scalar.

    Examples
    --------
    >>> scalar_position("'it''s so'", "it's so", 5, style="'")
    7
    """
    position = _PROPERTIES.match(source).end()  # type: ignore[union-attr]
    if style in ("'", '"'):
        position += 1
    elif style:
        position = source.find("\n", position) + 1
    for wanted in value[:offset]:
        position = _skip_whitespace(source, position, wanted, style)
        position += _width(source, position, wanted, style)
    return min(_skip_whitespace(source, position, value[offset : offset + 1], style), len(source))


def _skip_whitespace(source: str, position: int, wanted: str, style: str | None) -> int:
    """Return the position after escaped line breaks, and after whitespace that the value does not contain."""
    if style == '"' and (continued := _CONTINUED.match(source, position)):
        position = continued.end()
    while wanted and not wanted.isspace() and source[position : position + 1].isspace():
        position += 1
    return position


def _width(source: str, position: int, wanted: str, style: str | None) -> int:
    """Return the number of source characters that represent the next character of the value."""
    if style == '"' and source[position : position + 1] == "\\":
        return 2 + _ESCAPE_DIGITS.get(source[position + 1 : position + 2], 0)
    if style == "'" and source.startswith("''", position):
        return 2
    return 0 if wanted.isspace() and not source[position : position + 1].isspace() else 1
