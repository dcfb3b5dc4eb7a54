"""Decorator for handlers of API routes, and the check that read-only operators change nothing."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from alsolike.declarations.metrics import Metric
from alsolike.declarations.routes import BASIC_ROUTES, READING, SIGNED_ROUTES
from alsolike.runtime.errors import AlsolikeError, Forbidden, SignatureRefused
from alsolike.runtime.http import respond_error, route_key
from alsolike.runtime.observability import (
    CORRELATION_HEADER,
    count,
    count_shared,
    instrumented,
    invocation,
    log_refusal,
)
from alsolike.runtime.settings import from_environment
from alsolike.signing.key_pairs import KeyReader, key_reader
from alsolike.signing.signed_requests import admit, admit_basic

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]

READ_ONLY_GROUP = "read-only"
"""User pool group of the operators who may change nothing."""


def is_read_only(event: Mapping[str, Any]) -> bool:
    claims = ((event["requestContext"].get("authorizer") or {}).get("jwt") or {}).get("claims") or {}
    # API Gateway writes the list of groups as `[a b]`.
    return READ_ONLY_GROUP in str(claims.get("cognito:groups", "")).strip("[]").split()


def check_may_call(event: Mapping[str, Any]) -> None:
    key = route_key(event)
    if not key.startswith("GET ") and key not in READING and is_read_only(event):
        raise Forbidden(
            f"{key} is refused, because the operator is in the group {READ_ONLY_GROUP}. "
            "An administrator of the user pool can end the membership"
        )


def api_handler(settings: type[Any]) -> Callable[[Handler], Handler]:
    """Return a decorator for handlers of API routes. `settings` is the function's class `Settings`, which has a field
    `keys_table`.

    Direct invocations have no route. They reach the handler unchanged, and their errors fail the invocation.
    """

    @functools.cache
    def keys() -> KeyReader:
        return key_reader(from_environment(settings, os.environ).keys_table)

    def decorate(handler: Handler) -> Handler:
        @instrumented
        @functools.wraps(handler)
        def answering(event: dict[str, Any], context: Any) -> dict[str, Any]:
            if "routeKey" not in event:
                return handler(event, context)
            signed = event["routeKey"] in SIGNED_ROUTES
            if invocation.agent is not None:
                count_shared(Metric.AGENT_REQUESTS)
            try:
                if signed:
                    event = admit(event, keys(), now_s=time.time())
                elif event["routeKey"] in BASIC_ROUTES:
                    event = admit_basic(event, keys(), now_s=time.time())
                else:
                    check_may_call(event)
                response = handler(event, context)
            except AlsolikeError as error:
                if isinstance(error, SignatureRefused):
                    count_shared(Metric.SIGNATURES_REFUSED)
                else:
                    count(Metric.REQUESTS_REJECTED)
                log_refusal(error)
                response = respond_error(error)
            if signed:
                response["headers"]["x-amzn-requestid"] = event["requestContext"]["requestId"]
            if invocation.correlation_id is not None:
                response["headers"][CORRELATION_HEADER] = invocation.correlation_id
            return response

        return answering

    return decorate
