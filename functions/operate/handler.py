"""Handler of the operator's routes in `functions.operate.routes`."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Mapping
from typing import Any

from alsolike.api.handler import api_handler
from alsolike.runtime.aws import client
from alsolike.runtime.errors import InvalidBundle, Unavailable
from alsolike.runtime.http import respond, route_key
from alsolike.runtime.settings import from_environment
from functions.operate.request import OperatorRequest
from functions.operate.routes import STARTED, Route, routes
from functions.operate.settings import Settings

CALL_TIMEOUT_S = 5
ATTEMPTS = 4
"""Maximum number of attempts per call. SageMaker throttles callers that request many packages."""
PREVIEW_TIMEOUT_S = 24
"""Timeout of a preview in seconds. A new process takes several seconds to load the champion, and the API waits 30 s."""


@functools.cache
def _routes() -> Mapping[str, Route]:
    clients = {
        service: client(service, read_timeout_s=CALL_TIMEOUT_S, attempts=ATTEMPTS)
        for service in ("s3", "sagemaker", "stepfunctions", "logs", "secretsmanager")
    }
    lambda_ = client("lambda", read_timeout_s=PREVIEW_TIMEOUT_S, attempts=1)
    return routes(from_environment(Settings, os.environ), lambda_=lambda_, **clients)


@api_handler(Settings)
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    request = OperatorRequest(event, time.time_ns() // 1_000_000, context.get_remaining_time_in_millis)
    try:
        key = route_key(event)
        return respond(_routes()[key](request), status=202 if key in STARTED else 200)
    except InvalidBundle as error:  # The message names the unreadable object to the operator.
        raise Unavailable(str(error)) from error
