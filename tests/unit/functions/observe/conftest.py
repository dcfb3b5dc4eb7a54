import time
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from functions.observe import handler
from tests.builders.lambda_events import LambdaContext, http_event
from tests.unit.functions.observe.asking import OWN_NAMESPACE, Clock, Observe


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "time_ns", lambda: clock.now_ms * 1_000_000)
    return clock


@pytest.fixture
def observe(
    aws: Callable[[str], Any],
    artefact_bucket: str,
    lake_bucket: str,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> Observe:
    """Return a function that requests a view, with the last part of its path and its query."""
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

    def ask(route: str, *, status: int = 200, remaining_ms: int = 29_000, **query: str) -> dict[str, Any]:
        event = http_event(f"GET /operator/{route}", query=query)
        answer = handler.lambda_handler(event, LambdaContext(remaining_ms=remaining_ms))
        document: dict[str, Any] = orjson.loads(answer["body"])
        assert answer["statusCode"] == status, document
        return document

    return ask
