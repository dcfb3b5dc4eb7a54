"""Handler of the routes for events, items, users and actions."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Mapping
from typing import Any

from alsolike.api.handler import api_handler
from alsolike.runtime.aws import client
from alsolike.runtime.http import route_key
from alsolike.runtime.observability import invocation
from alsolike.runtime.settings import from_environment
from functions.collect.request import CollectRequest
from functions.collect.routes import Route, routes
from functions.collect.settings import Settings

CALL_TIMEOUT_S = 4
ATTEMPTS = 2
"""Maximum number of attempts of a call to AWS.

The attempts of one call end before API Gateway's timeout, so the client gets a 503 with a message.
"""


@functools.cache
def _routes() -> Mapping[str, Route]:
    clients = {
        service: client(service, read_timeout_s=CALL_TIMEOUT_S, attempts=ATTEMPTS)
        for service in ("kinesis", "dynamodb", "s3", "secretsmanager")
    }
    return routes(from_environment(Settings, os.environ), **clients)


@api_handler(Settings)
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Return the response to a request. Routes that only write return `{}`, as PutEvents does in Personalize."""
    request = CollectRequest(
        event,
        time.time_ns() // 1_000_000,
        context.get_remaining_time_in_millis,
        invocation.correlation_id,
        invocation.agent,
    )
    return _routes()[route_key(event)](request)
