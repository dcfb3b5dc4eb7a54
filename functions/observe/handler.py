"""Handler of the operator's read-only routes, and of the metrics."""

from __future__ import annotations

import functools
import os
import time
from typing import Any

from alsolike.api.handler import api_handler
from alsolike.runtime.aws import client
from alsolike.runtime.http import respond_text
from alsolike.runtime.settings import from_environment
from functions.observe.routes import Routes, routes
from functions.observe.settings import Settings

CALL_TIMEOUT_S = 8
ATTEMPTS = 2
"""Maximum number of attempts of a call to AWS.

Attempts end before API Gateway's timeout, so the client gets a 503 with a message.
"""


@functools.cache
def _routes() -> Routes:
    clients = {
        service: client(service, read_timeout_s=CALL_TIMEOUT_S, attempts=ATTEMPTS)
        for service in ("cloudwatch", "s3", "dynamodb", "cloudformation")
    }
    return routes(from_environment(Settings, os.environ), **clients)


@api_handler(Settings)
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    now_ms = time.time_ns() // 1_000_000
    document, content_type = _routes().answer(event, now_ms=now_ms, remaining_ms=context.get_remaining_time_in_millis)
    return respond_text(document, content_type=content_type)
