"""Decisions of authorizers: the caller's identity, or the response to a rejected request."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from local_cloud.gateway.request import ApiContext
from local_cloud.gateway.routes import Match
from local_cloud.http_server import HttpRequest, HttpResponse


@dataclass(frozen=True, slots=True)
class Admission:
    """Admission of a request.

    `context` becomes `requestContext.authorizer` of the event, and `variables` become `$context.authorizer.*` of the
    access log.
    """

    context: Mapping[str, Any]
    variables: Mapping[str, Any]


class RefusedError(Exception):
    """Error for a rejected request. Its message is for the access log, and its response is for the caller."""

    def __init__(self, response: HttpResponse, reason: str) -> None:
        self.response = response
        super().__init__(reason)


class Authorizer(Protocol):
    def admit(self, request: HttpRequest, api: ApiContext, match: Match) -> Admission:
        """Return the identity of the caller, or raise RefusedError."""
