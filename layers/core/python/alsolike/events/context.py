"""Context of an interaction, such as the device. The configuration declares which properties belong to the context."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from alsolike.configuration.columns import property_name

MAX_CHARACTERS = 40
"""Maximum length of a value in characters. Longer values are ignored, so that the DynamoDB item of an interaction fits
into one write unit (1 KB)."""


def context_of(properties: str | None, columns: Sequence[str]) -> str:
    """Return the context as a JSON object in a string, or an empty string if the context has no values.

    Examples
    --------
    >>> context_of('{"DEVICE": "Phone", "size": 3}', ["device", "size"])
    '{"device":"phone"}'
    """
    if not columns or not properties or properties == "{}":
        return ""
    given = {property_name(name): value for name, value in orjson.loads(properties).items()}
    context = {name: text for name in columns if (text := _text(given.get(name)))}
    return orjson.dumps(context, option=orjson.OPT_SORT_KEYS).decode() if context else ""


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    return value.lower() if isinstance(value, str) and len(value) <= MAX_CHARACTERS else None
