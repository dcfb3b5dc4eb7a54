"""Query strings as declared fields: text becomes the number, the flag, the list or the map that a field holds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from alsolike.errors import InvalidInput
from alsolike.fields import Field, Fields, Flag, ListOf, MapOf, Whole

_WHOLE = re.compile(r"-?[0-9]{1,18}")
_ENTRY = re.compile(r"([^\[\]]+)\[(.*)\]", re.DOTALL)


def read_query(event: Mapping[str, Any], fields: Fields) -> dict[str, Any]:
    """Return the parameters of an HTTP API request's query.

    A list has commas between its elements (`metadata=TITLE,PRICE`); each entry of a map is a parameter of its own
    (`filterValues[PRICE]=5`, OpenAPI's `deepObject`).

    Raises
    ------
    InvalidInput
        If a field rejects its value.
    """
    given: dict[str, Any] = {}
    for name, text in (event.get("queryStringParameters") or {}).items():
        entry = _ENTRY.fullmatch(name)
        if entry is not None and isinstance(fields.fields.get(entry[1]), MapOf):
            given.setdefault(entry[1], {})[entry[2]] = text
        elif isinstance(fields.fields.get(name), MapOf):
            raise InvalidInput(f"{name} is {text[:80]!r}, expected entries such as {name}[NAME]=value")
        else:
            given[name] = _value(fields.fields.get(name), text)
    return fields.read(given)


def _value(field: Field | None, text: str) -> Any:
    """Return the text's value for the field; an unreadable text stays text, which the field rejects."""
    if isinstance(field, Whole) and _WHOLE.fullmatch(text):
        return int(text)
    if isinstance(field, Flag):
        return {"true": True, "false": False}.get(text, text)
    if isinstance(field, ListOf):
        return text.split(",") if text else []
    return text
