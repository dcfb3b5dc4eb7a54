"""A request to collect, as its routes see it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from alsolike.errors import InvalidInput
from alsolike.http import request_body
from alsolike.path_ids import path_id
from alsolike.session_tokens import Session, session_of

LARGEST_PAGE = 1000
USUAL_PAGE = 100


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """A request, and the time in which it has to be answered.

    Attributes
    ----------
    remaining_ms
        Says how much time is left.
    """

    event: Mapping[str, Any]
    now_ms: int
    remaining_ms: Callable[[], float]

    def body(self, *, maximum: int) -> bytes:
        """Return the body.

        Raises
        ------
        InvalidInput
            If it has more than `maximum` bytes, or cannot be read.
        """
        body = request_body(self.event)
        if len(body) > maximum:
            raise InvalidInput(f"body has {len(body)} bytes, expected at most {maximum}")
        return body

    def path_id(self, name: str) -> str:
        """Return the id in the path; see `alsolike.path_ids`."""
        return path_id(self.event, name)

    @property
    def session(self) -> Session:
        """Whom the token speaks for, on a route for browsers."""
        return session_of(self.event)

    @property
    def limit(self) -> int:
        """How many rows a page has at most.

        Raises
        ------
        InvalidInput
            If the query says something else than a number of rows.
        """
        text = self._query("limit")
        if text is None:
            return USUAL_PAGE
        if not text.isdecimal() or not text.isascii() or not 1 <= int(text[:9]) <= LARGEST_PAGE:
            raise InvalidInput(f"limit is {text[:80]!r}, expected 1 to {LARGEST_PAGE}")
        return int(text)

    @property
    def next_token(self) -> str | None:
        """Where a page begins; None for the first one."""
        return self._query("nextToken")

    def _query(self, name: str) -> str | None:
        value: str | None = (self.event.get("queryStringParameters") or {}).get(name)
        return value
