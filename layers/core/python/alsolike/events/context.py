"""Context of an interaction, such as the device: the declared columns among its properties."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from alsolike.domain.columns import property_name

MAX_CHARACTERS = 40
"""A longer value counts as absent: with its context, an interaction fits in one write unit of the profile table."""


def context_of(properties: str | None, columns: Sequence[str]) -> str:
    """Return the context as a JSON object in a string; empty without a value.

    Training and serving both call it.

    Parameters
    ----------
    properties
        The interaction's, a JSON object in a string. Texts count in lower case, and booleans as texts.
    columns
        Names of the declared properties.

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
