import time
from typing import Any

import orjson
import pytest

from functions.observe import handler
from tests.builders.lambda_events import LambdaContext, http_event
from tests.unit.functions.observe.asking import OWN_NAMESPACE, Clock


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(time, "time_ns", lambda: clock.now_ms * 1_000_000)
    return clock


@pytest.fixture
def observe(aws, artefact_bucket, lake_bucket, clock, monkeypatch):
    """Return a function that requests a view by the end of its path and its query, and returns the document."""
    for name, value in {
        "DEPLOYMENT": "test",
        "POWERTOOLS_METRICS_NAMESPACE": OWN_NAMESPACE,
        "API_ID": "shop",
        "STREAM_NAME": "events",
        "LAKE_BUCKET": lake_bucket,
        "STACKS": "alsolike-test-data,alsolike-test-serving",
        "ARTEFACT_BUCKET": artefact_bucket,
    }.items():
        monkeypatch.setenv(name, value)

    def ask(route, *, status=200, remaining_ms=29_000, **query):
        event = http_event(f"GET /operator/{route}", query=query)
        answer = handler.lambda_handler(event, LambdaContext(remaining_ms=remaining_ms))
        document: dict[str, Any] = orjson.loads(answer["body"])
        assert answer["statusCode"] == status, document
        return document

    return ask
