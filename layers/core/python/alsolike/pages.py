"""The query of routes that list rows page by page."""

from __future__ import annotations

from alsolike.fields import Fields, Text, Whole

LARGEST_PAGE = 1000
USUAL_PAGE = 100

MAX_TOKEN_CHARACTERS = 2732
"""DynamoDB's keys have up to 2,048 bytes; base64 makes four characters of three."""

PAGE = Fields(
    {
        "limit": Whole(1, LARGEST_PAGE, USUAL_PAGE, about="How many rows a page has at most."),
        "nextToken": Text(MAX_TOKEN_CHARACTERS, about="As the page before gave it; absent for the first one."),
    }
)
