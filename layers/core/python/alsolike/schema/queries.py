"""Query strings as declared fields, and pagination of lists."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from alsolike.declarations.limits import MAX_PAGE_SIZE
from alsolike.declarations.shared_defaults import DEFAULT_PAGE_SIZE
from alsolike.runtime.errors import InvalidInput
from alsolike.schema.fields import Field, Fields, Flag, Integer, ListOf, MapOf, Text

_WHOLE = re.compile(r"-?[0-9]{1,18}")
_ENTRY = re.compile(r"([^\[\]]+)\[(.*)\]", re.DOTALL)


def read_query(event: Mapping[str, Any], fields: Fields) -> dict[str, Any]:
    """Return the parameters of an HTTP API request's query.

    Elements of a list are separated by commas (`metadata=TITLE,PRICE`). Each entry of a map is a separate parameter
    (`filterValues[PRICE]=5`, OpenAPI's `deepObject`).
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
    """Convert a parameter to the type of the field. An unreadable value remains a string, which the field rejects."""
    if isinstance(field, Integer) and _WHOLE.fullmatch(text):
        return int(text)
    if isinstance(field, Flag):
        return {"true": True, "false": False}.get(text, text)
    if isinstance(field, ListOf):
        return text.split(",") if text else []
    return text


_MAX_KEY_BYTES = 2048  # DynamoDB's limit.

MAX_TOKEN_CHARACTERS = 2732
"""Maximum length of a token for the longest key. Base64 encodes three bytes as four characters."""

_NEXT_TOKEN = Text(MAX_TOKEN_CHARACTERS, about="Token from the previous page; absent for the first page.")

NEXT = Fields({"nextToken": _NEXT_TOKEN})

PAGE = Fields(
    {
        "limit": Integer(1, MAX_PAGE_SIZE, DEFAULT_PAGE_SIZE, about="Maximum number of rows per page."),
        "nextToken": _NEXT_TOKEN,
    }
)


def token_of_row(row_id: str) -> str:
    """Return the token of the page that starts after a row."""
    return base64.urlsafe_b64encode(row_id.encode()).decode()


def row_of_token(token: str) -> str:
    try:
        row_id = base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except ValueError as error:
        raise InvalidInput(f"nextToken is {token!r}, expected one that this list returned") from error
    if not row_id or len(row_id.encode()) > _MAX_KEY_BYTES:
        raise InvalidInput(f"nextToken is {token!r}, expected one that this list returned")
    return row_id
