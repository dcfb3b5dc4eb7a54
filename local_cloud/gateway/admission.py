"""Decisions of authorizers about a request: the caller's identity, or the response to a refused request."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from local_cloud.gateway.request import ApiContext, HttpRequest
from local_cloud.gateway.response import HttpResponse
from local_cloud.gateway.routes import Match


@dataclass(frozen=True, slots=True)
class Admission:
    """A request may pass.

    Attributes
    ----------
    context
        ``requestContext.authorizer`` of the event.
    variables
        What the access log knows as ``$context.authorizer.<name>``.
    """

    context: Mapping[str, Any]
    variables: Mapping[str, Any]


class RefusedError(Exception):
    """A request must not pass; the message is for the access log, the response for the caller."""

    def __init__(self, response: HttpResponse, reason: str) -> None:
        self.response = response
        super().__init__(reason)


class Authorizer(Protocol):
    """Authorizer of the requests to the routes that name it."""

    def admit(self, request: HttpRequest, api: ApiContext, match: Match) -> Admission:
        """Return whom a request speaks for.

        Raises
        ------
        RefusedError
            If it must not pass.
        """
