"""The routes for a shop's data: events, and the shop's items and users."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Mapping
from typing import Any

from alsolike.contract.http import respond_error, route_key
from alsolike.events.correlation import correlate, with_correlation_id
from alsolike.runtime.aws import client
from alsolike.runtime.errors import AlsolikeError
from alsolike.runtime.observability import Metric, count, instrumented, log_refusal
from alsolike.runtime.settings import from_environment
from alsolike.signing.admission import accepts_signatures
from alsolike.signing.keys import KeyReader, key_reader
from functions.collect.request import CollectRequest
from functions.collect.routes import Route, routes
from functions.collect.settings import Settings

CALL_TIMEOUT_S = 4
ATTEMPTS = 2
"""A 503 in time is worth more to the caller than the API's own time-out."""


@functools.cache
def _routes() -> Mapping[str, Route]:
    clients = {
        service: client(service, read_timeout_s=CALL_TIMEOUT_S, attempts=ATTEMPTS)
        for service in ("kinesis", "dynamodb", "s3", "secretsmanager")
    }
    return routes(from_environment(Settings, os.environ), **clients)


@functools.cache
def _keys() -> KeyReader:
    return key_reader(from_environment(Settings, os.environ).keys_table)


@instrumented
@accepts_signatures(_keys)
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer a request; put calls with `{}`, as Personalize's are."""
    correlation_id = correlate(event)
    request = CollectRequest(event, time.time_ns() // 1_000_000, context.get_remaining_time_in_millis, correlation_id)
    try:
        return with_correlation_id(_routes()[route_key(event)](request), correlation_id)
    except AlsolikeError as error:
        count(Metric.REQUESTS_REJECTED)
        log_refusal(error)
        return with_correlation_id(respond_error(error), correlation_id)
