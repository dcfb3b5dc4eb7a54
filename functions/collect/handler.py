"""POST /events and POST /items."""

from __future__ import annotations

import functools
import os
import time
from typing import Any

from alsolike.aws import client
from alsolike.catalog import CatalogueStore
from alsolike.errors import AlsolikeError
from alsolike.http import request_body, respond, respond_error
from alsolike.observability import Metric, count, log_refusal, logger, metrics
from alsolike.settings import from_environment
from functions.collect.service import put_events, put_items
from functions.collect.settings import Settings
from functions.collect.stream import EventStream

CALL_TIMEOUT_S = 4
ATTEMPTS = 2
"""A 503 in time is worth more to the caller than the API's own time-out."""


@functools.cache
def _stores() -> tuple[EventStream, CatalogueStore]:
    settings = from_environment(Settings, os.environ)
    kinesis, dynamodb = (
        client(service, read_timeout_s=CALL_TIMEOUT_S, attempts=ATTEMPTS) for service in ("kinesis", "dynamodb")
    )
    return EventStream(kinesis, settings.stream_name), CatalogueStore(dynamodb, settings.catalogue_table)


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Store the call's events or items and answer `{}`, as Personalize's put calls do."""
    stream, catalogue = _stores()
    now_ms = time.time_ns() // 1_000_000
    try:
        body = request_body(event)
        if event["routeKey"] == "POST /items":
            count(Metric.ITEMS_ACCEPTED, put_items(body, catalogue=catalogue, now_ms=now_ms))
        else:
            remaining_ms = context.get_remaining_time_in_millis
            accepted = put_events(body, stream=stream, now_ms=now_ms, remaining_ms=remaining_ms)
            count(Metric.EVENTS_ACCEPTED, accepted)
    except AlsolikeError as error:
        count(Metric.REQUESTS_REJECTED)
        log_refusal(error)
        return respond_error(error)
    return respond({})
