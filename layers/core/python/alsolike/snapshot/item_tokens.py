"""Tokens of an item's columns. Items that share rare tokens are similar.

Columns need no declaration. A text yields one token for the complete text, and one per word if it has several words. A
list, or a text with `|`, yields the tokens of each part. A number yields a token for its magnitude, and a boolean a
token for its value.
"""

from __future__ import annotations

import functools
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

STEPS_PER_DOUBLING = 2
"""Number of logarithmic bins per factor of 2. Numbers in the same bin, such as similar prices, have the same token."""

MAX_CHARACTERS = 2_000
"""Maximum number of characters of a text. Further characters are ignored."""

_TEXTS_KEPT = 1 << 15
"""Maximum number of texts whose tokens are cached. Categories, brands and sizes repeat in a catalogue."""

_WORD = re.compile(r"[^\W_]+")


def item_tokens(properties: Mapping[str, Any]) -> frozenset[str]:
    """Return the tokens of an item.

    Parameters
    ----------
    properties
        Metadata columns by name. Values other than strings, numbers, booleans and lists of these are ignored.

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
        for part in value[:MAX_CHARACTERS].split("|"):
            yield from _text_tokens(column, part)
    elif isinstance(value, list):
        for element in value:
            if not isinstance(element, list):
                yield from _tokens(column, element)


@functools.lru_cache(_TEXTS_KEPT)
def _text_tokens(column: str, text: str) -> tuple[str, ...]:
    words = _WORD.findall(_folded(text))
    if len(words) < 2:
        return tuple(f"{column}={word}" for word in words)
    return f"{column}={' '.join(words)}", *(f"{column}:{word}" for word in words)


def _folded(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(character for character in decomposed if not unicodedata.combining(character))
