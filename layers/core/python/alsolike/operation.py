"""What a route of the API is, and which scopes there are."""

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
        Method and path, as the route is called.
    scopes
        Of which a token has to have one; none where it has to be a session's.
    answer
        The name of what is answered, in `answer_schemas.ANSWERS`.
    errors
        The statuses of the errors that the route has beside those that all have.
    headers
        Of the answer, in `answer_schemas.HEADERS`.
    status
        Of the answer.
    body
        What the body holds, and what that is called.
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
