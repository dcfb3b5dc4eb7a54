"""The routes of the operator's actions: model versions, trainings, previews of rules."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Mapping
from typing import Any

from alsolike.contract.http import respond, respond_error, route_key
from alsolike.runtime.aws import client
from alsolike.runtime.errors import AlsolikeError, InvalidBundle, Unavailable
from alsolike.runtime.observability import Metric, count, instrumented, log_refusal
from alsolike.runtime.settings import from_environment
from alsolike.signing.admission import accepts_signatures
from alsolike.signing.keys import KeyReader, key_reader
from functions.operate.request import OperatorRequest
from functions.operate.routes import Route, routes
from functions.operate.settings import Settings

CALL_TIMEOUT_S = 5
ATTEMPTS = 4
"""Attempts of a call; SageMaker throttles callers that request many packages at once."""
PREVIEW_TIMEOUT_S = 24
"""A function that starts up and loads the champion takes seconds; the API waits for 30."""


@functools.cache
def _routes() -> Mapping[str, Route]:
    clients = {
        service: client(service, read_timeout_s=CALL_TIMEOUT_S, attempts=ATTEMPTS)
        for service in ("s3", "sagemaker", "stepfunctions")
    }
    lambda_ = client("lambda", read_timeout_s=PREVIEW_TIMEOUT_S, attempts=1)
    return routes(from_environment(Settings, os.environ), lambda_=lambda_, **clients)


@functools.cache
def _keys() -> KeyReader:
    return key_reader(from_environment(Settings, os.environ).keys_table)


@instrumented
@accepts_signatures(_keys)
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer a request."""
    request = OperatorRequest(event, time.time_ns() // 1_000_000, context.get_remaining_time_in_millis)
    try:
        return respond(_routes()[route_key(event)](request))
    except AlsolikeError as error:
        count(Metric.REQUESTS_REJECTED)
        log_refusal(error)
        # `respond_error` would re-raise InvalidBundle; the operator must see which object is unreadable.
        return respond_error(Unavailable(str(error)) if isinstance(error, InvalidBundle) else error)
