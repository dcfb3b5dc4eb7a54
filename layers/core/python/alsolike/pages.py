"""Paged lists of rows: their query, and the token of a page's start."""

from __future__ import annotations

import base64

from alsolike.errors import InvalidInput
from alsolike.fields import Fields, Text, Whole

LARGEST_PAGE = 1000
USUAL_PAGE = 100

_MAX_KEY_BYTES = 2048  # DynamoDB's

MAX_TOKEN_CHARACTERS = 2732
"""Maximum size of a token, for the longest key: base64 makes four characters of three bytes."""

_NEXT_TOKEN = Text(MAX_TOKEN_CHARACTERS, about="As the page before gave it; absent for the first one.")

NEXT = Fields({"nextToken": _NEXT_TOKEN})
"""The query of a list whose pages have no fixed length."""

PAGE = Fields(
    {
        "limit": Whole(1, LARGEST_PAGE, USUAL_PAGE, about="How many rows a page has at most."),
        "nextToken": _NEXT_TOKEN,
    }
)


def token_of_row(row_id: str) -> str:
    """Return the token of the page that follows a row."""
    return base64.urlsafe_b64encode(row_id.encode()).decode()


def row_of_token(token: str) -> str:
    """Return the row that a token's page follows.

    Raises
    ------
    InvalidInput
        If no list returned such a token.
    """
    try:
        row_id = base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except ValueError as error:
        raise InvalidInput(f"nextToken is {token!r}, expected one that this list returned") from error
    if not row_id or len(row_id.encode()) > _MAX_KEY_BYTES:
        raise InvalidInput(f"nextToken is {token!r}, expected one that this list returned")
    return row_id
