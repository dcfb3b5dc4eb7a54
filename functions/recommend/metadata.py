"""Metadata columns of an answer, as Personalize has them: strings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson


def metadata(properties: Mapping[str, Any], columns: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return the columns that an item has.

    Parameters
    ----------
    columns
        The name to answer with, and the property.
    """
    return {name: _text(properties[key]) for name, key in columns if properties.get(key) is not None}


def _text(value: Any) -> str:
    """Return a value as a string, lists with `|` between."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "|".join(map(_text, value))
    return orjson.dumps(value).decode()
