"""Tokens of an item's columns: items that share rare tokens are similar.

No declaration is needed. A value yields a token as a whole, one per part if it is a list or joined with `|`, and one
per word if it has several. A number yields a token by its size. Tokens that occur in only one item or in all items
carry no information, and the callers that weight tokens ignore them.
"""

from __future__ import annotations

import functools
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

STEPS_PER_DOUBLING = 2
"""Numbers within a factor of 2 ** (1 / 2) of each other mostly have the same token: prices of one class."""

MOST_CHARACTERS = 2_000
"""Maximum characters of a text; later ones are ignored."""

_TEXTS_KEPT = 1 << 15
"""Texts of a column whose tokens are cached: a catalogue repeats its categories, brands and sizes."""

_WORD = re.compile(r"[^\W_]+")


def item_tokens(properties: Mapping[str, Any]) -> frozenset[str]:
    """Return the tokens of an item.

    Parameters
    ----------
    properties
        Metadata columns by name. Values other than strings, numbers, booleans and lists of them are left out.

    Examples
    --------
    >>> sorted(item_tokens({"brand": "Acme", "tags": "red|Blue", "price": 8, "title": "The red pen"}))
    ['brand=acme', 'price~6', 'tags=blue', 'tags=red', 'title:pen', 'title:red', 'title:the', 'title=the red pen']
    """
    return frozenset(token for column, value in properties.items() for token in _tokens(column, value))


def _tokens(column: str, value: Any) -> Iterator[str]:
    if isinstance(value, bool):
        yield f"{column}={value}".lower()
    elif isinstance(value, int | float):
        if value > 0 and math.isfinite(value):
            yield f"{column}~{round(STEPS_PER_DOUBLING * math.log2(value))}"
        else:
            yield f"{column}~{'0' if value == 0 else '-'}"
    elif isinstance(value, str):
        for part in value[:MOST_CHARACTERS].split("|"):
            yield from _of_text(column, part)
    elif isinstance(value, list):
        for element in value:
            if not isinstance(element, list):
                yield from _tokens(column, element)


@functools.lru_cache(_TEXTS_KEPT)
def _of_text(column: str, text: str) -> tuple[str, ...]:
    words = _WORD.findall(_folded(text))
    if len(words) < 2:
        return tuple(f"{column}={word}" for word in words)
    return f"{column}={' '.join(words)}", *(f"{column}:{word}" for word in words)


def _folded(text: str) -> str:
    """Return the text without case and accents."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(character for character in decomposed if not unicodedata.combining(character))
