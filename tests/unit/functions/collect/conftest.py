import time

import orjson
import pytest

from functions.collect import handler
from tests.builders.lambda_events import NOW_MS, LambdaContext, http_event
from tests.unit.functions.collect.events import TRACKING_ID, interaction, stored_records


@pytest.fixture
def collect(aws, catalogue_table, users_table, artefact_bucket, set_variables, monkeypatch):
    """Return a function that sends a request, and returns the response with its parsed body as `document`."""
    aws("kinesis").create_stream(StreamName="events", ShardCount=1)
    set_variables(STREAM_NAME="events", TRACKING_ID=TRACKING_ID)
    monkeypatch.setattr(time, "time_ns", lambda: NOW_MS * 1_000_000)

    def send(route, body=b"", **options):
        answer = handler.lambda_handler(http_event(route, body, **options), LambdaContext())
        return {**answer, "document": orjson.loads(answer["body"])}

    return send


@pytest.fixture
def stored(aws):
    return lambda: [interaction(record) for record in stored_records(aws("kinesis"))]
