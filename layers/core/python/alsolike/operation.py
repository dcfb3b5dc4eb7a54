"""The class of the API's routes, and the scopes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from alsolike.fields import Fields
from alsolike.schemas import Schema

WRITE_EVENTS = "alsolike/events.write"
READ_RECOMMENDATIONS = "alsolike/recommendations.read"
ADMINISTER = "alsolike/admin"

SCOPES: Mapping[str, str] = {
    READ_RECOMMENDATIONS: "Ask for recommendations",
    WRITE_EVENTS: "Send events, items and users",
    ADMINISTER: "See, change and delete items and users, and see and operate the deployment",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Operation:
    """A route.

    Attributes
    ----------
    key
        Method and path, the name of the route.
    scopes
        A token must have one of them; empty if it must be a session's.
    answer
        The name of the response, in `answer_schemas.ANSWERS`.
    errors
        The statuses of the route's errors in addition to those of all routes.
    headers
        Of the response, in `answer_schemas.HEADERS`.
    status
        Of the response.
    body
        Name and schema of the body.
    """

    key: str
    name: str
    summary: str
    scopes: Sequence[str]
    answer: str
    errors: Sequence[int] = ()
    headers: Sequence[str] = ()
    status: int = 200
    body: tuple[str, Schema] | None = None
    query: Fields | None = None

    @property
    def method(self) -> str:
        """In upper case."""
        return self.key.partition(" ")[0]

    @property
    def path(self) -> str:
        """With its variables in braces."""
        return self.key.partition(" ")[2]
