import datetime as dt
import time

import orjson
import pytest

from functions.observe import handler
from tests.builders.api_description import check_answer
from tests.builders.lambda_events import NOW_MS, LambdaContext, http_event
from tests.unit.functions.observe.asking import OWN_NAMESPACE, Clock


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(time, "time_ns", lambda: clock.now_ms * 1_000_000)
    return clock


@pytest.fixture
def observe(artefact_bucket, lake_bucket, users_table, clock, set_variables):
    set_variables(
        DEPLOYMENT="test",
        POWERTOOLS_METRICS_NAMESPACE=OWN_NAMESPACE,
        API_ID="shop",
        STREAM_NAME="events",
        STACKS="alsolike-test-data,alsolike-test-serving",
    )

    def ask(route, *, status=200, remaining_ms=29_000, **query):
        key = f"GET /operator/{route}"
        answer = handler.lambda_handler(http_event(key, query=query), LambdaContext(remaining_ms=remaining_ms))
        answer["document"] = orjson.loads(answer["body"])
        assert answer["statusCode"] == status, answer["body"]
        check_answer(key, answer)
        return answer["document"]

    return ask


@pytest.fixture
def put(aws):
    def put_metric(namespace, name, *values, at_ms=NOW_MS // 60_000 * 60_000, **dimensions):
        datum = {
            "MetricName": name,
            "Dimensions": [{"Name": dimension, "Value": value} for dimension, value in dimensions.items()],
            "Timestamp": dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC),
            "Values": list(values),
        }
        aws("cloudwatch").put_metric_data(Namespace=namespace, MetricData=[datum])

    return put_metric
