"""Operations, errors and pages that all services of the memory cloud share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

ACCOUNT_ID = "123456789012"
REGION = "eu-west-1"

Request = Mapping[str, Any]
Response = dict[str, Any]
Handler = Callable[[Any, Request], Response]

_PARAMETERS = "_parameters"


class ServiceError(Exception):
    """Error response, which botocore raises as the client's `ClientError`."""

    def __init__(
        self, code: str, message: str, *, status: int = 400, error: Request | None = None, fields: Request | None = None
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.response: Response = {"Error": {"Code": code, "Message": message, **(error or {})}, **(fields or {})}


def operation(*parameters: str) -> Callable[[Handler], Handler]:
    """Mark a method that implements an operation with these parameters. Calls with other parameters fail the test."""

    def mark(handler: Handler) -> Handler:
        setattr(handler, _PARAMETERS, frozenset(parameters))
        return handler

    return mark


class MemoryService:
    """Service whose operations are the methods that `operation` marks."""

    def call(self, name: str, request: Request) -> Response:
        handler = getattr(self, name, None)
        parameters: frozenset[str] | None = getattr(handler, _PARAMETERS, None)
        if handler is None or parameters is None:
            raise NotImplementedError(f"{type(self).__name__} has no {name}. Add it.")
        if unknown := set(request) - parameters:
            raise NotImplementedError(f"{type(self).__name__}.{name} ignores {sorted(unknown)}. Implement them.")
        response: Response = handler(request)
        return response


def page(
    items: Sequence[Any], request: Request, *, size: str = "MaxResults", token: str = "NextToken", maximum: int = 100
) -> tuple[Sequence[Any], Response]:
    """Return the requested page of `items`, and the token of the next page if there is one."""
    start = int(request.get(token, 0))
    end = start + min(request.get(size, maximum), maximum)
    return items[start:end], {token: str(end)} if end < len(items) else {}
